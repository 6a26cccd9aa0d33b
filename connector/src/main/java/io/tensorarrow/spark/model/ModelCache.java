package io.tensorarrow.spark.model;

import io.tensorarrow.spark.errors.ErrorCode;
import io.tensorarrow.spark.errors.TensorArrowException;
import io.tensorarrow.spark.model.eager.DaemonTimers;
import io.tensorarrow.spark.model.eager.EagerModel;
import io.tensorarrow.spark.model.eager.ModelSettings;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BooleanSupplier;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The models that an executor has loaded, shared by its tasks. A model is loaded once however many
 * tasks want it at the same time, stays loaded while it is leased, and afterwards until it is idle
 * for too long or others need its place. The one used last keeps its place even if it is too large.
 *
 * <p>The states of an entry, whose users are the tasks that load it, wait for it or lease it:
 *
 * <pre>
 *   loading ----> in use (users > 0) <----> idle (users = 0) ----> closed
 *      |
 *      +--------> failed or abandoned
 * </pre>
 *
 * <p>A failed load fails for all tasks that wait for it, and the next {@code acquire} tries again.
 * A load is abandoned if its task is killed: one of the waiting tasks then makes a new entry.
 * Entries that are closed, failed or abandoned are not in the cache.
 *
 * <p>Thread-safe. All entries are guarded by the cache's lock. Models are loaded and closed without
 * it, since both take TensorFlow a while. Only idle models are closed; they are taken out of the
 * cache first, under the lock, so that no task can lease them any more.
 */
public final class ModelCache {
  private static final Logger LOG = LoggerFactory.getLogger(ModelCache.class);

  private final Loading loading;
  private final LongSupplier clock;
  private final AtomicLong loads = new AtomicLong();
  private final AtomicLong closes = new AtomicLong();
  private final ScheduledThreadPoolExecutor sweeper;

  /** Guarded by this. In order of access, least recently used first: {@code get} counts as use. */
  private final Map<Key, Entry> entries = new LinkedHashMap<>(16, 0.75f, true);

  /** Guarded by this. */
  private EvictionPolicy policy;

  /** Guarded by this. */
  private boolean sweepPlanned;

  /** Guarded by this. */
  private boolean shutDown;

  private record Key(
      String fingerprint, List<String> tags, List<String> allowedOps, ModelSettings settings) {}

  /** A model that is loaded or being loaded. */
  private final class Entry implements CountedLease.Uses {
    final Key key;
    final LoadOnce<EagerModel> load = new LoadOnce<>();

    /** Guarded by the cache; the thread that makes the entry loads it, and is its first user. */
    int users = 1;

    /** Guarded by the cache; meaningful while there are no users. */
    long unusedSince;

    Entry(Key key) {
      this.key = key;
    }

    @Override
    public void begin() {
      synchronized (ModelCache.this) {
        users++;
      }
    }

    @Override
    public void end() {
      synchronized (ModelCache.this) {
        users--;
        if (users == 0) {
          unusedSince = clock.getAsLong();
          // A model that was used for hours and is given back now was used last.
          markMostRecentlyUsed(this);
          planSweep(policy.idleNanos());
        }
      }
      closeAll(takeSurplus());
    }

    /** To be called with the cache's lock held. */
    EvictionPolicy.Usage<Entry> usage() {
      EagerModel model = load.value();
      return model == null
          ? new EvictionPolicy.Usage<>(this, 0, false, 0)
          : new EvictionPolicy.Usage<>(this, model.bytes(), users == 0, unusedSince);
    }
  }

  /** What loads a model that is not in the cache. */
  public interface Loading {
    /**
     * Returns the model, owned by the caller.
     *
     * @throws CancellationException if {@code cancelled} became true
     */
    EagerModel load(ModelReference model, ModelSettings settings, BooleanSupplier cancelled);
  }

