package io.tensorarrow.spark.tensor.fetch;

import io.tensorarrow.spark.tensor.DType;
import io.tensorarrow.spark.tensor.Dims;
import io.tensorarrow.spark.tensor.TensorShape;
import io.tensorarrow.spark.tensor.TensorSpec;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apache.arrow.vector.types.pojo.Field;
import org.apache.arrow.vector.types.pojo.FieldType;
import org.apache.spark.sql.types.BinaryType;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.Metadata;
import org.apache.spark.sql.types.MetadataBuilder;
import org.apache.spark.sql.types.StructField;

/**
 * The metadata of a tensor column. The one place that knows the keys; {@code tensorarrow/_spec.py}
 * reads them in Python.
 *
 * @param dtype the tensor's dtype
 * @param rowDims the shape of one row, without the batch axis, -1 where unknown
 * @param name the tensor's name in the signature
 * @param model the model, without credentials
 * @param connectorVersion the version of the connector that made the column
 */
public record TensorMetadata(
    DType dtype,
    List<Long> rowDims,
    Optional<String> name,
    Optional<String> model,
    Optional<String> connectorVersion) {
  /** NumPy's name of the dtype, a string. */
  private static final String DTYPE_KEY = "tensor.dtype";

  /** Longs. */
  private static final String SHAPE_KEY = "tensor.shape";

  private static final String NAME_KEY = "tensor.name";
  private static final String MODEL_KEY = "tensor.model";
  private static final String VERSION_KEY = "tensorarrow.version";

  /** On Arrow fields whose elements are native where the Arrow type says those of Spark. */
  private static final String NATIVE_KEY = "tensorarrow.raw";

  public TensorMetadata {
    rowDims = List.copyOf(rowDims);
  }

  /** Describes a tensor by dtype and shape alone. */
  public TensorMetadata(DType dtype, long... rowDims) {
    this(
        dtype,
        Arrays.stream(rowDims).boxed().toList(),
        Optional.empty(),
        Optional.empty(),
        Optional.empty());
  }

  /** Reads a column's metadata; empty if they do not say dtype and shape of a tensor. */
  public static Optional<TensorMetadata> of(StructField field) {
    return of(field.metadata());
  }

  /** Reads metadata; empty if they do not say dtype and shape of a tensor. */
  public static Optional<TensorMetadata> of(Metadata metadata) {
    if (!metadata.contains(DTYPE_KEY) || !metadata.contains(SHAPE_KEY)) {
      return Optional.empty();
    }
    try {
      long[] rowDims = metadata.getLongArray(SHAPE_KEY);
      return DType.ofNumpyName(metadata.getString(DTYPE_KEY))
          .map(
              dtype ->
                  new TensorMetadata(
                      dtype,
                      Arrays.stream(rowDims).boxed().toList(),
                      text(metadata, NAME_KEY),
                      text(metadata, MODEL_KEY),
                      text(metadata, VERSION_KEY)));
    } catch (ClassCastException e) {
      // Anybody may write metadata; these are not ours.
      return Optional.empty();
    }
  }

  /** Returns a text that says no more than where a tensor comes from: it may be anything. */
  private static Optional<String> text(Metadata metadata, String key) {
    try {
      return metadata.contains(key)
          ? Optional.ofNullable(metadata.getString(key))
          : Optional.empty();
    } catch (ClassCastException e) {
      return Optional.empty();
    }
  }

  /** Adds what is known of the tensor. */
  public MetadataBuilder writeTo(MetadataBuilder metadata) {
    metadata
        .putString(DTYPE_KEY, dtype.numpyName())
        .putLongArray(SHAPE_KEY, rowDims.stream().mapToLong(Long::longValue).toArray());
    name.ifPresent(text -> metadata.putString(NAME_KEY, text));
    model.ifPresent(text -> metadata.putString(MODEL_KEY, text));
    connectorVersion.ifPresent(text -> metadata.putString(VERSION_KEY, text));
    return metadata;
  }

  /**
   * Returns an Arrow field with what its column's metadata say of a tensor, if it is one.
   *
   * @param nativeElements whether its elements go with the tensor's own bytes
   */
  public static Field labelled(Field field, Metadata metadata, boolean nativeElements) {
    return of(metadata).map(tensor -> tensor.label(field, nativeElements)).orElse(field);
  }

  private Field label(Field field, boolean nativeElements) {
    Map<String, String> labels = new HashMap<>();
    labels.put(DTYPE_KEY, dtype.numpyName());
    labels.put(SHAPE_KEY, rowDims.toString());
    connectorVersion.ifPresent(version -> labels.put(VERSION_KEY, version));
    if (nativeElements) {
      labels.put(NATIVE_KEY, "");
    }
    FieldType type = new FieldType(field.isNullable(), field.getType(), null, labels);
    return new Field(field.getName(), type, field.getChildren());
  }

  /** Returns the tensor's spec, with an open batch axis. */
  TensorSpec spec(String tensorName) {
    long[] dims = rowDims.stream().mapToLong(Long::longValue).toArray();
    return new TensorSpec(
        tensorName, dtype, TensorShape.of(Dims.withBatch(TensorShape.UNKNOWN_DIM, dims)));
  }

  /**
   * Returns whether NumPy reads the tensor's own bytes where a column has another type, to which
   * they are widened.
   *
   * @param columnType the column's type in Spark
   */
  public boolean isWidenedIn(DataType columnType) {
    return dtype.layout() == DType.Layout.NUMPY
        && !(TensorColumns.cellType(columnType) instanceof BinaryType);
  }
}
