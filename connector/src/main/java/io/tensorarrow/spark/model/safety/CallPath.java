package io.tensorarrow.spark.model.safety;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * By which functions a node was reached.
 *
 * @param caller where its function was called, null for the graph itself
 * @param function the function that has the node, empty for the graph itself
 */
record CallPath(@Nullable CallPath caller, String function) {
  static final CallPath GRAPH = new CallPath(null, "");

  /** Returns the functions from the one that the graph calls to the one that has the node. */
  List<String> functions() {
    List<String> functions = new ArrayList<>();
    for (CallPath path = this; path != null && path.caller() != null; path = path.caller()) {
      functions.add(path.function());
    }
    Collections.reverse(functions);
    return functions;
  }
}
