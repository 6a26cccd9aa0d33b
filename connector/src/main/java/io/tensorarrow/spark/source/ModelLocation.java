package io.tensorarrow.spark.source;

import io.tensorarrow.spark.errors.ErrorCode;
import io.tensorarrow.spark.errors.TensorArrowException;
import io.tensorarrow.spark.options.ReadOptions;
import java.io.IOException;
import java.io.UncheckedIOException;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;

/** Turns the option {@code model} into a directory of this host. */
final class ModelLocation {
  private ModelLocation() {}

  /**
   * Resolves a model's location as {@code load} resolves a path.
   *
   * @param location the option's value: a path or URI
   * @param conf names the default file system
   * @throws TensorArrowException {@code TA_OPTION_INVALID} if it is no path, {@code TA_UNSUPPORTED}
   *     if it is on another file system than the hosts' own
   */
  static java.nio.file.Path resolve(String location, Configuration conf) {
    Path path = path(location);
    String scheme =
        path.toUri().getScheme() != null
            ? path.toUri().getScheme()
            : FileSystem.getDefaultUri(conf).getScheme();
    if (!"file".equals(scheme)) {
      throw new TensorArrowException(
          ErrorCode.TA_UNSUPPORTED,
          ("Cannot read model '%s': found file system '%s'; expected a local path or file: URI (models"
                  + " on remote file systems are not covered yet: copy the model to the same"
                  + " local path on every host)")
              .formatted(path.getName(), scheme));
    }
    Path qualified = localFileSystem(conf).makeQualified(path);
    return java.nio.file.Path.of(qualified.toUri().getPath());
  }

  private static FileSystem localFileSystem(Configuration conf) {
    try {
      return FileSystem.getLocal(conf);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static Path path(String location) {
    try {
      return new Path(location);
    } catch (IllegalArgumentException e) {
      throw new TensorArrowException(
          ErrorCode.TA_OPTION_INVALID,
          "Cannot use option '%s': found something that is no path ; expected a local path or file: URI"
              .formatted(ReadOptions.MODEL.key()),
          e);
    }
  }
}
