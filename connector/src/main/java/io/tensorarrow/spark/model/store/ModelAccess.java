package io.tensorarrow.spark.model.store;

import java.io.Serializable;
import java.util.Map;
import java.util.TreeMap;
import org.apache.hadoop.conf.Configuration;
import org.jspecify.annotations.Nullable;

/**
 * How an executor gets at a model's files: they are on its own disks, or come through Hadoop with
 * the settings of the query, credentials included. Travels to the executors with the model's
 * reference. Immutable.
 */
public final class ModelAccess implements Serializable {
  private static final long serialVersionUID = 1L;

  private static final ModelAccess LOCAL = new ModelAccess(false, Map.of());

  private final boolean remote;
  private final TreeMap<String, String> settings;

  private ModelAccess(boolean remote, Map<String, String> settings) {
    this.remote = remote;
    this.settings = new TreeMap<>(settings);
  }

  /** A model that is under the same path on every host. */
  public static ModelAccess local() {
    return LOCAL;
  }

  /**
   * A model that has to be copied to each host.
   *
   * @param conf what reaches it on the driver; executors get all of it but Hadoop's own defaults,
   *     which they have themselves
   */
  public static ModelAccess remote(Configuration conf) {
    return new ModelAccess(true, settings(conf));
  }

  /** Returns how to get at files that were opened with this configuration. */
  public static ModelAccess to(ModelFiles files, Configuration conf) {
    return files.localDirectory().isPresent() ? local() : remote(conf);
  }

  /** Returns whether the model has to be copied. */
  public boolean isRemote() {
    return remote;
  }

  /** Returns the settings of the query on top of this process's own. */
  public Configuration configuration() {
    Configuration conf = new Configuration();
    settings.forEach(conf::set);
    return conf;
  }

  /** Returns what someone set, unlike the defaults that come with Hadoop. */
  static Map<String, String> settings(Configuration conf) {
    Map<String, String> settings = new TreeMap<>();
    for (Map.Entry<String, String> entry : conf) {
      if (!isDefault(conf.getPropertySources(entry.getKey()))) {
        settings.put(entry.getKey(), entry.getValue());
      }
    }
    return settings;
  }

  private static boolean isDefault(String @Nullable [] sources) {
    return sources != null
        && sources.length > 0
        && sources[sources.length - 1].endsWith("-default.xml");
  }

  @Override
  public boolean equals(@Nullable Object other) {
    return other instanceof ModelAccess that
        && remote == that.remote
        && settings.equals(that.settings);
  }

  @Override
  public int hashCode() {
    return settings.keySet().hashCode();
  }

  /** Shows no settings: some are credentials. */
  @Override
  public String toString() {
    return remote ? "remote" : "local";
  }
}
