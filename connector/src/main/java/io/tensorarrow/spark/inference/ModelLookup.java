package io.tensorarrow.spark.inference;

import io.tensorarrow.spark.model.savedmodel.ModelState;
import io.tensorarrow.spark.model.savedmodel.ModelVersions;
import io.tensorarrow.spark.model.savedmodel.SavedModelFile;
import io.tensorarrow.spark.model.store.ModelAccess;
import io.tensorarrow.spark.model.store.ModelFiles;
import io.tensorarrow.spark.model.store.ModelLocation;
import io.tensorarrow.spark.options.ReadOptions;
import java.util.List;
import java.util.Optional;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.sql.SparkSession;

/**
 * A look at the model of a read, on the driver and without native code.
 *
 * @param file the model; empty if it is the known one
 * @param access how an executor gets at its files
 */
public record ModelLookup(Optional<SavedModelFile> file, ModelAccess access) {
  /**
   * Reads the current model, unless it is known.
   *
   * @param options the options of the read
   * @param known the state of the model that an earlier look found
   * @throws io.tensorarrow.spark.errors.TensorArrowException as {@link ModelVersions#read}
   */
  public static ModelLookup find(ReadOptions options, Optional<ModelState> known) {
    Configuration conf = hadoopConf(options);
    String version = options.get(ReadOptions.VERSION);
    try (ModelFiles files = ModelLocation.open(options.get(ReadOptions.MODEL), conf)) {
      ModelAccess access = ModelAccess.to(files, conf);
      return new ModelLookup(
          known.isPresent()
              ? ModelVersions.readUnlessKnown(files, version, known.get())
              : Optional.of(ModelVersions.read(files, version)),
          access);
    }
  }

  /**
   * Reads the current model, unless this driver has read it and its files are still the same.
   *
   * @param options the options of the call
   * @throws io.tensorarrow.spark.errors.TensorArrowException as {@link ModelVersions#read}
   */
  public static ModelLookup findKnown(ReadOptions options) {
    List<Object> key =
        List.of(options.get(ReadOptions.MODEL), options.get(ReadOptions.VERSION), options.hadoop());
    Optional<SavedModelFile> known = KnownModels.find(key);
    ModelLookup lookup = find(options, known.map(SavedModelFile::state));
    SavedModelFile current = lookup.file().or(() -> known).orElseThrow();
    KnownModels.put(key, current);
    return new ModelLookup(Optional.of(current), lookup.access());
  }

  /** Returns the model of a first look. */
  public SavedModelFile first() {
    return file.orElseThrow();
  }

  /** Returns the session's configuration of Hadoop with that of the read. */
  public static Configuration hadoopConf(ReadOptions options) {
    Configuration conf = SparkSession.active().sessionState().newHadoopConf();
    options.hadoop().forEach(conf::set);
    return conf;
  }
}
