package io.tensorarrow.spark.model.eager;

import static org.tensorflow.internal.c_api.global.tensorflow.TF_DeleteBuffer;
import static org.tensorflow.internal.c_api.global.tensorflow.TF_DeleteGraph;
import static org.tensorflow.internal.c_api.global.tensorflow.TF_DeleteImportGraphDefOptions;
import static org.tensorflow.internal.c_api.global.tensorflow.TF_GraphImportGraphDef;
import static org.tensorflow.internal.c_api.global.tensorflow.TF_GraphOperationByName;
import static org.tensorflow.internal.c_api.global.tensorflow.TF_GraphToFunctionWithControlOutputs;
import static org.tensorflow.internal.c_api.global.tensorflow.TF_NewBuffer;
import static org.tensorflow.internal.c_api.global.tensorflow.TF_NewGraph;
import static org.tensorflow.internal.c_api.global.tensorflow.TF_NewImportGraphDefOptions;

import io.tensorarrow.spark.errors.TensorArrowException;
import io.tensorarrow.spark.model.savedmodel.TensorName;
import java.util.Collection;
import java.util.List;
import java.util.Set;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.PointerPointer;
import org.bytedeco.javacpp.PointerScope;
import org.tensorflow.internal.c_api.TF_Buffer;
import org.tensorflow.internal.c_api.TF_Function;
import org.tensorflow.internal.c_api.TF_FunctionOptions;
import org.tensorflow.internal.c_api.TF_Graph;
import org.tensorflow.internal.c_api.TF_ImportGraphDefOptions;
import org.tensorflow.internal.c_api.TF_Operation;
import org.tensorflow.internal.c_api.TF_Output;
import org.tensorflow.proto.GraphDef;

/**
 * The graph in TensorFlow's memory from which functions are cut. Owns the native graph. Not
 * thread-safe.
 */
final class NativeGraph implements AutoCloseable {
  private final TF_Graph graph;
  private boolean closed;

  /**
   * Imports a graph.
   *
   * @throws TensorArrowException if TensorFlow refuses it
   */
  NativeGraph(GraphDef proto, TensorFlowStatus status) {
    graph = TF_NewGraph();
    try {
      importGraph(proto, status);
    } catch (RuntimeException | Error e) {
      close();
      throw e;
    }
  }

  private void importGraph(GraphDef proto, TensorFlowStatus status) {
    TF_ImportGraphDefOptions options = TF_NewImportGraphDefOptions();
    try (NativeProto bytes = new NativeProto(proto)) {
      // Without a deallocator: the buffer borrows the bytes.
      TF_Buffer buffer = TF_NewBuffer();
      try {
        buffer.data(bytes.pointer()).length(bytes.size());
        TF_GraphImportGraphDef(graph, buffer, options, status.handle());
        status.check();
      } finally {
        TF_DeleteBuffer(buffer);
      }
    } finally {
      TF_DeleteImportGraphDefOptions(options);
    }
  }

  /**
   * Cuts a function from the graph.
   *
   * @param name the function's name
   * @param body the nodes that it consists of, all of them nodes of the graph
   * @param feeds its inputs
   * @param fetches its outputs
   * @param runs nodes without outputs that it has to run
   * @return the function, owned by the caller
   * @throws TensorArrowException if TensorFlow refuses it
   */
  TF_Function function(
      String name,
      Set<String> body,
      List<TensorName> feeds,
      List<TensorName> fetches,
      List<String> runs,
      TensorFlowStatus status) {
    try (PointerScope scope = new PointerScope()) {
      PointerPointer<BytePointer> runNames = new PointerPointer<>(Math.max(1, runs.size()));
      for (int i = 0; i < runs.size(); i++) {
        runNames.put(i, new BytePointer("run" + i));
      }
      TF_Function function =
          TF_GraphToFunctionWithControlOutputs(
              graph,
              new BytePointer(name),
              (byte) 0,
              body.size(),
              operations(body),
              feeds.size(),
              outputs(feeds),
              fetches.size(),
              outputs(fetches),
              new PointerPointer<BytePointer>(),
              runs.size(),
              operations(runs),
              runNames,
              new TF_FunctionOptions(),
              new BytePointer(name),
              status.handle());
      status.check();
      return function;
    }
  }

  private PointerPointer<TF_Operation> operations(Collection<String> nodes) {
    PointerPointer<TF_Operation> operations = new PointerPointer<>(Math.max(1, nodes.size()));
    int i = 0;
    for (String node : nodes) {
      operations.put(i++, operation(node));
    }
    return operations;
  }

  private TF_Output outputs(List<TensorName> tensors) {
    TF_Output outputs = new TF_Output(Math.max(1, tensors.size()));
    for (int i = 0; i < tensors.size(); i++) {
      TensorName tensor = tensors.get(i);
      outputs.position(i).oper(operation(tensor.node())).index(tensor.index());
    }
    return outputs.position(0);
  }

  private TF_Operation operation(String node) {
    if (closed) {
      throw new IllegalStateException("graph is closed");
    }
    TF_Operation operation = TF_GraphOperationByName(graph, new BytePointer(node));
    if (operation == null || operation.isNull()) {
      throw new IllegalArgumentException("no node '" + node + "' in the imported graph");
    }
    return operation;
  }

  @Override
  public void close() {
    if (!closed) {
      closed = true;
      TF_DeleteGraph(graph);
    }
  }
}
