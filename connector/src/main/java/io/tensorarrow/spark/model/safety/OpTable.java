package io.tensorarrow.spark.model.safety;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Collections;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** The kinds of all operations of the bundled TensorFlow, known without its native code. */
final class OpTable {
  /** The newest version of graphs that this TensorFlow knows ({@code TF_GRAPH_DEF_VERSION}). */
  static final int GRAPH_VERSION = 1994;

  private static final String RESOURCE = "ops.tsv";

  private OpTable() {}

  private static final class Holder {
    static final Map<String, OpKind> KINDS = read();
  }

  /** Returns an operation's kind, or empty if TensorFlow has no such operation. */
  static Optional<OpKind> find(String op) {
    return Optional.ofNullable(Holder.KINDS.get(op));
  }

  /** Returns the names of all operations. */
  static Set<String> operations() {
    return Holder.KINDS.keySet();
  }

  private static Map<String, OpKind> read() {
    Map<String, OpKind> kinds = new HashMap<>();
    InputStream resource = OpTable.class.getResourceAsStream(RESOURCE);
    if (resource == null) {
      throw new IllegalStateException("resource " + RESOURCE + " is missing in the jar");
    }
    try (BufferedReader lines =
        new BufferedReader(new InputStreamReader(resource, StandardCharsets.UTF_8))) {
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        if (!line.startsWith("#")) {
          int tab = line.indexOf('\t');
          String op = line.substring(0, tab);
          if (kinds.put(op, OpKind.of(line.substring(tab + 1))) != null) {
            throw new IllegalStateException(RESOURCE + " has two kinds of " + op);
          }
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return Collections.unmodifiableMap(kinds);
  }
}