  /**
   * Makes a cache.
   *
   * @param settings how many models to keep, and how long
   * @param loading what loads models
   * @param clock nanoseconds since any point of time
   */
  public ModelCache(ExecutorModelSettings settings, Loading loading, LongSupplier clock) {
    this.policy = EvictionPolicy.of(settings);
    this.loading = loading;
    this.clock = clock;
    this.sweeper = DaemonTimers.timer("tensorarrow-model-cache");
  }

  /**
   * Leases a model for someone who does not stop waiting or running; see {@link
   * #acquire(ModelReference, ModelSettings, BooleanSupplier)}.
   */
  public ModelLease acquire(ModelReference model, ModelSettings settings) {
    return acquire(model, settings, () -> false);
  }

  /**
   * Leases a model, loading it if need be. Waits while another thread loads it.
   *
   * @param model the model to lease
   * @param settings what it may use
   * @param cancelled whether the task was killed, so that loading, waiting and the lease's calls
   *     must end; asked by any thread, several times a second
   * @return the lease, owned by the caller
   * @throws TensorArrowException if it can't be loaded, or the thread is interrupted while it
   *     waits; the next attempt tries again. The codes are {@link ErrorCode#TA_MODEL_NOT_FOUND},
   *     {@link ErrorCode#TA_MODEL_CHANGED}, {@link ErrorCode#TA_MODEL_CORRUPT}, {@link
   *     ErrorCode#TA_MODEL_FETCH}, {@link ErrorCode#TA_TAGS_NOT_FOUND}, {@link
   *     ErrorCode#TA_OP_NOT_ALLOWED}, {@link ErrorCode#TA_OP_UNKNOWN}, {@link ErrorCode#TA_NATIVES}
   *     and {@link ErrorCode#TA_MODEL_LOAD}
   * @throws CancellationException if {@code cancelled} became true; others who wait for the model
   *     load it then
   */
  public ModelLease acquire(
      ModelReference model, ModelSettings settings, BooleanSupplier cancelled) {
    Key key = new Key(model.fingerprint(), model.tags(), model.allowedOps(), settings);
    while (true) {
      Entry entry;
      boolean isNew;
      synchronized (this) {
        entry = entries.get(key);
        isNew = entry == null;
        if (entry == null) {
          entry = new Entry(key);
          entries.put(key, entry);
        } else {
          entry.users++;
        }
      }
      if (isNew) {
        return load(entry, model, settings, cancelled);
      }
      EagerModel loaded = await(entry, model, cancelled);
      if (loaded != null) {
        return new CountedLease(loaded, entry, cancelled, 0);
      }
      // Abandoned: one of the threads that waited makes a new entry and loads it.
    }
  }

  private ModelLease load(
      Entry entry, ModelReference model, ModelSettings settings, BooleanSupplier cancelled) {
    return entry.load.run(
        () -> loadAndLease(entry, model, settings, cancelled),
        e -> isOfKilledTask(e, cancelled),
        e -> failure(model, e));
  }

  private static TensorArrowException failure(ModelReference model, Throwable cause) {
    TensorArrowException failure =
        cause instanceof TensorArrowException known ? known : unexpected(model, cause);
    // Once, however many tasks wait and fail with it.
    LOG.warn(failure.getMessage());
    return failure;
  }

  /** A killed task may fail with any exception; it does not mean that the load failed. */
  private static boolean isOfKilledTask(RuntimeException e, BooleanSupplier cancelled) {
    return e instanceof CancellationException
        || Thread.currentThread().isInterrupted()
        || cancelled.getAsBoolean();
  }

  private ModelLease loadAndLease(
      Entry entry, ModelReference model, ModelSettings settings, BooleanSupplier cancelled) {
    ModelLease lease = null;
    try {
      closeAll(takeSurplus());
      long start = System.nanoTime();
      EagerModel loaded = loading.load(model, settings, cancelled);
      long nanos = System.nanoTime() - start;
      loads.incrementAndGet();
      synchronized (this) {
        entry.load.publish(loaded);
      }
      closeAll(takeSurplus());
      LOG.info(
          "Loaded model '{}' of about {} bytes in {} ms",
          model.directory(),
          loaded.bytes(),
          TimeUnit.NANOSECONDS.toMillis(nanos));
      lease = new CountedLease(loaded, entry, cancelled, nanos);
      return lease;
    } finally {
      if (entry.load.value() == null) {
        // Before the waiting threads go on: one of them may have to make a new entry.
        synchronized (this) {
          entries.remove(entry.key, entry);
        }
      } else if (lease == null) {
        entry.end();
      }
    }
  }

