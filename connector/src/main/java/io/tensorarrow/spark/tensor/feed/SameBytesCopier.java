package io.tensorarrow.spark.tensor.feed;

import io.tensorarrow.spark.tensor.DType;
import io.tensorarrow.spark.tensor.vector.BulkReader;
import java.util.Optional;
import org.apache.spark.sql.vectorized.ColumnVector;

/** Copies elements whose bytes are the tensor's, without conversion. */
final class SameBytesCopier extends ElementCopier {
  private final BulkReader reader;

  SameBytesCopier(ElementType type) {
    this.reader = BulkReader.of(type.sparkType()).orElseThrow();
  }

  /** Returns whether every element of that type is one of the tensor's, bit by bit. */
  static boolean fits(ElementType from, DType to) {
    boolean isOutputType = ElementType.ofOutput(to).equals(Optional.of(from));
    return isOutputType && (to.layout() == DType.Layout.SPARK || to == DType.BOOL);
  }

  @Override
  int targetSize() {
    return reader.width();
  }

  @Override
  int copyPiece(ColumnVector from, int start, int count, long address) {
    reader.read(from, start, count, address);
    return NONE;
  }
}
