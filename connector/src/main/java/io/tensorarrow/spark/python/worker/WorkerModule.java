package io.tensorarrow.spark.python.worker;

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
 * This connector's own function in the worker, which takes batches out of their envelopes. It is
 * put before the user's: a worker applies chained functions one to the result of the other.
 *
 * <p>The jar, which holds the function's module, goes on the {@code PYTHONPATH} of the workers that
 * run it. Spark keeps workers of another environment apart, so its own never see an envelope.
 */
final class WorkerModule {
  private static final String PYTHON_PATH = "PYTHONPATH";

  // Pickles are written by hand, by name: Java has no functions of Python's. Operations of protocol
  // 2: PROTO; TUPLE1, REDUCE; NONE, TUPLE2, STOP.
  private static final byte[] PICKLE_PROTOCOL = {(byte) 0x80, 2};
  private static final byte[] CALL_WITH_ONE = {(byte) 0x85, 'R'};
  private static final byte[] WITHOUT_RETURN_TYPE = {'N', (byte) 0x86, '.'};

  private WorkerModule() {}

  /** Returns the functions with ours before them; on the executor, whose copy of the jar it is. */
  private static ChainedPythonFunctions chained(ChainedPythonFunctions functions, byte[] attach) {
    List<PythonFunction> chain = new ArrayList<>(JavaConverters.seqAsJavaList(functions.funcs()));
    PythonFunction first = chain.get(0);
    Map<String, String> environment = new HashMap<>(first.envVars());
    environment.merge(PYTHON_PATH, jar(), (given, jar) -> jar + File.pathSeparator + given);
    chain.add(
        0,
        new SimplePythonFunction(
            attach,
            environment,
            first.pythonIncludes(),
            first.pythonExec(),
            first.pythonVer(),
            first.broadcastVars(),
            first.accumulator()));
    return new ChainedPythonFunctions(ScalaLists.of(chain));
  }

  /**
   * Returns the functions of a node with ours before them; on the executor, whose copy of the jar
   * it is.
   *
   * @param call how the user's function takes its batches
   */
  static ChainedPythonFunctions before(ChainedPythonFunctions functions, PythonCall call) {
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
    return chained(functions, pickle.toByteArray());
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
