package io.tensorarrow.spark.model;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/** How TensorFlow lays out the files of a SavedModel. */
final class SavedModelLayout {
  /** The file with the graphs and signatures. */
  static final String PROTO = "saved_model.pb";

  private SavedModelLayout() {}

  /** Returns the checkpoint's prefix, which is no file itself. */
  static Path checkpoint(Path directory) {
    return directory.resolve("variables").resolve("variables");
  }

  /** Returns the checkpoint's table of contents. */
  static Path index(Path directory) {
    return directory.resolve("variables").resolve("variables.index");
  }

  /** Returns the directory of files that the graph reads by itself. */
  static Path assets(Path directory) {
    return directory.resolve("assets");
  }

  /** Returns the size of what TensorFlow reads into memory: graph and variables. */
  static long bytes(Path directory) throws IOException {
    long bytes = Files.size(directory.resolve(PROTO));
    for (Path shard : shards(directory)) {
      bytes += Files.size(shard);
    }
    return bytes;
  }

  /** Returns the checkpoint's data files, sorted by name. */
  static List<Path> shards(Path directory) throws IOException {
    Path variables = directory.resolve("variables");
    if (!Files.isDirectory(variables)) {
      return List.of();
    }
    List<Path> shards = new ArrayList<>();
    try (DirectoryStream<Path> files = Files.newDirectoryStream(variables, "variables.data-*")) {
      files.forEach(shards::add);
    }
    Collections.sort(shards);
    return shards;
  }
}
