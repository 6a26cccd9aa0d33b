package io.tensorarrow.spark.tensor.vector;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Random;
import org.apache.arrow.memory.ArrowBuf;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.memory.RootAllocator;
import org.apache.arrow.vector.FieldVector;
import org.apache.arrow.vector.IntVector;
import org.apache.arrow.vector.NullVector;
import org.apache.arrow.vector.VarCharVector;
import org.apache.arrow.vector.complex.ListVector;
import org.apache.arrow.vector.complex.StructVector;
import org.apache.arrow.vector.ipc.message.ArrowFieldNode;
import org.apache.arrow.vector.types.pojo.ArrowType;
import org.apache.arrow.vector.types.pojo.FieldType;
import org.apache.arrow.vector.util.TransferPair;
import org.junit.jupiter.api.Test;

class ValidityTest {
  private static final int[] COUNTS = {0, 1, 7, 8, 9, 63, 64, 65, 127, 128, 1000, 70_000};

  /** A vector of zeros over the shared bits. */
  private static IntVector zeros(int count, BufferAllocator allocator) {
    IntVector zeros =
        new IntVector("n", FieldType.notNullable(new ArrowType.Int(32, true)), allocator);
    try (ArrowBuf data = allocator.buffer(Math.max(4L, 4L * count))) {
      data.setZero(0, data.capacity());
      zeros.loadFieldBuffers(
          new ArrowFieldNode(count, 0), List.of(Validity.allSet(count, allocator), data));
    }
    return zeros;
  }

  private static NullVector nothing(int count) {
    NullVector nothing = new NullVector("v");
    nothing.setValueCount(count);
    return nothing;
  }

  @Test
  void nullCountMatchesArrow() {
    Random random = new Random(1);
    try (BufferAllocator allocator = new RootAllocator()) {
      for (int count : COUNTS) {
        for (double share : new double[] {0, 0.01, 0.5, 1}) {
          IntVector numbers = new IntVector("n", allocator);
          VarCharVector names = new VarCharVector("s", allocator);
          ListVector lists = ListVector.empty("l", allocator);
          StructVector structs = StructVector.empty("r", allocator);
          lists.allocateNew();
          structs.allocateNew();
          int nulls = 0;
          for (int i = 0; i < count; i++) {
            if (random.nextDouble() < share) {
              numbers.setNull(i);
              names.setNull(i);
              nulls++;
            } else {
              numbers.setSafe(i, i);
              names.setSafe(i, new byte[] {1});
              lists.startNewValue(i);
              lists.endValue(i, 0);
              structs.setIndexDefined(i);
            }
          }
          for (FieldVector vector : List.of(numbers, names, lists, structs)) {
            vector.setValueCount(count);
            assertThat(Validity.nullCount(vector)).isEqualTo(nulls);
            assertThat(vector.getNullCount()).isEqualTo(nulls);
            vector.close();
          }
          assertThat(Validity.nullCount(nothing(count))).isEqualTo(count);
        }
      }
    }
  }

  @Test
  void allSetValidityBufferIsSharedAndNotCounted() {
    try (BufferAllocator allocator = new RootAllocator()) {
      for (int count : COUNTS) {
        try (IntVector zeros = zeros(count, allocator)) {
          long counted = allocator.getAllocatedMemory();
          assertThat(counted).isLessThanOrEqualTo(Math.max(8L, Integer.highestOneBit(8 * count)));
          assertThat(zeros.getNullCount()).isZero();
          assertThat(Validity.nullCount(zeros)).isZero();
          assertThat(zeros.getFieldBuffers().get(0).readableBytes()).isEqualTo((count + 7) / 8);
        }
      }
      ArrowBuf many = Validity.allSet(Validity.MAX_SHARED + 1, allocator);
      assertThat(many.capacity()).isZero();
    }
  }

  @Test
  void slicesAndTransfersKeepSourceBuffer() {
    try (BufferAllocator allocator = new RootAllocator();
        BufferAllocator other = allocator.newChildAllocator("other", 0, Long.MAX_VALUE);
        IntVector zeros = zeros(1000, allocator)) {
      for (int first : new int[] {0, 3, 8, 64}) {
        TransferPair pair = zeros.getTransferPair(other);
        pair.splitAndTransfer(first, 500);
        try (IntVector slice = (IntVector) pair.getTo()) {
          assertThat(slice.getNullCount()).isZero();
          assertThat(Validity.nullCount(slice)).isZero();
          assertThat(slice.get(499)).isZero();
        }
        assertThat(zeros.getFieldBuffers().get(0).readableBytes()).isEqualTo(125);
        assertThat(zeros.getNullCount()).isZero();
      }
      TransferPair pair = zeros.getTransferPair(other);
      pair.transfer();
      try (IntVector moved = (IntVector) pair.getTo()) {
        assertThat(moved.getValueCount()).isEqualTo(1000);
        assertThat(moved.getNullCount()).isZero();
      }
      assertThat(zeros.getValueCount()).isZero();
    }
  }
}
