package io.tensorarrow.spark.sql.functions;

import static io.tensorarrow.spark.errors.TensorArrowException.cannot;

import io.tensorarrow.spark.columnar.ScalaLists;
import io.tensorarrow.spark.errors.Alternatives;
import io.tensorarrow.spark.errors.ErrorCode;
import io.tensorarrow.spark.errors.TensorArrowException;
import io.tensorarrow.spark.inference.BoundModel;
import io.tensorarrow.spark.inference.InferenceSpec;
import io.tensorarrow.spark.inference.InferenceSpec.InputBinding;
import io.tensorarrow.spark.inference.ModelLookup;
import io.tensorarrow.spark.model.savedmodel.ModelGraph;
import io.tensorarrow.spark.model.savedmodel.ModelSignature;
import io.tensorarrow.spark.model.store.ModelName;
import io.tensorarrow.spark.options.ReadOptions;
import io.tensorarrow.spark.sql.Predict;
import io.tensorarrow.spark.sql.PredictTarget;
import io.tensorarrow.spark.tensor.TensorSpec;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apache.spark.sql.catalyst.expressions.Attribute;
import org.apache.spark.sql.catalyst.expressions.CreateNamedStruct;
import org.apache.spark.sql.catalyst.expressions.Expression;
import org.apache.spark.sql.catalyst.expressions.GetStructField;
import org.apache.spark.sql.catalyst.expressions.Literal$;
import org.apache.spark.sql.types.Metadata;
import org.apache.spark.sql.types.StructField;
import org.apache.spark.sql.types.StructType;
import scala.Option;
import scala.collection.JavaConverters;

/**
 * Makes calls of models out of the arguments of an SQL function, on the driver: the model is found
 * and its signature matched with the arguments, so that whatever does not fit is an error of the
 * analysis.
 */
final class PredictCalls {
  private final String function;
  private final CallArguments call;
  private final Map<String, String> given = new LinkedHashMap<>();

  private PredictCalls(String function, List<Expression> arguments) {
    this.function = function;
    this.call = new CallArguments(function, arguments);
  }

  /**
   * Returns the value of {@code tf_predict}: the output's column where the model has one output,
   * else a struct.
   *
   * @param arguments the model, and then inputs and options
   * @throws TensorArrowException if they do not fit
   */
  static Expression predict(String function, List<Expression> arguments) {
    Predict call = new PredictCalls(function, arguments).call(false);
    return call.target().spec().outputs().size() == 1
        ? new GetStructField(call, 0, Option.empty())
        : call;
  }

  /**
   * Returns a struct of all outputs, whose names must differ from those of the input columns: they
   * will be columns beside them.
   *
   * @param arguments the model, a struct of the columns, and options
   * @throws TensorArrowException if they do not fit
   */
  static Expression predictStruct(String function, List<Expression> arguments) {
    return new PredictCalls(function, arguments).call(true);
  }

  /**
   * Returns a struct of the outputs over the columns of a plan.
   *
   * @param function what was called, for messages
   * @throws TensorArrowException if they do not fit
   */
  static Predict predict(
      String function, List<Attribute> columns, String model, Map<String, String> options) {
    List<Expression> namesAndValues = new ArrayList<>();
    for (Attribute column : columns) {
      namesAndValues.add(Literal$.MODULE$.apply(column.name()));
      namesAndValues.add(column);
    }
    PredictCalls calls =
        new PredictCalls(
            function,
            List.of(
                Literal$.MODULE$.apply(model),
                new CreateNamedStruct(ScalaLists.of(namesAndValues))));
    calls.given.putAll(options);
    return calls.call(true);
  }

