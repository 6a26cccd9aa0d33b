package io.tensorarrow.spark.tensor.feed;

import io.tensorarrow.spark.tensor.DType;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructType;
import org.apache.spark.sql.vectorized.ColumnVector;
import org.apache.spark.unsafe.Platform;

/** Copies structs of a real and an imaginary part. */
final class ComplexCopier extends ElementCopier {
  private final DType to;
  private final NumberWriter writer;
  private final double[] scratch = new double[PIECE];

  ComplexCopier(DType to) {
    this.to = to;
    this.writer = NumberWriter.of(partOf(to));
  }

  private static DType partOf(DType to) {
    return to == DType.COMPLEX64 ? DType.FLOAT32 : DType.FLOAT64;
  }

  @Override
  int targetSize() {
    return to.byteSize();
  }

  @Override
  int nullPart(ColumnVector from, int start, int count) {
    ColumnVector first = from.getChild(0);
    ColumnVector second = from.getChild(1);
    if (first.hasNull() || second.hasNull()) {
      for (int i = 0; i < count; i++) {
        if (first.isNullAt(start + i) || second.isNullAt(start + i)) {
          return i;
        }
      }
    }
    return NONE;
  }

  @Override
  int copyPiece(ColumnVector from, int start, int count, long address) {
    int re = ElementType.realPart((StructType) from.dataType());
    ColumnVector real = from.getChild(re);
    ColumnVector imaginary = from.getChild(1 - re);
    if (to == DType.COMPLEX64
        && real.dataType().equals(DataTypes.FloatType)
        && imaginary.dataType().equals(DataTypes.FloatType)) {
      // Not through doubles: they would make signalling NaNs quiet.
      for (int i = 0; i < count; i++) {
        Platform.putFloat(null, address + 8L * i, real.getFloat(start + i));
        Platform.putFloat(null, address + 8L * i + 4, imaginary.getFloat(start + i));
      }
      return NONE;
    }
    int half = PIECE / 2;
    for (int done = 0; done < count; done += half) {
      int piece = Math.min(half, count - done);
      NumberCopier.readFractions(real, start + done, piece, scratch, 0, 2);
      NumberCopier.readFractions(imaginary, start + done, piece, scratch, 1, 2);
      int unfit = writer.write(scratch, 2 * piece, address + (long) done * to.byteSize());
      if (unfit != NONE) {
        return done + unfit / 2;
      }
    }
    return NONE;
  }
}
