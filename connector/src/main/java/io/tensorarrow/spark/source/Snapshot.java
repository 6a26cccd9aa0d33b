package io.tensorarrow.spark.source;

import java.util.HashMap;
import java.util.Map;
import org.apache.spark.sql.connector.catalog.Table;
import org.apache.spark.sql.execution.datasources.v2.FileTable;

/**
 * Identifies the state that is read of a wrapped table that keeps several.
 *
 * @param state equal for tables that are known to be in the same state
 */
record Snapshot(Object state) {
  /** Returns the current state of a table. */
  static Snapshot of(Table table) {
    if (table instanceof InferenceTable nested) {
      return new Snapshot(nested.read());
    }
    if (table instanceof FileTable) {
      // Files have one state; Spark, too, takes reads of the same paths for equal.
      return new Snapshot("");
    }
    // Iceberg's properties name the current snapshot, of the main branch only.
    return new Snapshot(Map.of("properties", copy(table.properties()), "refs", references(table)));
  }

  /**
   * Returns the snapshots of all branches and tags of an Iceberg table, whose classes are not on
   * the compile class path; nothing for tables of others.
   */
  private static Object references(Table table) {
    if (!table.getClass().getName().startsWith("org.apache.iceberg.")) {
      return "";
    }
    try {
      Object iceberg = table.getClass().getMethod("table").invoke(table);
      return copy((Map<?, ?>) iceberg.getClass().getMethod("refs").invoke(iceberg));
    } catch (ReflectiveOperationException | RuntimeException e) {
      // An unidentifiable state equals no other.
      return new Object();
    }
  }

  private static Map<?, ?> copy(Map<?, ?> map) {
    return new HashMap<>(map);
  }
}
