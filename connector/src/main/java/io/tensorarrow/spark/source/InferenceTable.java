package io.tensorarrow.spark.source;

import org.apache.spark.sql.connector.catalog.MetadataColumn;
import org.apache.spark.sql.connector.catalog.SupportsMetadataColumns;
import org.apache.spark.sql.connector.catalog.SupportsRead;
import org.apache.spark.sql.connector.read.ScanBuilder;
import org.apache.spark.sql.util.CaseInsensitiveStringMap;

/**
 * The wrapped table's columns, and behind them one column for each output of the model. Spark knows
 * those over files by its own class {@code FileTable}, and treats them as its own reads of files.
 */
sealed interface InferenceTable extends SupportsRead, SupportsMetadataColumns
    permits FileInferenceTable, SourceInferenceTable {
  /** Returns the read that this table stands for, always the same. */
  InferenceRead read();

  @Override
  default String name() {
    return "tensorflow " + read().modelName() + " over " + read().wrapped().name();
  }

  @Override
  default MetadataColumn[] metadataColumns() {
    return read().metadataColumns();
  }

  @Override
  default ScanBuilder newScanBuilder(CaseInsensitiveStringMap options) {
    return read().newScanBuilder();
  }
}
