package io.tensorarrow.bench;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Measures systems that do the same work beside each other, since machines are noisy: in every
 * round each system runs for a while, the order changes from round to round, and systems are
 * compared within a round only. All are warm before the first round, which is dropped.
 */
final class SideBySide {
  private static final int ROUNDS = 12;
  private static final long WARM_UP_NANOS = 300_000_000;
  private static final long SLICE_NANOS = 150_000_000;

  private final Map<String, Runnable> systems = new LinkedHashMap<>();

  /** Adds a system; the last one is compared with all others. */
  SideBySide add(String name, Runnable work) {
    systems.put(name, work);
    return this;
  }

  /**
   * What was measured.
   *
   * @param nanos the median time of one piece of work, for each system
   * @param speeds how many times as fast as each other system the last one is: the ratios of the
   *     rounds
   */
  record Result(Map<String, Double> nanos, Map<String, Spread> speeds) {}

  /** Measures. */
  Result run() {
    List<String> names = new ArrayList<>(systems.keySet());
    Map<String, Integer> repeats = new LinkedHashMap<>();
    systems.forEach((name, work) -> repeats.put(name, repeats(work)));
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
    return result(nanos);
  }

  private static Result result(Map<String, double[]> nanos) {
    double[] last = nanos.values().stream().reduce((first, second) -> second).orElseThrow();
    Map<String, Double> medians = new LinkedHashMap<>();
    Map<String, Spread> speeds = new LinkedHashMap<>();
    nanos.forEach(
        (name, times) -> {
          double[] ratios = new double[times.length];
          Arrays.setAll(ratios, i -> times[i] / last[i]);
          medians.put(name, Spread.of(times).median());
          speeds.put(name, Spread.of(ratios));
        });
    return new Result(medians, speeds);
  }

  /** Warms a system up and returns how often it runs in one slice of time. */
  private static int repeats(Runnable work) {
    long start = System.nanoTime();
    int count = 0;
    while (System.nanoTime() - start < WARM_UP_NANOS) {
      work.run();
      count++;
    }
    double nanos = time(work, Math.max(1, count / 2));
    return (int) Math.max(1, SLICE_NANOS / nanos);
  }

  private static double time(Runnable work, int repeats) {
    long start = System.nanoTime();
    for (int i = 0; i < repeats; i++) {
      work.run();
    }
    return (double) (System.nanoTime() - start) / repeats;
  }
}
