package io.tensorarrow.spark.model.savedmodel;

import io.tensorarrow.spark.errors.ErrorCode;
import io.tensorarrow.spark.errors.TensorArrowException;
import io.tensorarrow.spark.tensor.DType;
import io.tensorarrow.spark.tensor.SparsePart;
import io.tensorarrow.spark.tensor.TensorShape;
import io.tensorarrow.spark.tensor.TensorSpec;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import org.tensorflow.proto.DataType;
import org.tensorflow.proto.TensorInfo;
import org.tensorflow.proto.TensorShapeProto;

/** Reads the inputs and outputs of signatures from their protocol buffers. */
public final class SignatureTensors {
  private SignatureTensors() {}

  /**
   * Returns the dtype of one tensor of a signature, or empty if it is none that could be fed or
   * fetched: a ragged tensor and the like, several tensors that only Python knows how to put
   * together, or of a dtype of a newer TensorFlow.
   */
  public static Optional<DType> dtype(TensorInfo info) {
    return info.getEncodingCase() == TensorInfo.EncodingCase.COMPOSITE_TENSOR
        ? Optional.empty()
        : DType.ofNumber(info.getDtypeValue());
  }

  /**
   * Returns the graph's tensors behind a signature's names, sorted by name. A sparse tensor is
   * three dense ones, one for each {@link SparsePart}.
   *
   * @param tensors the signature's inputs or outputs
   * @throws TensorArrowException with {@link ErrorCode#TA_TENSOR_UNSUPPORTED} if a part has the
   *     name of another tensor
   */
  public static SortedMap<String, TensorInfo> dense(Map<String, TensorInfo> tensors) {
    SortedMap<String, TensorInfo> dense = new TreeMap<>();
    tensors.forEach(
        (name, info) -> {
          if (isSparse(info)) {
            for (SparsePart part : SparsePart.values()) {
              put(dense, part.of(name), part(info, part));
            }
          } else {
            put(dense, name, info);
          }
        });
    return dense;
  }

  private static void put(SortedMap<String, TensorInfo> dense, String name, TensorInfo info) {
    if (dense.put(name, info) != null) {
      throw TensorArrowException.cannot(ErrorCode.TA_TENSOR_UNSUPPORTED, "use tensor '%s'", name)
          .found("a part of a sparse tensor of that name as well")
          .expected("a signature in which one of the two is renamed");
    }
  }

  private static boolean isSparse(TensorInfo info) {
    return info.getEncodingCase() == TensorInfo.EncodingCase.COO_SPARSE;
  }

  private static TensorInfo part(TensorInfo info, SparsePart part) {
    TensorInfo.CooSparse sparse = info.getCooSparse();
    TensorInfo.Builder dense = TensorInfo.newBuilder();
    switch (part) {
      case DENSE_SHAPE ->
          dense.setName(sparse.getDenseShapeTensorName()).setDtype(DataType.DT_INT64);
      case INDICES -> dense.setName(sparse.getIndicesTensorName()).setDtype(DataType.DT_INT64);
      case VALUES ->
          dense.setName(sparse.getValuesTensorName()).setDtypeValue(info.getDtypeValue());
    }
    return dense.build();
  }

  /** Returns the specs of a signature's inputs or outputs, sorted by name. */
  static List<TensorSpec> specs(Map<String, TensorInfo> tensors) {
    List<TensorSpec> specs = new ArrayList<>();
    new TreeMap<>(tensors).forEach((name, info) -> specs.add(spec(name, info)));
    return specs;
  }

  private static TensorSpec spec(String name, TensorInfo info) {
    return dtype(info)
        .map(dtype -> new TensorSpec(name, dtype, shape(info), isSparse(info)))
        .orElseGet(() -> new TensorSpec(name, DType.VARIANT, TensorShape.unknownRank()));
  }

  /** A shape that is left out is unknown; an empty one is that of a scalar. */
  private static TensorShape shape(TensorInfo info) {
    TensorShapeProto shape = info.getTensorShape();
    if (!info.hasTensorShape() || shape.getUnknownRank()) {
      return TensorShape.unknownRank();
    }
    return TensorShape.of(
        shape.getDimList().stream()
            .mapToLong(dim -> Math.max(dim.getSize(), TensorShape.UNKNOWN_DIM))
            .toArray());
  }
}
