package io.tensorarrow.bench;

import static org.tensorflow.internal.c_api.global.tensorflow.TF_CloseSession;
import static org.tensorflow.internal.c_api.global.tensorflow.TF_DeleteGraph;
import static org.tensorflow.internal.c_api.global.tensorflow.TF_DeleteSession;
import static org.tensorflow.internal.c_api.global.tensorflow.TF_DeleteSessionOptions;
import static org.tensorflow.internal.c_api.global.tensorflow.TF_DeleteStatus;
import static org.tensorflow.internal.c_api.global.tensorflow.TF_DeleteTensor;
import static org.tensorflow.internal.c_api.global.tensorflow.TF_GetCode;
import static org.tensorflow.internal.c_api.global.tensorflow.TF_GraphOperationByName;
import static org.tensorflow.internal.c_api.global.tensorflow.TF_LoadSessionFromSavedModel;
import static org.tensorflow.internal.c_api.global.tensorflow.TF_Message;
import static org.tensorflow.internal.c_api.global.tensorflow.TF_NewGraph;
import static org.tensorflow.internal.c_api.global.tensorflow.TF_NewSessionOptions;
import static org.tensorflow.internal.c_api.global.tensorflow.TF_NewStatus;
import static org.tensorflow.internal.c_api.global.tensorflow.TF_OK;
import static org.tensorflow.internal.c_api.global.tensorflow.TF_SessionRun;
import static org.tensorflow.internal.c_api.global.tensorflow.TF_SetConfig;

import java.nio.file.Path;
import java.util.List;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.PointerPointer;
import org.tensorflow.internal.c_api.TF_Buffer;
import org.tensorflow.internal.c_api.TF_Graph;
import org.tensorflow.internal.c_api.TF_Operation;
import org.tensorflow.internal.c_api.TF_Output;
import org.tensorflow.internal.c_api.TF_Session;
import org.tensorflow.internal.c_api.TF_SessionOptions;
import org.tensorflow.internal.c_api.TF_Status;
import org.tensorflow.internal.c_api.TF_Tensor;
import org.tensorflow.proto.ConfigProto;

/**
 * A SavedModel in a session of the C API, called with as little around it as can be: the opponent
 * of the eager call. TensorFlow's libraries have to be loaded already.
 */
final class NativeSession implements AutoCloseable {
  private final TF_Status status = TF_NewStatus();
  private final TF_Graph graph = TF_NewGraph();
  private final TF_Session session;
  private final TF_Output inputs;
  private final TF_Output outputs;
  private final PointerPointer<TF_Tensor> values;
  private final PointerPointer<TF_Tensor> results;
  private final int fetches;

  /**
   * Loads a model with the tag {@code serve}.
   *
   * @param feeds nodes of the graph, whose first outputs are fed
   * @param fetches nodes of the graph, whose first outputs are fetched
   */
  NativeSession(Path directory, int threads, List<String> feeds, List<String> fetches) {
    byte[] config =
        ConfigProto.newBuilder()
            .setIntraOpParallelismThreads(threads)
            .setAllowSoftPlacement(true)
            .build()
            .toByteArray();
    TF_SessionOptions options = TF_NewSessionOptions();
    try (BytePointer bytes = new BytePointer(config);
        BytePointer path = new BytePointer(directory.toString());
        BytePointer tag = new BytePointer("serve");
        PointerPointer<BytePointer> tags = new PointerPointer<BytePointer>(1).put(0, tag)) {
      TF_SetConfig(options, bytes, config.length, status);
      check();
      session =
          TF_LoadSessionFromSavedModel(
              options, (TF_Buffer) null, path, tags, 1, graph, (TF_Buffer) null, status);
      check();
    } finally {
      TF_DeleteSessionOptions(options);
    }
    this.inputs = outputs(feeds);
    this.outputs = outputs(fetches);
    this.values = new PointerPointer<>(feeds.size());
    this.results = new PointerPointer<>(fetches.size());
    this.fetches = fetches.size();
  }

  private TF_Output outputs(List<String> nodes) {
    TF_Output outputs = new TF_Output(nodes.size());
    for (int i = 0; i < nodes.size(); i++) {
      TF_Operation operation = TF_GraphOperationByName(graph, nodes.get(i));
      outputs.position(i).oper(operation).index(0);
    }
    return outputs.position(0);
  }

  /** Runs the model and drops what it returns. */
  void run(List<TF_Tensor> feeds) {
    for (int i = 0; i < feeds.size(); i++) {
      values.put(i, feeds.get(i));
    }
    TF_SessionRun(
        session,
        null,
        inputs,
        values,
        feeds.size(),
        outputs,
        results,
        fetches,
        (PointerPointer<TF_Operation>) null,
        0,
        null,
        status);
    check();
    for (int i = 0; i < fetches; i++) {
      TF_DeleteTensor(results.get(TF_Tensor.class, i));
    }
  }

  private void check() {
    if (TF_GetCode(status) != TF_OK) {
      throw new IllegalStateException(TF_Message(status).getString());
    }
  }

  @Override
  public void close() {
    TF_CloseSession(session, status);
    TF_DeleteSession(session, status);
    TF_DeleteGraph(graph);
    TF_DeleteStatus(status);
    inputs.close();
    outputs.close();
    values.close();
    results.close();
  }
}
