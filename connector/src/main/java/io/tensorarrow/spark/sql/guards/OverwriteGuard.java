package io.tensorarrow.spark.sql.guards;

import static io.tensorarrow.spark.errors.TensorArrowException.cannot;

import io.tensorarrow.spark.errors.ErrorCode;
import io.tensorarrow.spark.errors.TensorArrowException;
import java.util.List;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.Path;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.catalyst.plans.logical.Command;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;

/**
 * Refuses commands that would delete files before their own query reads them through our tables.
 * Spark has such a check, which can't see what our tables wrap.
 *
 * <p>A command is planned before it runs, so nothing is deleted yet. Stateless; Spark calls it in
 * the thread that plans.
 */
public final class OverwriteGuard extends CommandGuard {
  @Override
  void check(LogicalPlan plan) {
    if (plan instanceof Command) {
      SparkSession session = SparkSession.active();
      // Most commands delete nothing, and what they read need not be looked up.
      Deletion.of(plan, session)
          .ifPresent(
              deletion ->
                  check(deletion, ScoredReads.of(plan), session.sessionState().newHadoopConf()));
    }
  }

  private static void check(Deletion deletion, List<ScoredRead> reads, Configuration conf) {
    for (ScoredRead read : reads) {
      if (read.table().isPresent() && deletion.table().equals(read.table())) {
        throw refused("table '" + deletion.table().orElseThrow().name() + "'", "it", read);
      }
      for (Path files : read.paths()) {
        for (Path deleted : deletion.paths()) {
          if (isLost(FileLocation.of(files, conf), FileLocation.of(deleted, conf), read, conf)) {
            throw refused("path '" + deleted + "'", "path '" + files + "'", read);
          }
        }
      }
    }
  }

  /** Whether deleting a directory deletes files that are read. */
  private static boolean isLost(
      FileLocation root, FileLocation deleted, ScoredRead read, Configuration conf) {
    // Below what is read, a directory may be new, or hidden from the read; and partitions may be
    // elsewhere.
    return root.isIn(deleted)
        || read.directories()
            .get()
            .map(
                directories ->
                    directories.stream()
                        .anyMatch(files -> FileLocation.of(files, conf).isIn(deleted)))
            .orElseGet(() -> deleted.isIn(root));
  }

  private static TensorArrowException refused(String deleted, String source, ScoredRead read) {
    return cannot(ErrorCode.TA_OVERWRITE, "overwrite %s", deleted)
        .found(
            "that the query reads %s, as table '%s', after the old files would be deleted",
            source, read.name())
        .expected(
            "a target that the query does not read: write to another table or directory and rename it, INSERT INTO a new table, or overwrite partitions of a table with spark.sql.sources.partitionOverwriteMode=dynamic, which keeps old files until the new ones are written");
  }
}
