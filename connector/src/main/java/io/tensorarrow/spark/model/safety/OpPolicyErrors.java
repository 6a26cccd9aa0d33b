package io.tensorarrow.spark.model.safety;

import io.tensorarrow.spark.errors.ErrorCode;
import io.tensorarrow.spark.errors.TensorArrowException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.tensorflow.proto.VersionDef;

/**
 * The errors for models that an {@link OpPolicy} refuses.
 *
 * @param model its name in messages
 * @param savedBy the version of TensorFlow that saved it, empty if unknown
 * @param versions the graph's versions
 */
record OpPolicyErrors(String model, String savedBy, VersionDef versions) {
  private static final String TENSORFLOW = "TensorFlow 2.18";
  private static final int LISTED = 20;
  private static final int SHOWN_ENDS = 3;
  private static final int MAX_NAME_LENGTH = 100;

  /**
   * Returns the error for operations that may not be reached.
   *
   * @param action what can't be done, as in {@link TensorArrowException#cannot}
   * @param root where the walk began, for the message
   * @param refused the operations, each with a node that has it
   */
  TensorArrowException refusedOperations(
      String action, String root, Map<String, ReachedNode> refused) {
    Map.Entry<String, ReachedNode> first = refused.entrySet().iterator().next();
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
            route(root, first.getValue()),
            others.isEmpty() ? "" : ", and also " + quoted(others))
        .expected(
            "operations that touch only the model's own tensors (if you trust the model: option"
                + " allowOps='%s', within the cluster's setting spark.tensorarrow.allowOps.max)",
            refused.keySet().stream().limit(LISTED).collect(Collectors.joining(",")));
  }

  /**
   * Returns the error for operations that TensorFlow does not have; the parameters are those of
   * {@link #refusedOperations}.
   */
  TensorArrowException unknownOperations(
      String action, String root, Map<String, ReachedNode> unknown) {
    String libraries =
        unknown.keySet().stream()
            .flatMap(op -> OpLibraries.of(op).stream())
            .distinct()
            .collect(Collectors.joining(", "));
    ReachedNode first = unknown.values().iterator().next();
    String origin = "";
    if (!libraries.isEmpty()) {
      origin = " (from " + libraries + ", whose operations can't be loaded)";
    } else if (isNewer()) {
      origin = " (" + describeVersions() + ")";
    }
    return TensorArrowException.cannot(ErrorCode.TA_OP_UNKNOWN, "%s", action)
        .found(
            "operations that %s does not have: %s%s, reached by %s",
            TENSORFLOW, quoted(unknown.keySet()), origin, route(root, first))
        .expected(
            "only its own operations (do such steps outside the model, or save it without them)");
  }

  /** Returns the error for a graph that only a newer TensorFlow can read. */
  TensorArrowException needsNewerTensorFlow() {
    return TensorArrowException.cannot(ErrorCode.TA_MODEL_LOAD, "load model '%s'", model)
        .found(
            "a graph that needs graph version %d or newer (%s)",
            versions.getMinConsumer(), describeVersions())
        .expected(
            "one for %s, which has graph version %d (save the model with that version)",
            TENSORFLOW, OpTable.GRAPH_VERSION);
  }

  private static String route(String root, ReachedNode reached) {
    List<String> steps = new ArrayList<>();
    steps.add(root);
    List<String> functions = reached.path().functions();
    if (functions.size() > 2 * SHOWN_ENDS) {
      steps.addAll(functions.subList(0, SHOWN_ENDS));
      steps.add("...");
      steps.addAll(functions.subList(functions.size() - SHOWN_ENDS, functions.size()));
    } else {
      steps.addAll(functions);
    }
    steps.add(reached.node().name());
    return steps.stream().map(OpPolicyErrors::cut).collect(Collectors.joining(" > "));
  }

  private boolean isNewer() {
    return versions.getProducer() > OpTable.GRAPH_VERSION;
  }

  private String describeVersions() {
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
    return name.length() <= MAX_NAME_LENGTH ? name : name.substring(0, MAX_NAME_LENGTH) + "...";
  }
}
