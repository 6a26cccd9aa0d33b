package io.tensorarrow.spark.tensor.vector;

import static org.assertj.core.api.Assertions.assertThat;

import org.apache.spark.sql.execution.vectorized.OnHeapColumnVector;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructType;
import org.junit.jupiter.api.Test;

class SelectedColumnTest {
  @Test
  void selectedRowsShowValuesAndNulls() {
    try (OnHeapColumnVector column = new OnHeapColumnVector(5, DataTypes.LongType)) {
      for (int i = 0; i < 5; i++) {
        column.putLong(i, 10L * i);
      }
      column.putNull(3);
      SelectedColumn selected = new SelectedColumn(column, RowSelection.of(new int[] {1, 3, 4}, 3));

      assertThat(selected.getLong(0)).isEqualTo(10);
      assertThat(selected.isNullAt(1)).isTrue();
      assertThat(selected.getLong(2)).isEqualTo(40);
      assertThat(selected.hasNull()).isTrue();
      assertThat(selected.numNulls()).isEqualTo(1);
      assertThat(new SelectedColumn(column, RowSelection.range(0, 3)).numNulls()).isZero();
    }
  }

  @Test
  void closingViewLeavesSourceColumnOpen() {
    try (OnHeapColumnVector column = new OnHeapColumnVector(2, DataTypes.IntegerType)) {
      column.putInts(0, 2, 7);
      SelectedColumn selected = new SelectedColumn(column, RowSelection.range(1, 1));
      selected.closeIfFreeable();
      selected.close();

      assertThat(selected.getInt(0)).isEqualTo(7);
      assertThat(column.getInt(0)).isEqualTo(7);
    }
  }

  @Test
  void structFieldsShowSelectedRows() {
    StructType type = new StructType().add("a", DataTypes.IntegerType);
    try (OnHeapColumnVector column = new OnHeapColumnVector(3, type)) {
      for (int i = 0; i < 3; i++) {
        column.getChild(0).putInt(i, i);
      }
      SelectedColumn selected = new SelectedColumn(column, RowSelection.of(new int[] {2, 0}, 2));

      assertThat(selected.getStruct(0).getInt(0)).isEqualTo(2);
      assertThat(selected.getChild(0).getInt(1)).isZero();
    }
  }
}
