package io.tensorarrow.spark.model.safety;

import java.util.Arrays;
import java.util.OptionalInt;

/** What depends on what, by numbers; finds cycles without recursion, in linear time. */
final class Edges {
  private static final int FIRST_CAPACITY = 16;

  private final int nodes;
  private int[] from = new int[FIRST_CAPACITY];
  private int[] to = new int[FIRST_CAPACITY];
  private int count;

  Edges(int nodes) {
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

  /** Returns a node that depends on itself, if there is one. */
  OptionalInt findCycle() {
    int[] firstOut = new int[nodes + 1];
    int[] open = new int[nodes];
    for (int i = 0; i < count; i++) {
      firstOut[from[i] + 1]++;
      open[to[i]]++;
    }
    for (int i = 0; i < nodes; i++) {
      firstOut[i + 1] += firstOut[i];
    }
    int[] next = Arrays.copyOf(firstOut, nodes);
    int[] out = new int[count];
    for (int i = 0; i < count; i++) {
      out[next[from[i]]++] = to[i];
    }
    int[] ready = new int[nodes];
    int done = 0;
    int readyCount = 0;
    for (int i = 0; i < nodes; i++) {
      if (open[i] == 0) {
        ready[readyCount++] = i;
      }
    }
    while (done < readyCount) {
      int node = ready[done++];
      for (int i = firstOut[node]; i < firstOut[node + 1]; i++) {
        if (--open[out[i]] == 0) {
          ready[readyCount++] = out[i];
        }
      }
    }
    return done == nodes ? OptionalInt.empty() : OptionalInt.of(onCycle(open));
  }

  /** Every node that is left over depends on another one: going back far enough ends in a cycle. */
  private int onCycle(int[] open) {
    int[] before = new int[nodes];
    int node = 0;
    for (int i = 0; i < count; i++) {
      if (open[from[i]] > 0 && open[to[i]] > 0) {
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
