package io.tensorarrow.spark.model.eager;

import io.tensorarrow.spark.errors.ErrorCode;
import io.tensorarrow.spark.errors.TensorArrowException;
import io.tensorarrow.spark.model.ModelCache;
import io.tensorarrow.spark.model.safety.OpPolicy;
import io.tensorarrow.spark.model.savedmodel.ModelGraph;
import io.tensorarrow.spark.model.savedmodel.SavedModelLayout;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.BooleanSupplier;
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
  private static final int MAX_UNUSED_FUNCTIONS = 16;

  private record FunctionKey(String signature, List<String> fetches) {}

  /** A function and by how many calls it is used. */
  private static final class CountedFunction {
    final EagerFunction function;
    int users;

    CountedFunction(EagerFunction function) {
      this.function = function;
    }
  }

  private final ModelGraph model;
  private final GraphOutline outline;
  private final FunctionCutter cutter;
  private final EagerContext context;
  private final NativeGraph graph;
  private final long bytes;

  /** Guarded by this; least recently used first. */
  private final Map<FunctionKey, CountedFunction> functions = new LinkedHashMap<>(16, 0.75f, true);

  private EagerModel(
      ModelGraph model,
      OpPolicy policy,
      GraphOutline outline,
      EagerContext context,
      NativeGraph graph,
      long bytes) {
    this.model = model;
    this.outline = outline;
    this.context = context;
    this.graph = graph;
    this.cutter = new FunctionCutter(model, policy, outline, context, graph);
    this.bytes = bytes;
  }

  /**
   * Loads a model. TensorFlow's libraries have to be loaded already.
   *
   * @param policy the model's, which its initialisers passed
   * @param cancelled whether loading must end; asked by another thread, several times a second
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
    CountedFunction counted = functions.get(key);
    if (counted == null) {
      counted =
          new CountedFunction(cutter.cut(model.signature(Optional.of(signature)), key.fetches()));
      functions.put(key, counted);
    }
    counted.users++;
    return counted.function;
  }

  /** Releases one use of a function. */
  public synchronized void release(EagerFunction function) {
    List<CountedFunction> unused = new ArrayList<>();
    for (CountedFunction counted : functions.values()) {
      if (counted.function.equals(function)) {
        counted.users--;
      }
      if (counted.users == 0) {
        unused.add(counted);
      }
    }
    for (CountedFunction counted :
        unused.subList(0, Math.max(0, unused.size() - MAX_UNUSED_FUNCTIONS))) {
      functions.values().remove(counted);
      try (TensorFlowStatus status =
          new TensorFlowStatus(ErrorCode.TA_MODEL_RUN, "free " + counted.function.name())) {
        context.remove(counted.function.name(), status);
      }
    }
  }

  /** Frees functions, variables and tables. Tensors that calls returned stay valid. */
  @Override
  public synchronized void close() {
    graph.close();
    context.close();
  }
}
