package io.tensorarrow.spark.model.safety;

import io.tensorarrow.spark.errors.ErrorCode;
import io.tensorarrow.spark.errors.TensorArrowException;
import io.tensorarrow.spark.model.safety.OpKind.Reach;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.tensorflow.proto.GraphDef;
import org.tensorflow.proto.VersionDef;

/**
 * Refuses models that reach operations which touch more than the model's own tensors. Judged is
 * what can be reached, through functions, branches and loops, not what is in the file: a model that
 * can be served has the operations that once saved it, too.
 *
 * <p>Immutable; no native code.
 */
public final class OpPolicy {
  private final String model;
  private final VersionDef versions;
  private final OpPolicyErrors errors;
  private final OpGraph graph;
  private final Loading loading;
  private final Set<String> allowed;

  /**
   * Makes the policy for one model's graph.
   *
   * @param model its name in messages
   * @param savedBy the version of TensorFlow that saved it, empty if unknown
   * @param graph the graph as the model has it
   * @param loading what is run when it is loaded
   * @param allowed operations that it may reach in any case
   */
  public OpPolicy(
      String model, String savedBy, GraphDef graph, Loading loading, Collection<String> allowed) {
    this.model = model;
    this.versions = graph.getVersions();
    this.errors = new OpPolicyErrors(model, savedBy, versions);
    this.graph = new OpGraph(graph);
    this.loading = loading;
    this.allowed = Set.copyOf(allowed);
  }

  /**
   * What is run when a model is loaded, and the nodes whose values are replaced by the paths of
   * files in the model's directory.
   *
   * @param roots the nodes that restore variables and fill tables
   * @param assets those that name assets
   * @param checkpoint those that name the checkpoint
   */
  public record Loading(List<String> roots, Set<String> assets, Set<String> checkpoint) {
    /** Copies the collections. */
    public Loading {
      roots = List.copyOf(roots);
      assets = Set.copyOf(assets);
      checkpoint = Set.copyOf(checkpoint);
    }

    private Stream<String> files() {
      return Stream.concat(assets.stream(), checkpoint.stream());
    }
  }

  /**
   * Checks what is run when the model is loaded.
   *
   * @throws TensorArrowException with {@link ErrorCode#TA_OP_NOT_ALLOWED}, with {@link
   *     ErrorCode#TA_OP_UNKNOWN}, or with {@link ErrorCode#TA_MODEL_LOAD} if the graph is for a
   *     newer TensorFlow
   */
  public void checkInitialisers() {
    checkVersion();
    check("load model '" + model + "'", "initialiser", true, loading.roots(), Set.of());
  }

  /**
   * Checks what is run with every call.
   *
   * @param signature the signature's name
   * @param fetches the nodes that are fetched
   * @param feeds the nodes that are fed
   * @return whether it draws random numbers or asks for the time, so that equal rows may give
   *     different values
   * @throws TensorArrowException with {@link ErrorCode#TA_OP_NOT_ALLOWED} or {@link
   *     ErrorCode#TA_OP_UNKNOWN}
   */
  public boolean checkSignature(String signature, Collection<String> fetches, Set<String> feeds) {
    String action = "run signature '" + signature + "' of model '" + model + "'";
    return check(action, signature, false, fetches, feeds);
  }

  /**
   * Makes a graph fit to be handed to TensorFlow, which computes constants while it reads one, from
   * files too, even for nodes that nothing reaches.
   *
   * @param proto the graph, or what became of it
   * @return the same graph, but operations that may not be reached wait for a value that never
   *     comes
   */
  public GraphDef disarm(GraphDef proto) {
    return ConstantFoldingGuard.disarm(
        proto,
        node ->
            !allowed.contains(node.getOp())
                && OpTable.find(node.getOp())
                    .filter(kind -> !mayReach(kind.reach(), true, OpNode.of(node)))
                    .isPresent());
  }

  /**
   * Returns whether a call may write over tensors that an earlier one returned: only operations
   * outside the allow-list do, such as those that add to a variable of TensorFlow 1.
   */
  public boolean mayOverwrite() {
    return !allowed.isEmpty();
  }

  private boolean check(
      String action,
      String root,
      boolean initialising,
      Collection<String> roots,
      Set<String> feeds) {
    Set<String> leaves = Stream.concat(feeds.stream(), loading.files()).collect(Collectors.toSet());
    Map<String, ReachedNode> unknown = new LinkedHashMap<>();
    Map<String, ReachedNode> refused = new LinkedHashMap<>();
    List<ReachedNode> tableFillers = new ArrayList<>();
    List<ReachedNode> restorers = new ArrayList<>();
    FileOrigins origins = new FileOrigins(graph);
    AtomicBoolean random = new AtomicBoolean();
    graph.walk(
        roots,
        leaves,
        (path, node) -> {
          origins.visit(path, node);
          if (allowed.contains(node.op()) || graph.isFunction(node.op())) {
            return;
          }
          ReachedNode reached = new ReachedNode(path, node);
          Optional<OpKind> kind = OpTable.find(node.op());
          if (kind.equals(Optional.of(OpKind.RANDOM))) {
            random.set(true);
          }
          if (kind.isEmpty()) {
            unknown.putIfAbsent(node.op(), reached);
          } else if (!mayReach(kind.get().reach(), initialising, node)) {
            refused.putIfAbsent(node.op(), reached);
          } else if (kind.get() == OpKind.TABLE_FILE) {
            tableFillers.add(reached);
          } else if (kind.get() == OpKind.RESTORE) {
            restorers.add(reached);
          }
        });
    // Only now are all callers of the functions known that these are in.
    tableFillers.stream()
        .filter(op -> !origins.areAll(loading.assets(), op.path(), op.node(), 1))
        .forEach(op -> refused.putIfAbsent(op.node().op(), op));
    restorers.stream()
        .filter(op -> !origins.areAll(loading.checkpoint(), op.path(), op.node(), 0))
        .forEach(op -> refused.putIfAbsent(op.node().op(), op));
    if (!unknown.isEmpty()) {
      throw errors.unknownOperations(action, root, unknown);
    }
    if (!refused.isEmpty()) {
      throw errors.refusedOperations(action, root, refused);
    }
    return random.get();
  }

  private static boolean mayReach(Reach reach, boolean initialising, OpNode node) {
    return switch (reach) {
      case ANYONE -> true;
      case INITIALISERS, INITIALISERS_WITH_OWN_ASSETS, INITIALISERS_WITH_OWN_CHECKPOINT ->
          initialising;
      case WITHOUT_FILE -> !node.namesFile();
      case NOBODY -> false;
    };
  }

  private void checkVersion() {
    if (versions.getMinConsumer() > OpTable.GRAPH_VERSION
        || versions.getBadConsumersList().contains(OpTable.GRAPH_VERSION)) {
      throw errors.needsNewerTensorFlow();
    }
  }
}
