package io.tensorarrow.spark.model.savedmodel;

import io.tensorarrow.spark.model.store.ModelEntry;
import io.tensorarrow.spark.model.store.ModelFiles;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** How TensorFlow lays out the files of a SavedModel. */
public final class SavedModelLayout {
  /** The file with the graphs and signatures. */
  public static final String PROTO = "saved_model.pb";

  /** The checkpoint's table of contents. */
  public static final String INDEX = "variables/variables.index";

  /** The directory of files that the graph reads by itself. */
  static final String ASSETS = "assets";

  private static final String VARIABLES = "variables";
  private static final String SHARD_PREFIX = "variables/variables.data-";

  private SavedModelLayout() {}

  /** Returns the checkpoint's prefix, which is no file itself. */
  public static Path checkpoint(Path directory) {
    return directory.resolve(VARIABLES).resolve("variables");
  }

  /** Returns the checkpoint's table of contents. */
  public static Path index(Path directory) {
    return directory.resolve(INDEX);
  }

  /** Returns the directory of files that the graph reads by itself. */
  public static Path assets(Path directory) {
    return directory.resolve(ASSETS);
  }

  /** Returns the size of what TensorFlow reads into memory: graph and variables. */
  public static long bytes(Path directory) throws IOException {
    try (ModelFiles files = ModelFiles.local(directory)) {
      long bytes = files.find(PROTO).map(ModelEntry::size).orElse(0L);
      for (ModelEntry shard : shards(files)) {
        bytes += shard.size();
      }
      return bytes;
    }
  }

  /** Returns the name of one of the checkpoint's data files. */
  public static String shard(int number, int count) {
    // Some locales write other digits.
    return String.format(Locale.ROOT, SHARD_PREFIX + "%05d-of-%05d", number, count);
  }

  /** Returns the checkpoint's data files, sorted by name. */
  static List<ModelEntry> shards(ModelFiles files) throws IOException {
    return files.filesBelow(VARIABLES).stream()
        .filter(entry -> entry.name().startsWith(SHARD_PREFIX))
        .toList();
  }

  /** Returns all that loading the model reads. */
  public static List<ModelEntry> files(ModelFiles files) throws IOException {
    List<ModelEntry> entries = new ArrayList<>();
    files.find(PROTO).ifPresent(entries::add);
    files.find(INDEX).ifPresent(entries::add);
    entries.addAll(shards(files));
    entries.addAll(files.filesBelow(ASSETS));
    return entries;
  }
}
