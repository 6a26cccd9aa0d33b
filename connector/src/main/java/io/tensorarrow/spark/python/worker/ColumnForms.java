package io.tensorarrow.spark.python.worker;

import io.tensorarrow.spark.tensor.DType;
import io.tensorarrow.spark.tensor.fetch.TensorMetadata;
import java.io.Serializable;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.IntPredicate;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.apache.spark.sql.types.StructField;
import org.apache.spark.sql.types.StructType;

/**
 * In which form the columns of a batch go to a worker. Immutable.
 *
 * @param nativeColumns the ordinals of tensors that go with native elements, where Spark's type has
 *     others
 * @param inPlace the ordinals of tensors that go in segments of their own, to be changed there
 * @param forTensors whether the function takes native elements; if not, the worker widens them
 */
public record ColumnForms(Set<Integer> nativeColumns, Set<Integer> inPlace, boolean forTensors)
    implements Serializable {
  /** All columns with Spark's types. */
  public static final ColumnForms SPARK = new ColumnForms(Set.of(), Set.of(), false);

  public ColumnForms {
    nativeColumns = Set.copyOf(nativeColumns);
    inPlace = Set.copyOf(inPlace);
  }

  /**
   * Chooses the form of each column for a function.
   *
   * @param input the columns
   * @param tensors the ordinals of those that are unchanged outputs of a model
   * @param functionName the function that gets them
   */
  public static ColumnForms of(StructType input, List<Integer> tensors, String functionName) {
    StructField[] fields = input.fields();
    Set<Integer> nativeColumns =
        ordinals(fields, i -> tensors.contains(i) && hasNativeElements(fields[i]));
    Optional<TensorFunction> tensorFunction = TensorFunction.named(functionName);
    List<String> changed = tensorFunction.map(TensorFunction::inPlace).orElse(List.of());
    // Columns that were changed since may have nulls, or rows of any length: the worker checks and
    // copies those.
    Set<Integer> inPlace =
        ordinals(
            fields,
            i ->
                tensors.contains(i)
                    && changed.contains(fields[i].name())
                    && isChangeable(fields[i]));
    return new ColumnForms(nativeColumns, inPlace, tensorFunction.isPresent());
  }

  private static Set<Integer> ordinals(StructField[] fields, IntPredicate which) {
    return IntStream.range(0, fields.length)
        .filter(which)
        .boxed()
        .collect(Collectors.toCollection(TreeSet::new));
  }

  private static boolean hasNativeElements(StructField field) {
    return TensorMetadata.of(field)
        .filter(tensor -> tensor.isWidenedIn(field.dataType()))
        .isPresent();
  }

  private static boolean isChangeable(StructField field) {
    return TensorMetadata.of(field)
        .filter(tensor -> tensor.dtype().layout() != DType.Layout.TENSORFLOW)
        .isPresent();
  }
}
