package io.tensorarrow.spark.model.safety;

import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import org.tensorflow.proto.FunctionDef;
import org.tensorflow.proto.FunctionDefLibrary;
import org.tensorflow.proto.GradientDef;

/** The functions that come with a graph, and TensorFlow's operations. */
final class FunctionLibrary {
  private final Operations operations = Operations.ofTensorFlow();
  private final Map<String, FunctionDef> functions = new HashMap<>();
  private final Map<String, Operation> signatures = new HashMap<>();

  /** Reads a graph's library, whose functions must have names of their own. */
  FunctionLibrary(FunctionDefLibrary library, GraphLocation location) {
    for (FunctionDef function : library.getFunctionList()) {
      String name = function.getSignature().getName();
      if (name.isEmpty()) {
        throw location.malformed("a function without a name", "a name for each function");
      }
      FunctionDef other = functions.put(name, function);
      if (other != null && !other.equals(function)) {
        throw location.malformed(
            "two functions named " + GraphLocation.quoted(name),
            "a name of its own for each function");
      }
      signatures.put(name, new Operation(function.getSignature()));
    }
    for (GradientDef gradient : library.getGradientList()) {
      requireKnown(gradient.getFunctionName(), location);
      requireKnown(gradient.getGradientFunc(), location);
    }
  }

  private void requireKnown(String name, GraphLocation location) {
    if (!knows(name)) {
      throw location.malformed(
          "a gradient of function " + GraphLocation.quoted(name) + ", which does not exist",
          "only functions of the graph's library");
    }
  }

  /** Finds what a node does. */
  Optional<Operation> operation(String name) {
    return operations.find(name).or(() -> signature(name));
  }

  /** Finds a function's body. */
  Optional<FunctionDef> function(String name) {
    return Optional.ofNullable(functions.get(name));
  }

  /** Finds a function's signature. */
  Optional<Operation> signature(String name) {
    return Optional.ofNullable(signatures.get(name));
  }

  /** Returns whether there is a function, or an operation that can be used as one. */
  boolean knows(String name) {
    return functions.containsKey(name) || operations.find(name).isPresent();
  }
}
