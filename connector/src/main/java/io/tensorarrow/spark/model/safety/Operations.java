package io.tensorarrow.spark.model.safety;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.zip.GZIPInputStream;
import org.tensorflow.proto.OpDef;
import org.tensorflow.proto.OpList;

/** The operations of the bundled TensorFlow, known without its native code. Immutable. */
final class Operations {
  /** Written by {@code OperationsTest} from the native library, when TensorFlow is upgraded. */
  static final String RESOURCE = "ops.pb.gz";

  private final Map<String, Operation> operations = new HashMap<>();

  private Operations(OpList list) {
    for (OpDef op : list.getOpList()) {
      operations.put(op.getName(), new Operation(op));
    }
  }

  /** Reading them takes time, and a driver that finds no model needs none. */
  private static final class Holder {
    static final Operations INSTANCE = new Operations(read());
  }

  /** Returns all operations of TensorFlow. */
  static Operations ofTensorFlow() {
    return Holder.INSTANCE;
  }

  /** Reads the definitions, without their texts. */
  static OpList read() {
    try (InputStream file = Operations.class.getResourceAsStream(RESOURCE)) {
      if (file == null) {
        throw new IllegalStateException("resource " + RESOURCE + " is missing in the jar");
      }
      try (InputStream unpacked = new GZIPInputStream(file)) {
        return OpList.parseFrom(unpacked);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Finds an operation by its name. */
  Optional<Operation> find(String name) {
    return Optional.ofNullable(operations.get(name));
  }
}
