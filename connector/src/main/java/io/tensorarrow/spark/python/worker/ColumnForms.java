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
 * @param raw the ordinals of tensors whose own bytes go, where Spark's type has others
 * @param inPlace the ordinals of tensors that go alone, to be changed where they lie
 * @param forTensors whether the function takes tensors as they are; else the worker widens them
 */
public record ColumnForms(Set<Integer> raw, Set<Integer> inPlace, boolean forTensors)
    implements Serializable {
  /** All columns as Spark has them. */
  public static final ColumnForms SPARKS = new ColumnForms(Set.of(), Set.of(), false);

  public ColumnForms {
    raw = Set.copyOf(raw);
    inPlace = Set.copyOf(inPlace);
  }

  /**
   * Chooses the forms.
   *
   * @param input the columns
   * @param tensors the ordinals of those that a model computed, and nobody since
   * @param functionName the function that gets them
   */
  public static ColumnForms of(StructType input, List<Integer> tensors, String functionName) {
    StructField[] fields = input.fields();
    Set<Integer> raw = ordinals(fields, i -> tensors.contains(i) && hasRawElements(fields[i]));
    Optional<TensorFunction> function = TensorFunction.named(functionName);
    List<String> changed = function.map(TensorFunction::inPlace).orElse(List.of());
    // What is not the model's own may have nulls by now, or rows of any length: there the worker
    // copies, and checks.
    Set<Integer> inPlace =
        ordinals(
            fields,
            i ->
                tensors.contains(i)
                    && changed.contains(fields[i].name())
                    && hasOwnBytes(fields[i]));
    return new ColumnForms(raw, inPlace, function.isPresent());
  }

  private static Set<Integer> ordinals(StructField[] fields, IntPredicate which) {
    return IntStream.range(0, fields.length)
        .filter(which)
        .boxed()
        .collect(Collectors.toCollection(TreeSet::new));
  }

  private static boolean hasRawElements(StructField field) {
    return TensorMetadata.of(field)
        .filter(tensor -> tensor.isWidenedIn(field.dataType()))
        .isPresent();
  }

  private static boolean hasOwnBytes(StructField field) {
    return TensorMetadata.of(field)
        .filter(tensor -> tensor.dtype().layout() != DType.Layout.TENSORFLOW)
        .isPresent();
  }
}
