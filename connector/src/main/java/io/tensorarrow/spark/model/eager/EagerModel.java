package io.tensorarrow.spark.model.eager;

import io.tensorarrow.spark.errors.Alternatives;
import io.tensorarrow.spark.errors.CannotMessage;
import io.tensorarrow.spark.errors.ErrorCode;
import io.tensorarrow.spark.errors.TensorArrowException;
import io.tensorarrow.spark.model.ModelCache;
import io.tensorarrow.spark.model.safety.OpPolicy;
import io.tensorarrow.spark.model.savedmodel.ModelGraph;
import io.tensorarrow.spark.model.savedmodel.ModelSignature;
import io.tensorarrow.spark.model.savedmodel.SavedModelLayout;
import io.tensorarrow.spark.model.savedmodel.TensorName;
import io.tensorarrow.spark.tensor.DType;
import io.tensorarrow.spark.tensor.TensorSpec;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.BooleanSupplier;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.tensorflow.proto.FunctionDef;

/**
 * A model loaded into TensorFlow: its variables restored, its tables filled, its signatures cut
 * into functions when they are asked for and kept. Owns a context and a graph.
 *
 * <p>Functions may be asked for and run by several threads at once. Closing is up to the {@link
 * ModelCache}, which knows when no call uses the model any more.
 */
public final class EagerModel implements AutoCloseable {
  /** Queries may choose outputs in any number of ways, each of which takes memory. */
  private static final int MOST_UNUSED_FUNCTIONS = 16;

  private record FunctionKey(String signature, List<String> fetches) {}

  /** A function and by how many it is used. */
  private static final class Cut {
    final EagerFunction function;
    int users;

    Cut(EagerFunction function) {
      this.function = function;
    }
  }

  private final ModelGraph model;
  private final OpPolicy policy;
  private final GraphOutline outline;
  private final EagerContext context;
  private final NativeGraph graph;
  private final long bytes;

  /** Guarded by this; least recently used first. */
  private final Map<FunctionKey, Cut> functions = new LinkedHashMap<>(16, 0.75f, true);

  /** How many functions were cut so far; guarded by this. */
  private int cuts;

  private EagerModel(
      ModelGraph model,
      OpPolicy policy,
      GraphOutline outline,
      EagerContext context,
      NativeGraph graph,
      long bytes) {
    this.model = model;
    this.policy = policy;
    this.outline = outline;
    this.context = context;
    this.graph = graph;
    this.bytes = bytes;
  }

  /**
   * Loads a model. TensorFlow's libraries have to be loaded already.
   *
   * @param policy the model's, which its initialisers passed
   * @param cancelled whether loading shall end; asked by another thread, several times a second
   * @return the model, owned by the caller
   * @throws TensorArrowException with {@link ErrorCode#TA_MODEL_LOAD} if TensorFlow refuses it;
   *     nothing stays in memory then
   * @throws java.util.concurrent.CancellationException if it was cancelled while variables were
   *     restored or tables filled; nothing stays in memory then either
   */
  public static EagerModel load(
      ModelGraph model, ModelSettings settings, OpPolicy policy, BooleanSupplier cancelled) {
    long bytes = bytes(model);
    GraphRewriter.Rewritten rewritten = GraphRewriter.rewrite(model);
    try (TensorFlowStatus status =
            new TensorFlowStatus(ErrorCode.TA_MODEL_LOAD, "load model '" + model.location() + "'");
        Cancellation cancellation = new Cancellation(cancelled)) {
      EagerContext context = new EagerContext(settings, status);
      try {
        for (FunctionDef function : rewritten.proto().getLibrary().getFunctionList()) {
          context.add(function, status);
        }
        NativeGraph graph = new NativeGraph(policy.disarm(rewritten.proto()), status);
        try {
          EagerModel loaded =
              new EagerModel(
                  model.withoutProto(), policy, rewritten.outline(), context, graph, bytes);
          loaded.runOnce("restore", rewritten.outline().restoreOps(), cancellation, status);
          loaded.runOnce("initialise", rewritten.outline().initialisers(), cancellation, status);
          return loaded;
        } catch (RuntimeException | Error e) {
          graph.close();
          throw e;
        }
      } catch (RuntimeException | Error e) {
        context.close();
        throw e;
      }
    }
  }

  private static long bytes(ModelGraph model) {
    try {
      return SavedModelLayout.bytes(model.directory());
    } catch (IOException e) {
      throw TensorArrowException.cannot(
              ErrorCode.TA_MODEL_LOAD, "load model '%s'", model.location())
          .found("%s", e)
          .causedBy(e)
          .expected("files that can be read");
    }
  }

  private void runOnce(
      String name, List<String> nodes, Cancellation cancellation, TensorFlowStatus status) {
    if (!nodes.isEmpty()) {
      String function = "tensorarrow_" + name;
      Set<String> body = outline.reachable(nodes, Set.of());
      context.add(graph.function(function, body, List.of(), List.of(), nodes, status), status);
      context.run(function, cancellation, status);
    }
  }

  /** Returns about how much memory it takes: what its graph and variables take on disk. */
  public long bytes() {
    return bytes;
  }

  /** Returns where the functions run, borrowed. */
  public EagerContext context() {
    return context;
  }

  /**
   * Returns a signature restricted to some of its outputs; what only the others need is never
   * computed. It can be run until {@link #release}.
   *
   * @param signature the signature's name
   * @param fetches the outputs' names, in the order wanted
   * @throws TensorArrowException with {@link ErrorCode#TA_SIGNATURE_NOT_FOUND}, {@link
   *     ErrorCode#TA_OUTPUT_MISMATCH} if a name is unknown or doubled, {@link
   *     ErrorCode#TA_TENSOR_UNSUPPORTED} for tensors that are no values, {@link
   *     ErrorCode#TA_OP_NOT_ALLOWED} or {@link ErrorCode#TA_OP_UNKNOWN} for what it reaches, {@link
   *     ErrorCode#TA_MODEL_LOAD} if TensorFlow refuses the function
   */
  public synchronized EagerFunction function(String signature, List<String> fetches) {
    FunctionKey key = new FunctionKey(signature, List.copyOf(fetches));
    Cut cut = functions.get(key);
    if (cut == null) {
      cut = new Cut(cut(model.signature(Optional.of(signature)), key.fetches()));
      functions.put(key, cut);
    }
    cut.users++;
    return cut.function;
  }

  /** Releases one use of a function. */
  public synchronized void release(EagerFunction function) {
    List<Cut> unused = new ArrayList<>();
    for (Cut cut : functions.values()) {
      if (cut.function.equals(function)) {
        cut.users--;
      }
      if (cut.users == 0) {
        unused.add(cut);
      }
    }
    for (Cut cut : unused.subList(0, Math.max(0, unused.size() - MOST_UNUSED_FUNCTIONS))) {
      functions.values().remove(cut);
      try (TensorFlowStatus status =
          new TensorFlowStatus(ErrorCode.TA_MODEL_RUN, "free " + cut.function.name())) {
        context.remove(cut.function.name(), status);
      }
    }
  }

  private EagerFunction cut(ModelSignature signature, List<String> fetchNames) {
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

  /** Frees functions, variables and tables. Tensors that calls returned stay valid. */
  @Override
  public synchronized void close() {
    graph.close();
    context.close();
  }
}
