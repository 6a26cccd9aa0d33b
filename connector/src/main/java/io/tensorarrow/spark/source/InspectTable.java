package io.tensorarrow.spark.source;

import io.tensorarrow.spark.errors.TensorArrowException;
import io.tensorarrow.spark.model.savedmodel.ModelGraph;
import io.tensorarrow.spark.model.savedmodel.ModelSignature;
import io.tensorarrow.spark.model.savedmodel.SavedModelFile;
import io.tensorarrow.spark.model.store.ModelName;
import io.tensorarrow.spark.tensor.TensorShape;
import io.tensorarrow.spark.tensor.TensorSpec;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.apache.spark.sql.catalyst.InternalRow;
import org.apache.spark.sql.catalyst.expressions.GenericInternalRow;
import org.apache.spark.sql.catalyst.util.GenericArrayData;
import org.apache.spark.sql.connector.catalog.SupportsRead;
import org.apache.spark.sql.connector.catalog.Table;
import org.apache.spark.sql.connector.catalog.TableCapability;
import org.apache.spark.sql.connector.read.LocalScan;
import org.apache.spark.sql.connector.read.Scan;
import org.apache.spark.sql.connector.read.ScanBuilder;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructType;
import org.apache.spark.sql.util.CaseInsensitiveStringMap;
import org.apache.spark.unsafe.types.UTF8String;
import org.jspecify.annotations.Nullable;

/**
 * A model's signatures instead of data: one row for each tensor of each signature, with the reason
 * for each output that may not be computed. Read on the driver, without a job.
 */
final class InspectTable implements Table, SupportsRead {
  private static final StructType SCHEMA =
      new StructType()
          .add("tags", DataTypes.StringType, false)
          .add("signature", DataTypes.StringType, false)
          .add("direction", DataTypes.StringType, false)
          .add("tensor", DataTypes.StringType, false)
          .add("dtype", DataTypes.StringType, false)
          .add("shape", DataTypes.createArrayType(DataTypes.LongType, false), true)
          .add("encoding", DataTypes.StringType, false)
          .add("refused", DataTypes.StringType, true);

  private final SavedModelFile model;
  private final List<ModelGraph> graphs;
  private final List<String> allowedOps;

  /**
   * @param tags the tag set of the graph to show, or empty for all of them
   * @param allowedOps operations that the user allows in any case
   * @throws TensorArrowException as {@link SavedModelFile#graph}
   */
  InspectTable(SavedModelFile model, Optional<List<String>> tags, List<String> allowedOps) {
    this.model = model;
    this.graphs = tags.map(List::of).orElseGet(model::tagSets).stream().map(model::graph).toList();
    this.allowedOps = allowedOps;
  }

  @Override
  public String name() {
    return "tensorflow signatures of " + ModelName.of(model.location());
  }

  // Spark 3.5 asks for columns(), whose default is made of schema().
  @SuppressWarnings("deprecation")
  @Override
  public StructType schema() {
    return SCHEMA;
  }

  @Override
  public Set<TableCapability> capabilities() {
    return Set.of(TableCapability.BATCH_READ);
  }

  @Override
  public ScanBuilder newScanBuilder(CaseInsensitiveStringMap options) {
    Rows rows = new Rows(describeModel());
    return () -> rows;
  }

  private List<InternalRow> describeModel() {
    List<InternalRow> rows = new ArrayList<>();
    for (ModelGraph graph : graphs) {
      String tags = String.join(",", graph.tags());
      for (ModelSignature signature : graph.signatures()) {
        Map<String, TensorArrowException> refused =
            graph.refusedOutputs(allowedOps, signature.name());
        for (TensorSpec input : signature.inputs()) {
          rows.add(row(tags, signature.name(), "input", input, null));
        }
        for (TensorSpec output : signature.outputs()) {
          rows.add(row(tags, signature.name(), "output", output, refused.get(output.name())));
        }
      }
    }
    return rows;
  }

  private static InternalRow row(
      String tags,
      String signature,
      String direction,
      TensorSpec tensor,
      @Nullable TensorArrowException refused) {
    return new GenericInternalRow(
        new @Nullable Object[] {
          UTF8String.fromString(tags),
          UTF8String.fromString(signature),
          UTF8String.fromString(direction),
          UTF8String.fromString(tensor.name()),
          UTF8String.fromString(tensor.dtype().numpyName()),
          shape(tensor.shape()),
          UTF8String.fromString(tensor.sparse() ? "sparse" : "dense"),
          refused == null ? null : UTF8String.fromString(refused.getMessage())
        });
  }

  private static @Nullable GenericArrayData shape(TensorShape shape) {
    return shape
        .dims()
        .map(dims -> new GenericArrayData(dims.stream().mapToLong(Long::longValue).toArray()))
        .orElse(null);
  }

  /** The rows themselves; Spark takes them into the plan. */
  private static final class Rows implements Scan, LocalScan {
    private final List<InternalRow> rows;

    Rows(List<InternalRow> rows) {
      this.rows = rows;
    }

    @Override
    public InternalRow[] rows() {
      return rows.toArray(new InternalRow[0]);
    }

    @Override
    public StructType readSchema() {
      return SCHEMA;
    }

    @Override
    public String description() {
      return "InspectScan";
    }
  }
}
