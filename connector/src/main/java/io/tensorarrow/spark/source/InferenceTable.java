package io.tensorarrow.spark.source;

import org.apache.spark.sql.connector.catalog.SupportsMetadataColumns;
import org.apache.spark.sql.connector.catalog.SupportsRead;

/**
 * The wrapped table's columns, and behind them one column for each output of the model. Spark knows
 * those over files by its own class {@code FileTable}, and treats them as its own reads of files.
 */
sealed interface InferenceTable extends SupportsRead, SupportsMetadataColumns
    permits FileInferenceTable, SourceInferenceTable {
  /** Returns what is read. */
  InferenceRead read();
}
