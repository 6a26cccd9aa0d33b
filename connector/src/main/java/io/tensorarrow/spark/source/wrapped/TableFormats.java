package io.tensorarrow.spark.source.wrapped;

import static io.tensorarrow.spark.errors.TensorArrowException.cannot;

import io.tensorarrow.spark.errors.ErrorCode;
import io.tensorarrow.spark.errors.TensorArrowException;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.AccessDeniedException;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.Set;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.ParentNotDirectoryException;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.security.AccessControlException;
import org.apache.spark.deploy.SparkHadoopUtil;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.execution.datasources.PartitioningAwareFileIndex;
import org.apache.spark.sql.util.CaseInsensitiveStringMap;
import scala.collection.JavaConverters;
import scala.collection.Seq;

/**
 * Finds directories that belong to a table of Delta Lake, Iceberg or Hudi. A file format would read
 * all data files there, also those whose rows were removed or replaced.
 */
final class TableFormats {
  private static final int SAMPLED = 16;

  private final String source;
  private final Configuration conf;

  private TableFormats(String source, Configuration conf) {
    this.source = source;
    this.conf = conf;
  }

  /**
   * Checks where a file source reads. Files that were named one by one are left alone; directories,
   * and those of files that a pattern matched, are checked, with the directories above them as far
   * as they are partitions.
   *
   * @param source the name of the file source
   * @param userPaths the paths as the user wrote them
   * @param options the options of the file source
   * @param index the files there
   * @throws TensorArrowException with {@code TA_SOURCE_UNSUPPORTED} if a table format is found
   */
  static void check(
      String source,
      Seq<String> userPaths,
      CaseInsensitiveStringMap options,
      PartitioningAwareFileIndex index) {
    Configuration conf = SparkSession.active().sessionState().newHadoopConf();
    options
        .asCaseSensitiveMap()
        .forEach(
            (key, value) -> {
              if (value != null) {
                conf.set(key, value);
              }
            });
    TableFormats formats = new TableFormats(source, conf);
    try {
      boolean recursive = options.getBoolean("recursiveFileLookup", false);
      for (Path directory : formats.directories(userPaths, index, recursive)) {
        formats.check(directory);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private Set<Path> directories(
      Seq<String> userPaths, PartitioningAwareFileIndex index, boolean recursive)
      throws IOException {
    Set<Path> explicit = explicitPaths(userPaths);
    Set<Path> directories = new LinkedHashSet<>();
    for (Path root : JavaConverters.seqAsJavaList(index.rootPaths())) {
      if (!index.leafFiles().contains(root)) {
        addUpToTable(root, directories);
      } else if (!explicit.contains(root)) {
        addUpToTable(root.getParent(), directories);
      }
    }
    // Below the roots a few are enough to find tables in partitions, and cost little if there are
    // thousands; where all that is below is read, tables may be anywhere.
    JavaConverters.asJavaCollection(index.leafFiles().keys()).stream()
        .filter(file -> !explicit.contains(file))
        .map(Path::getParent)
        .distinct()
        .limit(recursive ? Long.MAX_VALUE : SAMPLED)
        .forEach(directory -> addUpToTable(directory, directories));
    return directories;
  }

  private Set<Path> explicitPaths(Seq<String> userPaths) throws IOException {
    Set<Path> explicit = new LinkedHashSet<>();
    for (String text : JavaConverters.seqAsJavaList(userPaths)) {
      Path path = new Path(text);
      if (!SparkHadoopUtil.get().isGlobPath(path)) {
        explicit.add(path.getFileSystem(conf).makeQualified(path));
      }
    }
    return explicit;
  }

  /** Adds a directory, and those above it while they are partitions or Iceberg's data. */
  private static void addUpToTable(Path directory, Set<Path> directories) {
    Path current = directory;
    while (current != null && directories.add(current) && mayBeInTable(current)) {
      current = current.getParent();
    }
  }

  private static boolean mayBeInTable(Path directory) {
    return directory.getName().contains("=") || directory.getName().equals("data");
  }

  private void check(Path directory) throws IOException {
    FileSystem files = directory.getFileSystem(conf);
    if (exists(files, new Path(directory, "_delta_log"))) {
      throw found(directory, "Delta Lake", "option source=delta");
    }
    if (isIceberg(files, new Path(directory, "metadata"))) {
      throw found(directory, "Iceberg", "option source=iceberg with the table's name or path");
    }
    if (exists(files, new Path(directory, ".hoodie"))
        || exists(files, new Path(directory, ".hoodie_partition_metadata"))) {
      throw found(directory, "Hudi", "option source=hudi");
    }
  }

  private static boolean isIceberg(FileSystem files, Path metadata) throws IOException {
    try {
      return Arrays.stream(files.listStatus(metadata))
          .map(FileStatus::getPath)
          .map(Path::getName)
          .anyMatch(name -> name.endsWith(".metadata.json") || name.equals("version-hint.text"));
    } catch (FileNotFoundException
        | ParentNotDirectoryException
        | AccessDeniedException
        | AccessControlException e) {
      // What may not be seen is no part of what was listed.
      return false;
    }
  }

  private static boolean exists(FileSystem files, Path path) throws IOException {
    try {
      return files.getFileStatus(path) != null;
    } catch (FileNotFoundException
        | ParentNotDirectoryException
        | AccessDeniedException
        | AccessControlException e) {
      // What may not be seen is no part of what was listed.
      return false;
    }
  }

  private TensorArrowException found(Path directory, String format, String instead) {
    return cannot(ErrorCode.TA_SOURCE_UNSUPPORTED, "read source '%s'", source)
        .found("a table of %s in '%s', where files of removed rows may lie", format, directory)
        .expected("%s", instead);
  }
}
