package io.tensorarrow.spark.sql.functions;

import static io.tensorarrow.spark.errors.TensorArrowException.cannot;

import io.tensorarrow.spark.columnar.ScalaLists;
import io.tensorarrow.spark.errors.ErrorCode;
import io.tensorarrow.spark.errors.TensorArrowException;
import io.tensorarrow.spark.tensor.DType;
import io.tensorarrow.spark.tensor.Dims;
import io.tensorarrow.spark.tensor.TensorShape;
import io.tensorarrow.spark.tensor.fetch.TensorMetadata;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.apache.spark.sql.catalyst.analysis.TempResolvedColumn;
import org.apache.spark.sql.catalyst.expressions.Cast;
import org.apache.spark.sql.catalyst.expressions.CreateArray;
import org.apache.spark.sql.catalyst.expressions.Expression;
import org.apache.spark.sql.catalyst.expressions.GetArrayItem;
import org.apache.spark.sql.catalyst.expressions.GetStructField;
import org.apache.spark.sql.catalyst.expressions.If;
import org.apache.spark.sql.catalyst.expressions.IntegralDivide;
import org.apache.spark.sql.catalyst.expressions.IsNull;
import org.apache.spark.sql.catalyst.expressions.KnownNotNull;
import org.apache.spark.sql.catalyst.expressions.LateralColumnAliasReference;
import org.apache.spark.sql.catalyst.expressions.Literal;
import org.apache.spark.sql.catalyst.expressions.Literal$;
import org.apache.spark.sql.catalyst.expressions.NamedExpression;
import org.apache.spark.sql.catalyst.expressions.OctetLength;
import org.apache.spark.sql.catalyst.expressions.OuterReference;
import org.apache.spark.sql.catalyst.expressions.Size;
import org.apache.spark.sql.catalyst.expressions.objects.StaticInvoke;
import org.apache.spark.sql.types.AbstractDataType;
import org.apache.spark.sql.types.ArrayType;
import org.apache.spark.sql.types.BinaryType;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.IntegerType;
import org.apache.spark.sql.types.Metadata;
import org.apache.spark.sql.types.StructType;
import scala.Option;

/**
 * A column of tensors as the argument of an SQL function: expressions of its elements and of its
 * shape. All are null where the column is. Immutable.
 */
final class TensorArgument {
  private static final ArrayType SIZES = DataTypes.createArrayType(DataTypes.LongType, false);

  private final Expression column;
  private final long[] rowDims;

  private TensorArgument(Expression column, long[] rowDims) {
    this.column = column;
    this.rowDims = rowDims;
  }

  /**
   * Looks at an argument.
   *
   * @throws TensorArrowException with {@code TA_TENSOR_UNKNOWN} if it has no metadata of a tensor,
   *     or another type than they say
   */
  static TensorArgument of(String function, Expression column) {
    Optional<TensorMetadata> tensor = TensorMetadata.of(metadata(column));
    if (tensor.isEmpty()) {
      throw unlike(function, column, "without the metadata of a tensor");
    }
    TensorArgument argument =
        new TensorArgument(
            column, tensor.get().rowDims().stream().mapToLong(Long::longValue).toArray());
    if (!argument.isOfType(tensor.get().dtype())) {
      throw unlike(
          function,
          column,
          "with the metadata of a tensor %s %s per row"
              .formatted(tensor.get().dtype().numpyName(), argument.shapeText()));
    }
    return argument;
  }

  private static TensorArrowException unlike(String function, Expression column, String how) {
    return cannot(ErrorCode.TA_TENSOR_UNKNOWN, "call %s on '%s'", function, column.sql())
        .found("%s %s", column.dataType().simpleString(), how)
        .expected(
            "an output of a model, as a column or a field of a struct: call %s on it before"
                + " functions and casts that change it",
            function);
  }

  /** Returns the metadata of a column, also where Spark has wrapped it while it looks for it. */
  private static Metadata metadata(Expression expression) {
    if (expression instanceof TempResolvedColumn column) {
      return metadata(column.child());
    }
    if (expression instanceof LateralColumnAliasReference column) {
      return column.a().metadata();
    }
    if (expression instanceof OuterReference column) {
      return metadata((Expression) column.e());
    }
    return expression instanceof NamedExpression named
        ? named.metadata()
        : expression instanceof GetStructField field ? field.metadata() : Metadata.empty();
  }