  private Predict call(boolean besideInputs) {
    String model = call.takeModel();
    given.putAll(call.takeOptionsMap());
    Map<String, Expression> named = call.named();
    Map<String, Expression> maybeOptions = new LinkedHashMap<>(named);
    maybeOptions.keySet().removeIf(name -> !ReadOptions.isOption(name));
    for (Map.Entry<String, Expression> option : List.copyOf(maybeOptions.entrySet())) {
      String name = option.getKey();
      if (name.equalsIgnoreCase(ReadOptions.SIGNATURE.key()) && option.getValue().foldable()) {
        given.put(name, OptionArguments.text(function, "option 'signature'", option.getValue()));
        named.remove(name);
        maybeOptions.remove(name);
      }
    }
    ReadOptions first = OptionArguments.checked(function, model, given);
    ModelLookup lookup = ModelLookup.findKnown(first);
    ModelGraph graph = lookup.first().graph(first.get(ReadOptions.TAGS));
    ModelSignature signature = BoundModel.signature(first, graph);
    // An input may be called like an option, as Keras calls its own "inputs".
    maybeOptions.keySet().removeIf(name -> input(signature, name).isPresent());
    maybeOptions.forEach(
        (name, value) -> {
          given.put(name, OptionArguments.text(function, "option '" + name + "'", value));
          named.remove(name);
        });
    ReadOptions options = OptionArguments.checked(function, model, given);
    List<Argument> arguments = arguments(signature);
    StructType columns =
        new StructType(arguments.stream().map(Argument::field).toArray(StructField[]::new));
    BoundModel bound =
        BoundModel.bind(
            options,
            lookup.first(),
            lookup.access(),
            graph,
            signature,
            columns,
            besideInputs ? columns : new StructType());
    InferenceSpec spec = bound.spec();
    List<String> used =
        spec.inputs().stream().map(InputBinding::column).map(c -> c.column()).distinct().toList();
    return new Predict(
        new PredictTarget(
            function, ModelName.of(spec.model().directory()), spec, used, bound.random()),
        ScalaLists.of(
            used.stream().map(name -> arguments.get(columns.fieldIndex(name)).value()).toList()));
  }

  /** A value that can feed the model, under a name. */
  private record Argument(String name, Expression value) {
    StructField field() {
      return new StructField(name, value.dataType(), value.nullable(), Metadata.empty());
    }
  }

  private List<Argument> arguments(ModelSignature signature) {
    List<Expression> positional = call.positional();
    List<Argument> arguments = new ArrayList<>();
    if (positional.size() == 1 && positional.get(0).dataType() instanceof StructType struct) {
      arguments.addAll(fields(positional.get(0), struct));
    } else {
      List<TensorSpec> inputs = signature.inputs();
      if (positional.size() > inputs.size()) {
        throw cannot(ErrorCode.TA_INPUT_MISMATCH, "feed signature '%s'", signature.name())
            .found("%d arguments", positional.size())
            .expected(
                "one for each of {%s}, in this order, or a struct of columns",
                Alternatives.listed(inputs, TensorSpec::toString));
      }
      for (int i = 0; i < positional.size(); i++) {
        arguments.add(new Argument(inputs.get(i).name(), positional.get(i)));
      }
    }
    call.named().forEach((name, value) -> arguments.add(named(signature, name, value)));
    return arguments;
  }

  private static List<Argument> fields(Expression value, StructType struct) {
    List<Argument> fields = new ArrayList<>();
    List<Expression> values =
        value instanceof CreateNamedStruct created
            ? JavaConverters.seqAsJavaList(created.valExprs())
            : List.of();
    for (int i = 0; i < struct.size(); i++) {
      fields.add(
          new Argument(
              struct.apply(i).name(),
              values.isEmpty() ? new GetStructField(value, i, Option.empty()) : values.get(i)));
    }
    return fields;
  }

  private Argument named(ModelSignature signature, String name, Expression value) {
    Optional<TensorSpec> input = input(signature, name);
    if (input.isEmpty()) {
      List<String> names = signature.inputs().stream().map(TensorSpec::name).toList();
      throw cannot(ErrorCode.TA_INPUT_MISMATCH, "feed signature '%s'", signature.name())
          .found("argument '%s'%s", name, Alternatives.hint(name, names))
          .expected(
              "the name of an input in {%s}, or of an option",
              Alternatives.listed(signature.inputs(), TensorSpec::toString));
    }
    return new Argument(input.get().name(), value);
  }

  private static Optional<TensorSpec> input(ModelSignature signature, String name) {
    List<TensorSpec> like =
        signature.inputs().stream().filter(t -> t.name().equalsIgnoreCase(name)).toList();
    return like.stream()
        .filter(tensor -> tensor.name().equals(name))
        .findFirst()
        .or(() -> like.size() == 1 ? Optional.of(like.get(0)) : Optional.empty());
  }
}
