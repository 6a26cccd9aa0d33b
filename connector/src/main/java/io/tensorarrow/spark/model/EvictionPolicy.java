package io.tensorarrow.spark.model;

import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;

/**
 * Decides which models a cache closes. Pure functions of the cache's entries and the time; a model
 * in use is never chosen.
 *
 * @param maxModels the maximum number of entries; models in use may exceed it
 * @param maxBytes the maximum of the entries' bytes in total; the last entry stays in any case
 * @param idleNanos how long a model stays that no one uses
 */
record EvictionPolicy(int maxModels, long maxBytes, long idleNanos) {
  /**
   * What the policy needs to know about one entry of the cache.
   *
   * @param entry the entry
   * @param bytes the size of its model, 0 while it is being loaded
   * @param idle whether it is loaded and no one uses it
   * @param unusedSince when its last use ended, in nanoseconds; meaningful if it is idle
   */
  record Usage<E>(E entry, long bytes, boolean idle, long unusedSince) {}

  /**
   * The entries to close because they were idle for too long.
   *
   * @param nanosToNext how long it takes until the next idle entry is due, or empty if no other is
   *     idle
   */
  record Expired<E>(List<E> victims, OptionalLong nanosToNext) {
    Expired {
      victims = List.copyOf(victims);
    }
  }

  static EvictionPolicy of(ExecutorModelSettings settings) {
    return new EvictionPolicy(
        settings.maxModels(), settings.maxBytes(), settings.idleTime().toNanos());
  }

  /** Returns a policy that keeps no idle model. */
  EvictionPolicy keepingNone() {
    return new EvictionPolicy(0, maxBytes, idleNanos);
  }

  /**
   * Returns the idle entries that are too many or too large in total.
   *
   * @param usages all entries of the cache, least recently used first
   * @return the entries to close, least recently used first
   */
  <E> List<E> surplus(List<Usage<E>> usages) {
    long bytes = usages.stream().mapToLong(Usage::bytes).sum();
    int models = usages.size();
    List<E> victims = new ArrayList<>();
    for (Usage<E> usage : usages) {
      if (!isTooMuch(models, bytes)) {
        break;
      }
      if (usage.idle()) {
        victims.add(usage.entry());
        models--;
        bytes -= usage.bytes();
      }
    }
    return victims;
  }

  private boolean isTooMuch(int models, long bytes) {
    return models > maxModels || (bytes > maxBytes && models > 1);
  }

  /**
   * Returns the entries that were idle for too long.
   *
   * @param usages all entries of the cache
   * @param now the time in nanoseconds, by the clock of {@link Usage#unusedSince}
   */
  <E> Expired<E> expired(List<Usage<E>> usages, long now) {
    List<E> victims = new ArrayList<>();
    OptionalLong nanosToNext = OptionalLong.empty();
    for (Usage<E> usage : usages) {
      if (usage.idle()) {
        long nanosLeft = idleNanos - (now - usage.unusedSince());
        if (nanosLeft <= 0) {
          victims.add(usage.entry());
        } else {
          nanosToNext = OptionalLong.of(Math.min(nanosLeft, nanosToNext.orElse(nanosLeft)));
        }
      }
    }
    return new Expired<>(victims, nanosToNext);
  }
}