  private boolean isOfType(DType dtype) {
    if (rank() == 0) {
      return !(column.dataType() instanceof ArrayType);
    }
    if (!hasShape()) {
      return isData(column.dataType(), dtype);
    }
    return column.dataType() instanceof StructType struct
        && struct.size() == 2
        && isData(struct.apply(0).dataType(), dtype)
        && struct.apply(1).dataType() instanceof ArrayType shape
        && shape.elementType() instanceof IntegerType;
  }

  private static boolean isData(DataType type, DType dtype) {
    return type instanceof ArrayType || (type instanceof BinaryType && dtype == DType.UINT8);
  }

  /** Whether the shape stands beside the elements, since more than one dimension is open. */
  private boolean hasShape() {
    return Dims.unknowns(rowDims) > 1;
  }

  /** Returns the number of dimensions of a row. */
  int rank() {
    return rowDims.length;
  }

  /** Returns the shape of a row as messages say it. */
  String shapeText() {
    return TensorShape.of(rowDims).toString();
  }

  /** Returns the size of a dimension, if it is the same for all rows. */
  Optional<Long> knownSize(int dimension) {
    return rowDims[dimension] == TensorShape.UNKNOWN_DIM
        ? Optional.empty()
        : Optional.of(rowDims[dimension]);
  }

  /** Returns the column itself. */
  Expression column() {
    return column;
  }

  private Expression field(int ordinal) {
    return new GetStructField(column, ordinal, Option.empty());
  }

  /** Returns the elements of a row, row-major, as an array; not for scalars. */
  Expression elements() {
    Expression data = hasShape() ? field(0) : column;
    return data.dataType() instanceof BinaryType
        ? invoked(
            "unsigned",
            DataTypes.createArrayType(DataTypes.ShortType, false),
            List.of(data),
            List.of(DataTypes.BinaryType))
        : data;
  }

  /** Returns the size of a dimension, as a long. */
  Expression size(int dimension) {
    if (hasShape()) {
      return asLong(new GetArrayItem(field(1), Literal$.MODULE$.apply(dimension), false));
    }
    if (knownSize(dimension).isPresent()) {
      return Literal$.MODULE$.apply(knownSize(dimension).get());
    }
    long others = Dims.knownProduct(rowDims);
    if (others == 0) {
      // There are no elements to count; neither are there any to ask for.
      return Literal$.MODULE$.apply(0L);
    }
    Expression count =
        column.dataType() instanceof BinaryType ? new OctetLength(column) : new Size(column, false);
    return others == 1
        ? asLong(count)
        : new IntegralDivide(asLong(count), Literal$.MODULE$.apply(others));
  }

  /** Returns the shape of a row, as an array of longs. */
  Expression shape() {
    if (hasShape()) {
      return new Cast(field(1), SIZES, Option.empty());
    }
    List<Expression> sizes = new ArrayList<>();
    for (int i = 0; i < rank(); i++) {
      Expression size = size(i);
      // Nobody looks at it where the column is null.
      sizes.add(size.nullable() ? new KnownNotNull(size) : size);
    }
    Expression shape =
        sizes.isEmpty()
            ? Literal.create(new long[0], SIZES)
            : new CreateArray(ScalaLists.of(sizes), false);
    return nullWithColumn(shape);
  }

  /** Returns an expression that is null where the column is. */
  Expression nullWithColumn(Expression expression) {
    return column.nullable()
        ? new If(new IsNull(column), Literal.create(null, expression.dataType()), expression)
        : expression;
  }

  private static Expression asLong(Expression value) {
    return new Cast(value, DataTypes.LongType, Option.empty());
  }

  /** Returns a call of a method of {@link TensorElements}, null where an argument is. */
  static Expression invoked(
      String method, DataType type, List<Expression> arguments, List<AbstractDataType> types) {
    return new StaticInvoke(
        TensorElements.class,
        type,
        method,
        ScalaLists.of(arguments),
        ScalaLists.of(types),
        true,
        false,
        true);
  }
}
