package io.tensorarrow.spark.tensor.feed;

import io.tensorarrow.spark.tensor.TensorShape;
import io.tensorarrow.spark.tensor.vector.ArrayElements;
import java.util.Comparator;
import java.util.Optional;
import java.util.stream.IntStream;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.MapType;
import org.apache.spark.sql.vectorized.ColumnVector;
import org.apache.spark.sql.vectorized.ColumnarArray;
import org.apache.spark.sql.vectorized.ColumnarMap;

/** The values of maps other than null, at the places that the keys say. */
final class StoredInMaps extends StoredElements {
  private final ColumnVector maps;
  private final MapType type;
  private final boolean longKeys;

  /** Of the current map, ascending. */
  private long[] places = {};

  /** The values' indices, in the order of the places. */
  private int[] order = {};

  private ColumnVector values;

  StoredInMaps(ColumnVector maps, MapType type) {
    this.maps = maps;
    this.type = type;
    this.longKeys = type.keyType().equals(DataTypes.LongType);
    this.values = maps;
  }

  @Override
  void seek(int index) {
    ColumnarMap map = maps.getMap(index);
    ColumnarArray keys = map.keyArray();
    values = new ArrayElements(type.valueType(), map.valueArray());
    order =
        IntStream.range(0, map.numElements())
            .boxed()
            .sorted(Comparator.comparingLong(i -> key(keys, i)))
            .mapToInt(Integer::intValue)
            .toArray();
    places = IntStream.of(order).mapToLong(i -> key(keys, i)).toArray();
  }

  private long key(ColumnarArray keys, int i) {
    return longKeys ? keys.getLong(i) : keys.getInt(i);
  }

  @Override
  Optional<Misfit> misfit(long dim) {
    if (places.length == 0) {
      return Optional.empty();
    }
    if (places[0] < 0) {
      return Optional.of(new Misfit("a map with a negative key", "keys of 0 and more"));
    }
    long last = places[places.length - 1];
    if (last == Long.MAX_VALUE || (dim != TensorShape.UNKNOWN_DIM && last >= dim)) {
      long end = dim == TensorShape.UNKNOWN_DIM ? Long.MAX_VALUE : dim;
      return Optional.of(new Misfit("a map with a key of " + end + " or more", "smaller keys"));
    }
    for (int i = 1; i < places.length; i++) {
      if (places[i] == places[i - 1]) {
        return Optional.of(new Misfit("a map with the same key twice", "each key once"));
      }
    }
    return Optional.empty();
  }

  @Override
  long extent() {
    return places.length == 0 ? 0 : places[places.length - 1] + 1;
  }

  @Override
  int count() {
    return places.length;
  }

  @Override
  long place(int i) {
    return places[i];
  }

  @Override
  ColumnVector elements() {
    return values;
  }

  @Override
  int index(int i) {
    return order[i];
  }

  @Override
  boolean isAbsent(int i) {
    return values.isNullAt(order[i]);
  }
}
