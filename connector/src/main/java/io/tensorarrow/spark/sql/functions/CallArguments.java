package io.tensorarrow.spark.sql.functions;

import static io.tensorarrow.spark.errors.TensorArrowException.cannot;

import io.tensorarrow.spark.errors.ErrorCode;
import io.tensorarrow.spark.errors.TensorArrowException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.spark.sql.catalyst.expressions.Expression;
import org.apache.spark.sql.catalyst.expressions.NamedArgumentExpression;

/**
 * The arguments of a call of an SQL function about a model. What is taken is no longer there. For
 * one use, by one thread.
 */
final class CallArguments {
  /** The argument whose value is a map of options. */
  private static final String OPTIONS = "options";

  private final String function;
  private final List<Expression> positional = new ArrayList<>();
  private final Map<String, Expression> named = new LinkedHashMap<>();

  /**
   * @throws TensorArrowException if a name is there twice
   */
  CallArguments(String function, List<Expression> arguments) {
    this.function = function;
    for (Expression argument : arguments) {
      if (argument instanceof NamedArgumentExpression name) {
        if (named.putIfAbsent(name.key(), name.value()) != null) {
          throw cannot(ErrorCode.TA_INPUT_MISMATCH, "call %s", function)
              .found("argument '%s' twice", name.key())
              .expected("each name once");
        }
      } else {
        positional.add(argument);
      }
    }
  }

  /** Returns the arguments without a name, to change. */
  List<Expression> positional() {
    return positional;
  }

  /** Returns the arguments with a name, in order, to change. */
  Map<String, Expression> named() {
    return named;
  }

  /**
   * Takes the model, which is the first argument.
   *
   * @throws TensorArrowException if there is none, or it is no constant text
   */
  String takeModel() {
    if (positional.isEmpty()) {
      throw cannot(ErrorCode.TA_OPTION_MISSING, "call %s", function)
          .found("no argument for the model")
          .expected("the model's path first: %s('models/digits', ...)", function);
    }
    return OptionArguments.text(function, "the model", positional.remove(0));
  }

  /** Takes the options that are given as one map; none if there is no such argument. */
  Map<String, String> takeOptionsMap() {
    Expression map = named.remove(OPTIONS);
    return map == null ? Map.of() : OptionArguments.map(function, map);
  }

  /**
   * Takes all options: the map, and each named argument, which wins over the map.
   *
   * @throws TensorArrowException if one is no constant, or there twice
   */
  Map<String, String> takeOptions() {
    Map<String, String> options = new LinkedHashMap<>(takeOptionsMap());
    named.forEach(
        (name, value) -> {
          if (named.keySet().stream().filter(name::equalsIgnoreCase).count() > 1) {
            throw cannot(ErrorCode.TA_INPUT_MISMATCH, "call %s", function)
                .found("argument '%s' twice", name)
                .expected("each name once, upper and lower case being the same");
          }
          options.keySet().removeIf(name::equalsIgnoreCase);
          options.put(name, OptionArguments.text(function, "option '" + name + "'", value));
        });
    named.clear();
    return options;
  }
}
