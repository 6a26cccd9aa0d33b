package io.tensorarrow.spark.model.safety;

import java.util.Arrays;
import java.util.OptionalInt;

/**
 * Which node depends on which, by their numbers; finds cycles without recursion, in linear time.
 */
final class Dependencies {
  private static final int FIRST_CAPACITY = 16;

  private final int nodes;
  private int[] from = new int[FIRST_CAPACITY];
  private int[] to = new int[FIRST_CAPACITY];
  private int count;

  Dependencies(int nodes) {
    this.nodes = nodes;
  }

  void add(int source, int target) {
    if (count == from.length) {
      from = Arrays.copyOf(from, 2 * count);
      to = Arrays.copyOf(to, 2 * count);
    }
    from[count] = source;
    to[count] = target;
    count++;
  }

  /**
   * Returns a node that depends on itself, if there is one. Sorts the nodes topologically: a node
   * is ready when all that it depends on are done. What never gets ready is on a cycle, or behind
   * one.
   */
  OptionalInt findCycle() {
    int[] pendingInputs = new int[nodes];
    int[] firstTarget = new int[nodes + 1];
    for (int i = 0; i < count; i++) {
      pendingInputs[to[i]]++;
      firstTarget[from[i] + 1]++;
    }
    for (int i = 0; i < nodes; i++) {
      firstTarget[i + 1] += firstTarget[i];
    }
    int[] targets = targetsBySource(firstTarget);
    int[] ready = new int[nodes];
    int readyCount = 0;
    for (int i = 0; i < nodes; i++) {
      if (pendingInputs[i] == 0) {
        ready[readyCount++] = i;
      }
    }
    int done = 0;
    while (done < readyCount) {
      int node = ready[done++];
      for (int i = firstTarget[node]; i < firstTarget[node + 1]; i++) {
        if (--pendingInputs[targets[i]] == 0) {
          ready[readyCount++] = targets[i];
        }
      }
    }
    return done == nodes ? OptionalInt.empty() : OptionalInt.of(nodeOnCycle(pendingInputs));
  }

  /** Returns the targets of all dependencies, those of one source in a row. */
  private int[] targetsBySource(int[] firstTarget) {
    int[] next = Arrays.copyOf(firstTarget, nodes);
    int[] targets = new int[count];
    for (int i = 0; i < count; i++) {
      targets[next[from[i]]++] = to[i];
    }
    return targets;
  }

  /** Every node that is left over depends on another one: going back far enough ends in a cycle. */
  private int nodeOnCycle(int[] pendingInputs) {
    int[] before = new int[nodes];
    int node = 0;
    for (int i = 0; i < count; i++) {
      if (pendingInputs[from[i]] > 0 && pendingInputs[to[i]] > 0) {
        before[to[i]] = from[i];
        node = to[i];
      }
    }
    for (int i = 0; i < nodes; i++) {
      node = before[node];
    }
    return node;
  }
}
