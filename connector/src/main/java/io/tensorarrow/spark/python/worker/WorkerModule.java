package io.tensorarrow.spark.python.worker;

import io.tensorarrow.spark.columnar.ScalaLists;
import java.io.ByteArrayOutputStream;
import java.io.File;
import java.net.URISyntaxException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.spark.api.python.ChainedPythonFunctions;
import org.apache.spark.api.python.PythonEvalType;
import org.apache.spark.api.python.PythonFunction;
import org.apache.spark.api.python.SimplePythonFunction;
import scala.collection.JavaConverters;

/**
 * The connector's function in the worker, which takes batches out of envelopes. It is put before
 * the user's function: a worker applies each function of a chain to the result of the one before.
 *
 * <p>The jar, which holds the function's module, goes on the {@code PYTHONPATH} of the workers that
 * run it. Spark reuses a worker only for the same environment variables, so workers of other
 * queries never get an envelope.
 */
final class WorkerModule {
  private static final String PYTHON_PATH = "PYTHONPATH";

  // Pickles refer to the functions by name, and are written here, without Python. Operations of
  // pickle's protocol 2: PROTO; TUPLE1, REDUCE; NONE, TUPLE2, STOP.
  private static final byte[] PICKLE_PROTOCOL = {(byte) 0x80, 2};
  private static final byte[] CALL_WITH_ONE = {(byte) 0x85, 'R'};
  private static final byte[] WITHOUT_RETURN_TYPE = {'N', (byte) 0x86, '.'};

  private WorkerModule() {}

  private static ChainedPythonFunctions withFirst(ChainedPythonFunctions functions, byte[] pickle) {
    List<PythonFunction> chain = new ArrayList<>(JavaConverters.seqAsJavaList(functions.funcs()));
    PythonFunction first = chain.get(0);
    Map<String, String> environment = new HashMap<>(first.envVars());
    environment.merge(PYTHON_PATH, jar(), (path, jar) -> jar + File.pathSeparator + path);
    chain.add(
        0,
        new SimplePythonFunction(
            pickle,
            environment,
            first.pythonIncludes(),
            first.pythonExec(),
            first.pythonVer(),
            first.broadcastVars(),
            first.accumulator()));
    return new ChainedPythonFunctions(ScalaLists.of(chain));
  }

  /**
   * Puts the function that opens envelopes before those of a node; on the executor, whose copy of
   * the jar it names.
   *
   * @param call says what the user's function takes: Arrow batches, pandas batches or tensors
   */
  static ChainedPythonFunctions prepend(ChainedPythonFunctions functions, PythonCall call) {
    ByteArrayOutputStream pickle = new ByteArrayOutputStream();
    pickle.writeBytes(PICKLE_PROTOCOL);
    if (call.evalType() == PythonEvalType.SQL_MAP_PANDAS_ITER_UDF()) {
      pickle.writeBytes(global("pandas_batches"));
      pickle.writeBytes(text(call.settings().timeZone()));
      pickle.writeBytes(CALL_WITH_ONE);
    } else if (call.schema().forms().forTensors()) {
      pickle.writeBytes(global("tensors"));
    } else {
      pickle.writeBytes(global("batches"));
    }
    pickle.writeBytes(WITHOUT_RETURN_TYPE);
    return withFirst(functions, pickle.toByteArray());
  }

  private static byte[] global(String function) {
    return ascii("ctensorarrow._worker\n" + function + "\n");
  }

  private static byte[] text(String value) {
    byte[] utf8 = value.getBytes(StandardCharsets.UTF_8);
    return ByteBuffer.allocate(1 + Integer.BYTES + utf8.length)
        .order(ByteOrder.LITTLE_ENDIAN)
        .put((byte) 'X')
        .putInt(utf8.length)
        .put(utf8)
        .array();
  }

  private static byte[] ascii(String operations) {
    return operations.getBytes(StandardCharsets.US_ASCII);
  }

  private static String jar() {
    try {
      return Path.of(WorkerModule.class.getProtectionDomain().getCodeSource().getLocation().toURI())
          .toString();
    } catch (URISyntaxException e) {
      throw new IllegalStateException("the jar has no path", e);
    }
  }
}
