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
import static org.tensorflow.internal.c_api.global.tensorflow.TF_TensorData;

import io.tensorarrow.spark.tensor.DType;
import io.tensorarrow.spark.tensor.NativeTensor;
import java.nio.file.Path;
import java.util.List;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.FloatPointer;
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
import org.tensorflow.proto.ThreadPoolOptionProto;

/**
 * A SavedModel in a session of the C API, called with as little around it as can be: the opponent
 * of the eager call. TensorFlow's libraries have to be loaded already.
 */
final class NativeSession implements AutoCloseable {
  private static final double TOLERANCE = 1e-5;

  private final TF_Status status = TF_NewStatus();
  private final TF_Graph graph = TF_NewGraph();
  private final TF_Session session;
  private final TF_Output input;
  private final TF_Output outputs;
  private final PointerPointer<TF_Tensor> value = new PointerPointer<>(1);
  private final PointerPointer<TF_Tensor> results;
  private final int fetches;

  private NativeSession(Path directory, ConfigProto settings, String feed, List<String> fetches) {
    byte[] config = settings.toByteArray();
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
    this.input = outputs(List.of(feed));
    this.outputs = outputs(fetches);
    this.results = new PointerPointer<>(fetches.size());
    this.fetches = fetches.size();
  }

  /**
   * Loads a model with the tag {@code serve}; its tensors are the first outputs of nodes of the
   * same names. Settings and threads are those of an eager context; idle threads may wait for work
   * in a loop, as they do where nobody forbids it.
   */
  static NativeSession load(Subject subject, boolean waitingThreads) {
    ConfigProto settings =
        ConfigProto.newBuilder()
            .setIntraOpParallelismThreads(Models.THREADS)
            .setAllowSoftPlacement(true)
            // Sessions share their threads otherwise, those with other settings too.
            .addSessionInterOpThreadPool(
                ThreadPoolOptionProto.newBuilder().setNumThreads(Models.THREADS))
            .setExperimental(
                ConfigProto.Experimental.newBuilder().setDisableThreadSpinning(!waitingThreads))
            .build();
    return new NativeSession(
        Models.directory(subject.model()), settings, subject.feed(), subject.fetches());
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
  void run(NativeTensor feed) {
    fetch(feed);
    drop();
  }

  private void fetch(NativeTensor feed) {
    value.put(0, feed.handle());
    TF_SessionRun(
        session,
        null,
        input,
        value,
        1,
        outputs,
        results,
        fetches,
        (PointerPointer<TF_Operation>) null,
        0,
        null,
        status);
    check();
  }

  private void drop() {
    for (int i = 0; i < fetches; i++) {
      TF_DeleteTensor(results.get(TF_Tensor.class, i));
    }
  }

  /** Checks that the model returns what was fetched elsewhere; only floats are compared. */
  void requireSame(NativeTensor feed, List<NativeTensor> expected) {
    fetch(feed);
    for (int i = 0; i < fetches; i++) {
      if (expected.get(i).dtype() == DType.FLOAT32) {
        FloatPointer actual = floats(results.get(TF_Tensor.class, i));
        FloatPointer other = floats(expected.get(i).handle());
        for (long at = 0; at < expected.get(i).elementCount(); at++) {
          if (!(Math.abs(actual.get(at) - other.get(at)) <= TOLERANCE)) {
            throw new IllegalStateException(
                "found " + other.get(at) + "; the session has " + actual.get(at));
          }
        }
      }
    }
    drop();
  }

  private static FloatPointer floats(TF_Tensor tensor) {
    return new FloatPointer(TF_TensorData(tensor));
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
    input.close();
    outputs.close();
    value.close();
    results.close();
  }
}
