package io.tensorarrow.bench;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Measures systems that do the same work beside each other, since machines are noisy: in every
 * round each system runs once, the order changes from round to round, and systems are compared
 * within a round only. The first round is dropped.
 */
final class SideBySide {
  private static final int ROUNDS = 12;
  private static final long SLICE_NANOS = 150_000_000;

  private final String title;
  private final Map<String, Runnable> systems = new LinkedHashMap<>();

  /** Begins a comparison; the title says what is measured. */
  SideBySide(String title) {
    this.title = title;
  }

  /** Adds a system; the first one is what the others are compared with. */
  SideBySide add(String name, Runnable work) {
    systems.put(name, work);
    return this;
  }

  /**
   * Measures and prints, for each system, the median time of one piece of work, and how many times
   * as fast as the first system it is: the median and the range of the rounds' ratios.
   */
  void run() {
    List<String> names = new ArrayList<>(systems.keySet());
    Map<String, Integer> repeats = new LinkedHashMap<>();
    systems.forEach((name, work) -> repeats.put(name, calibrated(work)));
    Map<String, double[]> nanos = new LinkedHashMap<>();
    names.forEach(name -> nanos.put(name, new double[ROUNDS - 1]));
    for (int round = 0; round < ROUNDS; round++) {
      List<String> order = new ArrayList<>(names);
      Collections.rotate(order, round);
      for (String name : order) {
        double time = time(systems.get(name), repeats.get(name));
        if (round > 0) {
          nanos.get(name)[round - 1] = time;
        }
      }
    }
    print(nanos);
  }

  private void print(Map<String, double[]> nanos) {
    double[] base = nanos.values().iterator().next();
    nanos.forEach(
        (name, times) -> {
          double[] ratios = new double[times.length];
          Arrays.setAll(ratios, i -> base[i] / times[i]);
          System.out.printf(
              "%-28s %-24s %10.1f us  speed x%.2f (%.2f to %.2f, %d rounds)%n",
              title,
              name,
              median(times) / 1000,
              median(ratios),
              Arrays.stream(ratios).min().orElseThrow(),
              Arrays.stream(ratios).max().orElseThrow(),
              ratios.length);
        });
  }

  /** Returns how often a system runs in one slice; warms it up on the way. */
  private static int calibrated(Runnable work) {
    int repeats = 1;
    while (true) {
      double nanos = time(work, repeats) * repeats;
      if (nanos >= SLICE_NANOS) {
        return repeats;
      }
      repeats = (int) Math.max(repeats + 1, repeats * Math.min(10, SLICE_NANOS / nanos * 1.1));
    }
  }

  private static double time(Runnable work, int repeats) {
    long start = System.nanoTime();
    for (int i = 0; i < repeats; i++) {
      work.run();
    }
    return (double) (System.nanoTime() - start) / repeats;
  }

  private static double median(double[] values) {
    double[] sorted = values.clone();
    Arrays.sort(sorted);
    return sorted[sorted.length / 2];
  }
}
