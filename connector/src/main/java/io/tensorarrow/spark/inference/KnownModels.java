package io.tensorarrow.spark.inference;

import io.tensorarrow.spark.model.savedmodel.SavedModelFile;
import java.lang.ref.SoftReference;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/**
 * Caches the models that this driver has read for calls in queries, each of which is analysed anew:
 * the most recently used ones, by soft references. Thread-safe.
 */
final class KnownModels {
  private static final int MAX_MODELS = 16;

  private static final Map<Object, SoftReference<SavedModelFile>> MODELS =
      new LinkedHashMap<>(MAX_MODELS, 0.75f, true) {
        private static final long serialVersionUID = 1;

        @Override
        protected boolean removeEldestEntry(
            Map.Entry<Object, SoftReference<SavedModelFile>> eldest) {
          return size() > MAX_MODELS;
        }
      };

  private KnownModels() {}

  /** Returns the model that was read by the same key. */
  static Optional<SavedModelFile> find(Object key) {
    synchronized (MODELS) {
      return Optional.ofNullable(MODELS.get(key)).map(SoftReference::get);
    }
  }

  /** Keeps a model that was read. */
  static void put(Object key, SavedModelFile model) {
    synchronized (MODELS) {
      MODELS.put(key, new SoftReference<>(model));
    }
  }
}
