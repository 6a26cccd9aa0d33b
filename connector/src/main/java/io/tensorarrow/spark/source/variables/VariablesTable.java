package io.tensorarrow.spark.source.variables;

import io.tensorarrow.spark.model.store.ModelAccess;
import io.tensorarrow.spark.model.store.ModelName;
import io.tensorarrow.spark.model.variables.ModelVariable;
import java.util.List;
import java.util.Set;
import org.apache.spark.sql.connector.catalog.SupportsRead;
import org.apache.spark.sql.connector.catalog.Table;
import org.apache.spark.sql.connector.catalog.TableCapability;
import org.apache.spark.sql.connector.read.ScanBuilder;
import org.apache.spark.sql.types.StructType;
import org.apache.spark.sql.util.CaseInsensitiveStringMap;

/**
 * A model's variables instead of data: one row for each, in the order in which the checkpoint holds
 * them. All but their elements was read when the table was opened.
 */
public final class VariablesTable implements Table, SupportsRead {
  private final String directory;
  private final ModelAccess access;
  private final List<ModelVariable> variables;

  /**
   * Lists a model's variables.
   *
   * @param directory where the model is, version included
   * @param access how an executor gets at its files
   * @param variables what its checkpoint holds
   */
  public VariablesTable(String directory, ModelAccess access, List<ModelVariable> variables) {
    this.directory = directory;
    this.access = access;
    this.variables = List.copyOf(variables);
  }

  @Override
  public String name() {
    return "tensorflow variables of " + ModelName.of(directory);
  }

  // Spark 3.5 asks for columns(), whose default is made of schema().
  @SuppressWarnings("deprecation")
  @Override
  public StructType schema() {
    return VariableColumn.SCHEMA;
  }

  @Override
  public Set<TableCapability> capabilities() {
    return Set.of(TableCapability.BATCH_READ);
  }

  @Override
  public ScanBuilder newScanBuilder(CaseInsensitiveStringMap options) {
    return new VariablesScanBuilder(directory, access, variables);
  }
}
