package io.tensorarrow.spark.model.eager;

import io.tensorarrow.spark.errors.Alternatives;
import io.tensorarrow.spark.errors.CannotMessage;
import io.tensorarrow.spark.errors.ErrorCode;
import io.tensorarrow.spark.errors.TensorArrowException;
import io.tensorarrow.spark.model.safety.OpPolicy;
import io.tensorarrow.spark.model.savedmodel.ModelGraph;
import io.tensorarrow.spark.model.savedmodel.ModelSignature;
import io.tensorarrow.spark.model.savedmodel.TensorName;
import io.tensorarrow.spark.tensor.DType;
import io.tensorarrow.spark.tensor.TensorSpec;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Collectors;

/**
 * Cuts signatures, restricted to some of their outputs, from a model's graph and registers them as
 * functions of its context. Borrows both.
 *
 * <p>Not thread-safe.
 */
final class FunctionCutter {
  private final ModelGraph model;
  private final OpPolicy policy;
  private final GraphOutline outline;
  private final EagerContext context;
  private final NativeGraph graph;

  /** How many functions were cut so far. */
  private int cuts;

  FunctionCutter(
      ModelGraph model,
      OpPolicy policy,
      GraphOutline outline,
      EagerContext context,
      NativeGraph graph) {
    this.model = model;
    this.policy = policy;
    this.outline = outline;
    this.context = context;
    this.graph = graph;
  }

  /**
   * Cuts a function; the parameters and errors are those of {@link EagerModel#function}.
   *
   * @return the function, known to the context
   */
  EagerFunction cut(ModelSignature signature, List<String> fetchNames) {
    String where = "signature '" + signature.name() + "' of model '" + model.location() + "'";
    List<TensorSpec> fetches = fetches(signature, fetchNames, where);
    signature.denseInputs().forEach(spec -> requireValue(spec, where));
    fetches.forEach(spec -> requireValue(spec, where));
    model.checkSignature(policy, signature.name(), fetchNames);

    GraphOutline.Function outlined = requireOutlined(signature.name());
    List<String> nodes = fetches.stream().map(spec -> node(outlined, spec)).toList();
    Set<String> fed = outlined.feeds().stream().map(TensorName::node).collect(Collectors.toSet());
    Set<String> body = outline.reachable(nodes, fed);
    for (String node : body) {
      if (outline.isPlaceholder(node)) {
        throw TensorArrowException.cannot(ErrorCode.TA_MODEL_LOAD, "load %s", where)
            .found("that it needs a value for '%s', which is none of its inputs", node)
            .expected("a signature with all inputs");
      }
    }
    String name = "tensorarrow_call_" + cuts++;
    try (TensorFlowStatus status = new TensorFlowStatus(ErrorCode.TA_MODEL_LOAD, "load " + where)) {
      List<TensorName> outputs = nodes.stream().map(node -> new TensorName(node, 0)).toList();
      context.add(graph.function(name, body, outlined.feeds(), outputs, List.of(), status), status);
    }
    return new EagerFunction(
        name, "run " + where, signature.denseInputs(), fetches, policy.mayOverwrite());
  }

  private static List<TensorSpec> fetches(
      ModelSignature signature, List<String> names, String where) {
    Map<String, TensorSpec> known =
        signature.denseOutputs().stream()
            .collect(Collectors.toMap(TensorSpec::name, Function.identity()));
    Set<String> seen = new HashSet<>();
    List<TensorSpec> fetches = new ArrayList<>();
    for (String name : names) {
      TensorSpec spec = known.get(name);
      if (spec == null) {
        throw cannotFetch(name, where)
            .found("outputs %s", Alternatives.closestFirst(name, known.keySet()))
            .expected("one of these");
      }
      if (!seen.add(name)) {
        throw cannotFetch(name, where).found("it named twice").expected("each output once");
      }
      fetches.add(spec);
    }
    return fetches;
  }

  private static CannotMessage cannotFetch(String output, String signature) {
    return TensorArrowException.cannot(
        ErrorCode.TA_OUTPUT_MISMATCH, "fetch output '%s' from %s", output, signature);
  }

  private static void requireValue(TensorSpec spec, String where) {
    if (spec.dtype() == DType.RESOURCE || spec.dtype() == DType.VARIANT) {
      throw TensorArrowException.cannot(
              ErrorCode.TA_TENSOR_UNSUPPORTED, "use tensor %s of %s", spec, where)
          .found("no plain tensor")
          .expected("one with values of a dtype of TensorFlow 2.18");
    }
  }

  private GraphOutline.Function requireOutlined(String signature) {
    GraphOutline.Function function = outline.functions().get(signature);
    if (function == null) {
      throw new IllegalStateException("signature '" + signature + "' has no outline");
    }
    return function;
  }

  private static String node(GraphOutline.Function function, TensorSpec fetch) {
    String node = function.fetches().get(fetch.name());
    if (node == null) {
      throw new IllegalStateException("output '" + fetch.name() + "' has no outline");
    }
    return node;
  }
}
