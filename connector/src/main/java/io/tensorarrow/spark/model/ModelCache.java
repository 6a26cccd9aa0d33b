package io.tensorarrow.spark.model;

import io.tensorarrow.spark.errors.ErrorCode;
import io.tensorarrow.spark.errors.TensorArrowException;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * The models that an executor has loaded, shared by its tasks. A model is loaded once however many
 * tasks want it at the same time, stays loaded while it is leased, and afterwards until it is idle
 * for too long or others need its place.
 *
 * <p>Thread-safe. There is one per class loader, since TensorFlow's classes belong to one.
 */
public final class ModelCache {
  private static @Nullable ModelCache executor;

  private final int maxModels;
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

  private record Key(String fingerprint, List<String> tags, ModelSettings settings) {}

  /**
   * A model that is loaded or being loaded; its fields are guarded by the cache, but for those set
   * before the latch opens.
   */
  private static final class Entry {
    final CountDownLatch done = new CountDownLatch(1);
    @Nullable EagerModel model;
    @Nullable TensorArrowException failure;
    int users;
    long unusedSince;
  }

  /** What loads a model that is not in the cache. */
  interface Loading {
    /** Returns the model, owned by the caller. */
    EagerModel load(ModelReference model, ModelSettings settings);
  }

  /**
   * Makes a cache.
   *
   * @param settings its limits
   * @param loading what loads models
   * @param clock nanoseconds since any point of time
   */
  ModelCache(ExecutorModelSettings settings, Loading loading, LongSupplier clock) {
    this.maxModels = settings.maxModels();
    this.idleNanos = settings.idleTime().toNanos();
    this.loading = loading;
    this.clock = clock;
    this.sweeper = new ScheduledThreadPoolExecutor(1, ModelCache::daemon);
    // The thread ends when nothing is left to sweep, so that it does not keep an unused class
    // loader alive.
    sweeper.setKeepAliveTime(1, TimeUnit.SECONDS);
    sweeper.allowCoreThreadTimeOut(true);
  }

  /**
   * Returns the executor's cache.
   *
   * @param settings how to keep models; only the first caller's count
   */
  public static synchronized ModelCache forExecutor(ExecutorModelSettings settings) {
    if (executor == null) {
      ModelLoader loader = new ModelLoader(settings.nativesDirectory(), settings.modelsDirectory());
      executor = new ModelCache(settings, loader::load, System::nanoTime);
    }
    return executor;
  }

  /**
   * Leases a model, loading it if need be. Waits while another thread loads it.
   *
   * @param model the model to lease
   * @param settings what it may use
   * @return the lease, owned by the caller
   * @throws TensorArrowException if it can't be loaded, or the thread is interrupted while it
   *     waits; the next attempt tries again. The codes are {@link ErrorCode#TA_MODEL_NOT_FOUND},
   *     {@link ErrorCode#TA_MODEL_CHANGED}, {@link ErrorCode#TA_MODEL_CORRUPT}, {@link
   *     ErrorCode#TA_MODEL_FETCH}, {@link ErrorCode#TA_TAGS_NOT_FOUND}, {@link
   *     ErrorCode#TA_NATIVES} and {@link ErrorCode#TA_MODEL_LOAD}
   */
  public ModelLease acquire(ModelReference model, ModelSettings settings) {
    Key key = new Key(model.fingerprint(), model.tags(), settings);
    while (true) {
      Entry entry;
      boolean mine;
      synchronized (this) {
        entry = entries.get(key);
        mine = entry == null;
        if (entry == null) {
          entry = new Entry();
          entries.put(key, entry);
        }
        entry.users++;
      }
      if (mine) {
        return load(key, entry, model, settings);
      }
      await(entry, model);
      if (entry.model != null) {
        return new Lease(entry, entry.model, 0);
      }
      if (entry.failure != null) {
        throw again(entry.failure);
      }
      // The loading thread was interrupted, which is no fault of the model: one of the waiting
      // threads loads it.
    }
  }

  private Lease load(Key key, Entry entry, ModelReference model, ModelSettings settings) {
    try {
      closeAll(surplus());
      long start = System.nanoTime();
      EagerModel loaded = loading.load(model, settings);
      loads.incrementAndGet();
      entry.model = loaded;
      return new Lease(entry, loaded, System.nanoTime() - start);
    } catch (TensorArrowException e) {
      entry.failure = Thread.currentThread().isInterrupted() ? null : e;
      throw e;
    } catch (RuntimeException e) {
      entry.failure = unexpected(model, e);
      throw entry.failure;
    } catch (Error e) {
      entry.failure = unexpected(model, e);
      throw e;
    } finally {
      if (entry.model == null) {
        synchronized (this) {
          entries.remove(key, entry);
        }
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

  private void await(Entry entry, ModelReference model) {
    try {
      entry.done.await();
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
        planSweep(idleNanos);
      }
    }
    closeAll(surplus());
  }

  /** Takes models out of the cache that are unused and too many, least recently used first. */
  private synchronized List<EagerModel> surplus() {
    List<EagerModel> surplus = new ArrayList<>();
    Iterator<Entry> all = entries.values().iterator();
    while (entries.size() > maxModels && all.hasNext()) {
      Entry entry = all.next();
      if (entry.users == 0 && entry.model != null) {
        surplus.add(entry.model);
        all.remove();
      }
    }
    return surplus;
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
    if (!sweepPlanned) {
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

  private static Thread daemon(Runnable task) {
    Thread thread = new Thread(task, "tensorarrow-model-cache");
    thread.setDaemon(true);
    return thread;
  }

  private final class Lease implements ModelLease {
    private final Entry entry;
    private final EagerModel model;
    private final long loadNanos;
    private boolean closed;

    Lease(Entry entry, EagerModel model, long loadNanos) {
      this.entry = entry;
      this.model = model;
      this.loadNanos = loadNanos;
    }

    @Override
    public synchronized EagerCall newCall(String signature, List<String> fetches) {
      if (closed) {
        throw new IllegalStateException("lease is closed");
      }
      EagerFunction function = model.function(signature, fetches);
      EagerCall call = new EagerCall(model.context(), function, () -> release(entry));
      retain(entry);
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
        release(entry);
      }
    }
  }
}