  private static TensorArrowException unexpected(ModelReference model, Throwable cause) {
    return TensorArrowException.cannot(
            ErrorCode.TA_MODEL_LOAD, "load model '%s'", model.directory())
        .found("%s", cause)
        .causedBy(cause)
        .expected("a model that TensorFlow 2.18 can load");
  }

  /** Waits for the thread that loads a model; returns null if it abandoned the load. */
  private @Nullable EagerModel await(Entry entry, ModelReference model, BooleanSupplier cancelled) {
    try {
      if (!entry.load.await(cancelled)) {
        entry.end();
        throw new CancellationException(
            "Cannot load model '" + model.directory() + "': found its task killed");
      }
    } catch (InterruptedException e) {
      entry.end();
      Thread.currentThread().interrupt();
      throw TensorArrowException.cannot(
              ErrorCode.TA_MODEL_LOAD, "load model '%s'", model.directory())
          .found("the task interrupted while it waited")
          .causedBy(e)
          .expected("it to run on");
    }
    return entry.load.outcome();
  }

  /**
   * Closes the models that no one uses, and lets those in use be closed as soon as they are given
   * back. The cache can still be used, but keeps nothing any more.
   */
  public void shutdown() {
    synchronized (this) {
      shutDown = true;
      policy = policy.keepingNone();
      // The thread would wait until the next sweep.
      sweeper.shutdownNow();
    }
    closeAll(takeSurplus());
  }

  /**
   * Returns how many leases and calls of this class loader are not closed yet, for metrics and leak
   * tests.
   */
  public static long liveLeases() {
    return CountedLease.live();
  }

  /** Returns how many models were loaded so far. */
  public long loads() {
    return loads.get();
  }

  /** Returns how many models were closed so far. */
  public long closes() {
    return closes.get();
  }

  /** Returns how many models are loaded now. */
  public long openModels() {
    return loads() - closes();
  }

  /** To be called with the lock held. */
  private void markMostRecentlyUsed(Entry entry) {
    entries.get(entry.key);
  }

  /** Takes the idle models out of the cache that are too many, least recently used first. */
  private synchronized List<EagerModel> takeSurplus() {
    return take(policy.surplus(usages()));
  }

  /** Closes models that were idle for too long and plans to look again if some are left. */
  void sweep() {
    List<EagerModel> expiredModels;
    synchronized (this) {
      sweepPlanned = false;
      EvictionPolicy.Expired<Entry> expired = policy.expired(usages(), clock.getAsLong());
      expiredModels = take(expired.victims());
      expired.nanosToNext().ifPresent(this::planSweep);
    }
    closeAll(expiredModels);
  }

  /** To be called with the lock held. */
  private List<EvictionPolicy.Usage<Entry>> usages() {
    return entries.values().stream().map(Entry::usage).toList();
  }

  /** To be called with the lock held; the caller closes the models. */
  private List<EagerModel> take(List<Entry> victims) {
    List<EagerModel> models = new ArrayList<>();
    for (Entry victim : victims) {
      entries.remove(victim.key);
      models.add(Objects.requireNonNull(victim.load.value()));
    }
    return models;
  }

  /** To be called with the lock held. */
  private void planSweep(long delayNanos) {
    if (!sweepPlanned && !shutDown) {
      sweepPlanned = true;
      ScheduledFuture<?> unused = sweeper.schedule(this::sweep, delayNanos, TimeUnit.NANOSECONDS);
    }
  }

  /** Closes models that are no longer in the cache; to be called without the lock. */
  private void closeAll(List<EagerModel> models) {
    for (EagerModel model : models) {
      model.close();
      closes.incrementAndGet();
    }
  }
}
