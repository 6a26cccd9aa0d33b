package io.tensorarrow.spark.python.worker;

import io.tensorarrow.spark.tensor.DType;
import io.tensorarrow.spark.tensor.fetch.TensorColumns;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import org.apache.arrow.vector.types.pojo.Field;
import org.apache.arrow.vector.types.pojo.FieldType;
import org.apache.spark.sql.types.Metadata;

/** What the fields of Arrow batches say of tensors; the Python module reads it. */
final class TensorFields {
  /** On fields whose elements are the tensor's own where the Arrow type says those of Spark. */
  private static final String RAW_KEY = "tensorarrow.raw";

  private TensorFields() {}

  /** Whether a column's metadata say dtype and shape of a tensor. */
  static boolean isTensor(Metadata metadata) {
    if (!metadata.contains(TensorColumns.DTYPE_KEY)
        || !metadata.contains(TensorColumns.SHAPE_KEY)) {
      return false;
    }
    try {
      metadata.getLongArray(TensorColumns.SHAPE_KEY);
      return DType.ofNumpyName(metadata.getString(TensorColumns.DTYPE_KEY)).isPresent();
    } catch (ClassCastException e) {
      // Anybody may write metadata; these are not ours.
      return false;
    }
  }

  /**
   * Returns a field with what its column's metadata say of a tensor, if it is one.
   *
   * @param raw whether its elements go as the tensor has them
   */
  static Field labelled(Field field, Metadata metadata, boolean raw) {
    if (!isTensor(metadata)) {
      return field;
    }
    Map<String, String> labels = new HashMap<>();
    labels.put(TensorColumns.DTYPE_KEY, metadata.getString(TensorColumns.DTYPE_KEY));
    labels.put(
        TensorColumns.SHAPE_KEY, Arrays.toString(metadata.getLongArray(TensorColumns.SHAPE_KEY)));
    if (metadata.contains(TensorColumns.VERSION_KEY)) {
      labels.put(TensorColumns.VERSION_KEY, metadata.getString(TensorColumns.VERSION_KEY));
    }
    if (raw) {
      labels.put(RAW_KEY, "");
    }
    FieldType type = new FieldType(field.isNullable(), field.getType(), null, labels);
    return new Field(field.getName(), type, field.getChildren());
  }
}
