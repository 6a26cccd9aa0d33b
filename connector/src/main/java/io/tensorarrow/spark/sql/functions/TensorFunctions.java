package io.tensorarrow.spark.sql.functions;

import static io.tensorarrow.spark.errors.TensorArrowException.cannot;

import io.tensorarrow.spark.columnar.ScalaLists;
import io.tensorarrow.spark.errors.CannotMessage;
import io.tensorarrow.spark.errors.ErrorCode;
import io.tensorarrow.spark.errors.TensorArrowException;
import java.util.List;
import java.util.Optional;
import org.apache.spark.sql.catalyst.expressions.Cast;
import org.apache.spark.sql.catalyst.expressions.Expression;
import org.apache.spark.sql.catalyst.expressions.GetArrayItem;
import org.apache.spark.sql.catalyst.expressions.Literal$;
import org.apache.spark.sql.catalyst.expressions.NamedArgumentExpression;
import org.apache.spark.sql.types.ArrayType;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.IntegralType;
import org.apache.spark.sql.types.NullType;
import org.apache.spark.sql.types.ObjectType;
import scala.Option;

/**
 * The SQL functions over columns of tensors, which are flat arrays where only their metadata say
 * the shape.
 */
final class TensorFunctions {
  private static final String COLUMN =
      "tensor - an output of a model: a column, or a field of a struct, with the metadata of a"
          + " tensor";

  static final List<SqlFunction<Expression>> ALL =
      List.of(
          SqlFunction.of(
              "tensor_shape",
              "array_funcs",
              "_FUNC_(tensor) - Returns the shape of the row's tensor, without the batch axis.",
              List.of(COLUMN),
              List.of("SELECT _FUNC_(heatmap) FROM scored;"),
              TensorFunctions::shape),
          SqlFunction.of(
              "tensor_at",
              "array_funcs",
              "_FUNC_(tensor, index, ...) - Returns an element of the row's tensor. An index that"
                  + " is out of range is an error.",
              List.of(
                  COLUMN,
                  "index - one for each dimension, without the batch axis, from 0; negative ones"
                      + " count from the end"),
              List.of(
                  "SELECT _FUNC_(probabilities, 9) FROM scored;",
                  "SELECT _FUNC_(heatmap, 0, -1) FROM scored;"),
              TensorFunctions::at),
          SqlFunction.of(
              "tensor_nested",
              "array_funcs",
              "_FUNC_(tensor) - Returns the row's tensor as arrays of arrays, one level for each"
                  + " dimension without the batch axis.",
              List.of(COLUMN),
              List.of("SELECT _FUNC_(heatmap)[0] AS first_line FROM scored;"),
              TensorFunctions::nested));

  private TensorFunctions() {}

  private static Expression shape(String function, List<Expression> arguments) {
    return called(function, arguments, tensor(function, arguments, 1).shape());
  }

  private static Expression at(String function, List<Expression> arguments) {
    TensorArgument tensor = tensor(function, arguments, Integer.MAX_VALUE);
    List<Expression> indices = arguments.subList(1, arguments.size());
    if (indices.size() != tensor.rank()) {
      throw cannot(ErrorCode.TA_TENSOR_INDEX, "index tensor %s by %s", tensor.shapeText(), function)
          .found("%d indices", indices.size())
          .expected("%d, one for each dimension of a row", tensor.rank());
    }
    if (indices.isEmpty()) {
      return called(function, arguments, tensor.column());
    }
    // A row without a tensor has no element, whatever the indices are.
    Expression place = tensor.nullWithColumn(Literal$.MODULE$.apply(0L));
    for (int i = 0; i < indices.size(); i++) {
      place =
          TensorArgument.invoked(
              "place",
              DataTypes.LongType,
              List.of(
                  place,
                  index(tensor, i, indices.get(i)),
                  tensor.size(i),
                  Literal$.MODULE$.apply(i)),
              List.of(
                  DataTypes.LongType,
                  DataTypes.LongType,
                  DataTypes.LongType,
                  DataTypes.IntegerType));
    }
    return called(function, arguments, new GetArrayItem(tensor.elements(), place, false));
  }

  /** Returns an index as a long, after a look at those that are constant. */
  private static Expression index(TensorArgument tensor, int dimension, Expression index) {
    if (!(index.dataType() instanceof IntegralType) && !(index.dataType() instanceof NullType)) {
      throw wrongIndex(tensor, dimension)
          .found("an index of type %s", index.dataType().simpleString())
          .expected("a whole number");
    }
    Optional<Long> size = tensor.knownSize(dimension);
    if (index.foldable() && size.isPresent() && index.eval(null) instanceof Number number) {
      long value = number.longValue();
      if (value >= size.get() || value < -size.get()) {
        throw wrongIndex(tensor, dimension)
            .found("%d", value)
            .expected("%s", TensorElements.range(size.get()));
      }
    }
    return new Cast(index, DataTypes.LongType, Option.empty());
  }

  private static CannotMessage wrongIndex(TensorArgument tensor, int dimension) {
    return cannot(
        ErrorCode.TA_TENSOR_INDEX,
        "index dimension %d of tensor %s",
        dimension,
        tensor.shapeText());
  }

  private static Expression nested(String function, List<Expression> arguments) {
    TensorArgument tensor = tensor(function, arguments, 1);
    if (tensor.rank() == 0) {
      return called(function, arguments, tensor.column());
    }
    Expression elements = tensor.elements();
    if (tensor.rank() == 1) {
      return called(function, arguments, elements);
    }
    ArrayType flat = (ArrayType) elements.dataType();
    DataType type = flat;
    for (int i = 1; i < tensor.rank(); i++) {
      type = DataTypes.createArrayType(type, false);
    }
    ObjectType typeOfType = new ObjectType(DataType.class);
    return called(
        function,
        arguments,
        TensorArgument.invoked(
            "nested",
            type,
            List.of(
                elements,
                tensor.shape(),
                Literal$.MODULE$.fromObject(flat.elementType(), typeOfType)),
            List.of(flat, DataTypes.createArrayType(DataTypes.LongType, false), typeOfType)));
  }

  /**
   * Returns the tensor that a function is about.
   *
   * @param most how many arguments it has at most
   * @throws TensorArrowException if it has others, or the first one is no tensor
   */
  private static TensorArgument tensor(String function, List<Expression> arguments, int most) {
    boolean named = arguments.stream().anyMatch(NamedArgumentExpression.class::isInstance);
    if (named || arguments.isEmpty() || arguments.size() > most) {
      throw cannot(ErrorCode.TA_INPUT_MISMATCH, "call %s", function)
          .found(
              "%s",
              named
                  ? "an argument with a name"
                  : arguments.isEmpty() ? "no argument" : arguments.size() + " arguments")
          .expected(
              "%s",
              most == 1
                  ? "one: %s(probabilities)".formatted(function)
                  : "a tensor and its indices: %s(probabilities, 0)".formatted(function));
    }
    return TensorArgument.of(function, arguments.get(0));
  }

  private static Expression called(
      String function, List<Expression> arguments, Expression replacement) {
    return new TensorCall(function, ScalaLists.of(List.copyOf(arguments)), replacement);
  }
}
