package io.tensorarrow.spark.model.safety;

import io.tensorarrow.spark.errors.ErrorCode;
import io.tensorarrow.spark.errors.TensorArrowException;
import io.tensorarrow.spark.model.safety.OpGraph.Node;
import io.tensorarrow.spark.model.safety.OpGraph.Path;
import io.tensorarrow.spark.model.safety.OpKind.Reach;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
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
  private static final String TENSORFLOW = "TensorFlow 2.18";
  private static final int LISTED = 20;
  private static final int SHOWN_ENDS = 3;

  private final String model;
  private final String savedBy;
  private final VersionDef versions;
  private final OpGraph graph;
  private final Loading loading;
  private final Set<String> allowed;

  /**
   * Takes a model's graph.
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
    this.savedBy = savedBy;
    this.versions = graph.getVersions();
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
   *     ErrorCode#TA_OP_UNKNOWN}, or with {@link ErrorCode#TA_MODEL_LOAD} if the whole graph is for
   *     a newer TensorFlow
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
   * @throws TensorArrowException with {@link ErrorCode#TA_OP_NOT_ALLOWED} or {@link
   *     ErrorCode#TA_OP_UNKNOWN}
   */
  public void checkSignature(String signature, Collection<String> fetches, Set<String> feeds) {
    String action = "run signature '" + signature + "' of model '" + model + "'";
    check(action, signature, false, fetches, feeds);
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
                    .filter(kind -> !mayReach(kind.reach(), true, OpGraph.node(node)))
                    .isPresent());
  }

  /**
   * Returns whether a call may write over tensors that an earlier one returned: only operations
   * outside the allow-list do, such as those that add to a variable of TensorFlow 1.
   */
  public boolean mayOverwrite() {
    return !allowed.isEmpty();
  }

  private void check(
      String action,
      String root,
      boolean initialising,
      Collection<String> roots,
      Set<String> feeds) {
    Set<String> leaves = Stream.concat(feeds.stream(), loading.files()).collect(Collectors.toSet());
    Map<String, Reached> unknown = new LinkedHashMap<>();
    Map<String, Reached> refused = new LinkedHashMap<>();
    List<Reached> tableFillers = new ArrayList<>();
    List<Reached> restorers = new ArrayList<>();
    FileOrigins origins = new FileOrigins(graph);
    graph.walk(
        roots,
        leaves,
        (path, node) -> {
          origins.visit(path, node);
          if (allowed.contains(node.op()) || graph.isFunction(node.op())) {
            return;
          }
          Reached reached = new Reached(path, node);
          Optional<OpKind> kind = OpTable.find(node.op());
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
      throw unknownOperations(action, root, unknown);
    }
    if (!refused.isEmpty()) {
      throw refusedOperations(action, root, refused);
    }
  }

  private static boolean mayReach(Reach reach, boolean initialising, Node node) {
    return switch (reach) {
      case ANYONE -> true;
      case INITIALISERS, INITIALISERS_WITH_OWN_ASSETS, INITIALISERS_WITH_OWN_CHECKPOINT ->
          initialising;
      case WITHOUT_FILE -> !node.namesFile();
      case NOBODY -> false;
    };
  }

  /** A node and how it was reached. */
  private record Reached(Path path, Node node) {
    String from(String root) {
      List<String> steps = new ArrayList<>();
      steps.add(root);
      List<String> functions = path.functions();
      if (functions.size() > 2 * SHOWN_ENDS) {
        steps.addAll(functions.subList(0, SHOWN_ENDS));
        steps.add("...");
        steps.addAll(functions.subList(functions.size() - SHOWN_ENDS, functions.size()));
      } else {
        steps.addAll(functions);
      }
      steps.add(node.name());
      return steps.stream().map(OpPolicy::cut).collect(Collectors.joining(" > "));
    }
  }

  private static TensorArrowException refusedOperations(
      String action, String root, Map<String, Reached> refused) {
    Map.Entry<String, Reached> first = refused.entrySet().iterator().next();
    OpKind kind = OpTable.find(first.getKey()).orElseThrow();
    List<String> others = refused.keySet().stream().skip(1).toList();
    String permitted =
        switch (kind.reach()) {
          case INITIALISERS -> " (initialisers may)";
          case INITIALISERS_WITH_OWN_ASSETS -> " (initialisers may, from the model's own assets)";
          case INITIALISERS_WITH_OWN_CHECKPOINT -> " (only the model's own checkpoint is restored)";
          case ANYONE, WITHOUT_FILE, NOBODY -> "";
        };
    return TensorArrowException.cannot(ErrorCode.TA_OP_NOT_ALLOWED, "%s", action)
        .found(
            "operation '%s', which %s%s, reached by %s%s",
            first.getKey(),
            kind.touches(),
            permitted,
            first.getValue().from(root),
            others.isEmpty() ? "" : ", and also " + quoted(others))
        .expected(
            "operations that touch only the model's own tensors (if you trust the model: option"
                + " allowOps='%s', within the cluster's setting spark.tensorarrow.allowOps.max)",
            refused.keySet().stream().limit(LISTED).collect(Collectors.joining(",")));
  }

  private TensorArrowException unknownOperations(
      String action, String root, Map<String, Reached> unknown) {
    String libraries =
        unknown.keySet().stream()
            .flatMap(op -> OpLibraries.of(op).stream())
            .distinct()
            .collect(Collectors.joining(", "));
    Reached first = unknown.values().iterator().next();
    String origin = "";
    if (!libraries.isEmpty()) {
      origin = " (from " + libraries + ", whose operations can't be loaded)";
    } else if (isNewer()) {
      origin = " (" + versions() + ")";
    }
    return TensorArrowException.cannot(ErrorCode.TA_OP_UNKNOWN, "%s", action)
        .found(
            "operations that %s does not have: %s%s, reached by %s",
            TENSORFLOW, quoted(unknown.keySet()), origin, first.from(root))
        .expected(
            "only its own operations (do such steps outside the model, or save it without them)");
  }

  private void checkVersion() {
    if (versions.getMinConsumer() > OpTable.GRAPH_VERSION
        || versions.getBadConsumersList().contains(OpTable.GRAPH_VERSION)) {
      throw TensorArrowException.cannot(ErrorCode.TA_MODEL_LOAD, "load model '%s'", model)
          .found(
              "a graph that needs graph version %d or newer (%s)",
              versions.getMinConsumer(), versions())
          .expected(
              "one for %s, which has graph version %d (save the model with that version)",
              TENSORFLOW, OpTable.GRAPH_VERSION);
    }
  }

  private boolean isNewer() {
    return versions.getProducer() > OpTable.GRAPH_VERSION;
  }

  private String versions() {
    return "saved by TensorFlow %s, graph version %d; this is %s, graph version %d"
        .formatted(
            savedBy.isEmpty() ? "of unknown version" : savedBy,
            versions.getProducer(),
            TENSORFLOW,
            OpTable.GRAPH_VERSION);
  }

  private static String quoted(Collection<String> ops) {
    String listed =
        ops.stream().limit(LISTED).map(op -> "'" + cut(op) + "'").collect(Collectors.joining(", "));
    return ops.size() <= LISTED ? listed : listed + " and " + (ops.size() - LISTED) + " more";
  }

  /** A hostile file may hold very long names. */
  private static String cut(String name) {
    int most = 100;
    return name.length() <= most ? name : name.substring(0, most) + "...";
  }
}
