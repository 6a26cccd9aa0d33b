package io.tensorarrow.spark.model;

import io.tensorarrow.spark.errors.ErrorCode;
import io.tensorarrow.spark.errors.TensorArrowException;
import io.tensorarrow.spark.model.eager.DaemonTimers;
import io.tensorarrow.spark.model.eager.EagerCall;
import io.tensorarrow.spark.model.eager.EagerFunction;
import io.tensorarrow.spark.model.eager.EagerModel;
import io.tensorarrow.spark.model.eager.ModelSettings;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CountDownLatch;
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
 * <p>Thread-safe. There is one per class loader, since TensorFlow's classes belong to one. When the
 * process ends nothing has to be closed: the system takes the memory back, while a hook that freed
 * models could do so under tasks that still run. A class loader that goes earlier gets rid of its
 * models by the idle time, or by {@link #shutdown}.
 */
public final class ModelCache {
  private static final Logger LOG = LoggerFactory.getLogger(ModelCache.class);
  private static final long POLL_MILLIS = 100;
  private static final AtomicLong LEASES = new AtomicLong();
  private static @Nullable ModelCache executor;

  private final ExecutorModelSettings limits;
  private final long idleNanos;
  private final Loading loading;
  private final LongSupplier clock;
  private final AtomicLong loads = new AtomicLong();
  private final AtomicLong closes = new AtomicLong();
  private final ScheduledThreadPoolExecutor sweeper;

  /** Guarded by this; least recently used first. */
  private final Map<Key, Entry> entries = new LinkedHashMap<>(16, 0.75f, true);

  /** Guarded by this. */
  private boolean sweepPlanned;

  /** Guarded by this. */
  private boolean shutDown;

  private record Key(
      String fingerprint, List<String> tags, List<String> allowedOps, ModelSettings settings) {}

  /**
   * A model that is loaded or being loaded; its fields are guarded by the cache, but may be read
   * without once the latch is open.
   */
  private static final class Entry {
    final Key key;
    final CountDownLatch done = new CountDownLatch(1);
    @Nullable EagerModel model;
    @Nullable TensorArrowException failure;
    int users;
    long unusedSince;

    Entry(Key key) {
      this.key = key;
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
   * @param limits how many models to keep, and how long
   * @param loading what loads models
   * @param clock nanoseconds since any point of time
   */
  public ModelCache(ExecutorModelSettings limits, Loading loading, LongSupplier clock) {
    this.limits = limits;
    this.idleNanos = limits.idleTime().toNanos();
    this.loading = loading;
    this.clock = clock;
    this.sweeper = DaemonTimers.timer("tensorarrow-model-cache");
  }

  /**
   * Returns the executor's cache.
   *
   * @param settings how to keep models. Where they differ from the last caller's, another Spark
   *     application began in this process: the cache of the last one is shut down
   */
  public static synchronized ModelCache forExecutor(ExecutorModelSettings settings) {
    ModelCache current = executor;
    if (current == null || !current.limits.equals(settings)) {
      if (current != null) {
        current.shutdown();
      }
      ModelLoader loader = new ModelLoader(settings.nativesDirectory(), settings.modelsDirectory());
      current = new ModelCache(settings, loader::load, System::nanoTime);
      executor = current;
    }
    return current;
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
   *     shall end; asked by any thread, several times a second
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
      boolean mine;
      synchronized (this) {
        entry = entries.get(key);
        mine = entry == null;
        if (entry == null) {
          entry = new Entry(key);
          entries.put(key, entry);
        }
        entry.users++;
      }
      if (mine) {
        return load(entry, model, settings, cancelled);
      }
      await(entry, model, cancelled);
      if (entry.model != null) {
        return new Lease(entry, entry.model, cancelled, 0);
      }
      if (entry.failure != null) {
        throw again(entry.failure);
      }
      // The loading task was killed, which is no fault of the model: one of the waiting threads
      // loads it.
    }
  }

  private Lease load(
      Entry entry, ModelReference model, ModelSettings settings, BooleanSupplier cancelled) {
    boolean leased = false;
    try {
      closeAll(surplus());
      long start = System.nanoTime();
      EagerModel loaded = loading.load(model, settings, cancelled);
      long nanos = System.nanoTime() - start;
      loads.incrementAndGet();
      synchronized (this) {
        entry.model = loaded;
      }
      closeAll(surplus());
      LOG.info(
          "Loaded model '{}' of about {} bytes in {} ms",
          model.directory(),
          loaded.bytes(),
          TimeUnit.NANOSECONDS.toMillis(nanos));
      Lease lease = new Lease(entry, loaded, cancelled, nanos);
      leased = true;
      return lease;
    } catch (RuntimeException e) {
      // A task that is killed fails with whatever met the interruption first, which is no fault of
      // the model.
      if (e instanceof CancellationException
          || Thread.currentThread().isInterrupted()
          || cancelled.getAsBoolean()) {
        throw e;
      }
      entry.failure = e instanceof TensorArrowException known ? known : unexpected(model, e);
      throw entry.failure;
    } catch (Error e) {
      entry.failure = unexpected(model, e);
      throw e;
    } finally {
      if (entry.model == null) {
        synchronized (this) {
          entries.remove(entry.key, entry);
        }
      } else if (!leased) {
        release(entry);
      }
      if (entry.failure != null) {
        // Once, however many tasks wait and fail with it.
        LOG.warn(entry.failure.getMessage());
      }
      entry.done.countDown();
    }
  }

  /** Tells one failure to another thread, with a stack trace of its own. */
  private static TensorArrowException again(TensorArrowException first) {
    String prefix = "[" + first.code() + "] ";
    String message = String.valueOf(first.getMessage());
    return new TensorArrowException(first.code(), message.substring(prefix.length()), first);
  }

  private static TensorArrowException unexpected(ModelReference model, Throwable cause) {
    return new TensorArrowException(
        ErrorCode.TA_MODEL_LOAD,
        "Cannot load model '"
            + model.directory()
            + "': found "
            + cause
            + "; expected a model that TensorFlow 2.18 can load",
        cause);
  }

  private void await(Entry entry, ModelReference model, BooleanSupplier cancelled) {
    try {
      while (!entry.done.await(POLL_MILLIS, TimeUnit.MILLISECONDS)) {
        if (cancelled.getAsBoolean()) {
          release(entry);
          throw new CancellationException(
              "Cannot load model '" + model.directory() + "': found its task killed");
        }
      }
    } catch (InterruptedException e) {
      release(entry);
      Thread.currentThread().interrupt();
      throw new TensorArrowException(
          ErrorCode.TA_MODEL_LOAD,
          "Cannot load model '"
              + model.directory()
              + "': found the task interrupted while it waited; expected it to run on",
          e);
    }
  }

  /**
   * Closes the models that no one uses, and lets those in use be closed as soon as they are given
   * back. The cache can still be used, but keeps nothing any more.
   */
  public void shutdown() {
    synchronized (this) {
      shutDown = true;
      // The thread would wait until the next sweep.
      sweeper.shutdownNow();
    }
    closeAll(surplus());
  }

  /**
   * Returns how many leases and calls of this class loader are not closed yet, for metrics and leak
   * tests.
   */
  public static long liveLeases() {
    return LEASES.get();
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

  private synchronized void retain(Entry entry) {
    entry.users++;
  }

  private void release(Entry entry) {
    synchronized (this) {
      entry.users--;
      if (entry.users == 0) {
        entry.unusedSince = clock.getAsLong();
        // Counts as a use: a model that was used for hours and is given back now was used last.
        entries.get(entry.key);
        planSweep(idleNanos);
      }
    }
    closeAll(surplus());
  }

  /** Takes models out of the cache that are unused and too many, least recently used first. */
  private synchronized List<EagerModel> surplus() {
    List<EagerModel> surplus = new ArrayList<>();
    long bytes = 0;
    for (Entry entry : entries.values()) {
      bytes += entry.model == null ? 0 : entry.model.bytes();
    }
    Iterator<Entry> all = entries.values().iterator();
    while (isTooMuch(bytes) && all.hasNext()) {
      Entry entry = all.next();
      if (entry.users == 0 && entry.model != null) {
        surplus.add(entry.model);
        bytes -= entry.model.bytes();
        all.remove();
      }
    }
    return surplus;
  }

  /** To be called with the lock held. */
  private boolean isTooMuch(long bytes) {
    return shutDown
        || entries.size() > limits.maxModels()
        || (bytes > limits.maxBytes() && entries.size() > 1);
  }

  /** Closes models that were unused for too long and plans to look again if some are left. */
  void sweep() {
    List<EagerModel> idle = new ArrayList<>();
    synchronized (this) {
      sweepPlanned = false;
      long now = clock.getAsLong();
      long next = Long.MAX_VALUE;
      Iterator<Entry> all = entries.values().iterator();
      while (all.hasNext()) {
        Entry entry = all.next();
        if (entry.users == 0 && entry.model != null) {
          long left = idleNanos - (now - entry.unusedSince);
          if (left <= 0) {
            idle.add(entry.model);
            all.remove();
          } else {
            next = Math.min(next, left);
          }
        }
      }
      if (next < Long.MAX_VALUE) {
        planSweep(next);
      }
    }
    closeAll(idle);
  }

  /** To be called with the lock held. */
  private void planSweep(long delayNanos) {
    if (!sweepPlanned && !shutDown) {
      sweepPlanned = true;
      ScheduledFuture<?> unused = sweeper.schedule(this::sweep, delayNanos, TimeUnit.NANOSECONDS);
    }
  }

  /**
   * Closes models that are no longer in the cache; not under the lock, since it takes TensorFlow a
   * while.
   */
  private void closeAll(List<EagerModel> models) {
    for (EagerModel model : models) {
      model.close();
      closes.incrementAndGet();
    }
  }

  private final class Lease implements ModelLease {
    private final Entry entry;
    private final EagerModel model;
    private final BooleanSupplier cancelled;
    private final long loadNanos;
    private boolean closed;

    Lease(Entry entry, EagerModel model, BooleanSupplier cancelled, long loadNanos) {
      this.entry = entry;
      this.model = model;
      this.cancelled = cancelled;
      this.loadNanos = loadNanos;
      LEASES.incrementAndGet();
    }

    @Override
    public synchronized EagerCall newCall(String signature, List<String> fetches) {
      if (closed) {
        throw new IllegalStateException("lease is closed");
      }
      EagerFunction function = model.function(signature, fetches);
      EagerCall call;
      try {
        call = new EagerCall(model.context(), function, cancelled, () -> endCall(function));
      } catch (RuntimeException | Error e) {
        model.release(function);
        throw e;
      }
      retain(entry);
      LEASES.incrementAndGet();
      return call;
    }

    @Override
    public long loadNanos() {
      return loadNanos;
    }

    @Override
    public synchronized void close() {
      if (!closed) {
        closed = true;
        endUse();
      }
    }

    private void endCall(EagerFunction function) {
      try {
        model.release(function);
      } finally {
        endUse();
      }
    }

    private void endUse() {
      release(entry);
      LEASES.decrementAndGet();
    }
  }
}
