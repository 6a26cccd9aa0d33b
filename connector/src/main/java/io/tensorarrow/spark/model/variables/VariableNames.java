package io.tensorarrow.spark.model.variables;

import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.stream.Collectors;
import org.tensorflow.proto.BundleEntryProto;
import org.tensorflow.proto.TensorShapeProto;
import org.tensorflow.proto.TrackableObjectGraphOuterClass.TrackableObjectGraph;

/**
 * Which entries of a checkpoint are variables, and what they are called.
 *
 * <p>TensorFlow 2 saves a variable under its path through the model's objects, {@code
 * layers/0/kernel/.ATTRIBUTES/VARIABLE_VALUE}, and tells in the graph of these objects what the
 * variable itself is called, {@code dense/kernel}. That name is used if it is unique, and otherwise
 * the path without its suffix. What Keras 3 saves a second time is left out. TensorFlow 1 saves
 * variables under their names.
 *
 * <p>Immutable.
 */
final class VariableNames {
  /** The key of the graph of the model's objects. */
  static final String OBJECT_GRAPH = "_CHECKPOINTABLE_OBJECT_GRAPH";

  private static final String SUFFIX = "/.ATTRIBUTES/VARIABLE_VALUE";

  /** Where {@code model.export} of Keras 3 saves each variable a second time. */
  private static final String KERAS_COPIES = "_all_variables/";

  /** The keys of the variables, in the order of the checkpoint. */
  private final List<String> keys;

  /** What the graph of objects calls variables, by key; only names that one variable has. */
  private final Map<String, String> objectNames;

  /** What two entries of one variable have in common. */
  private record Content(String name, int dtype, TensorShapeProto shape, long size, int checksum) {
    static Content of(String name, BundleEntryProto entry) {
      return new Content(
          name, entry.getDtypeValue(), entry.getShape(), entry.getSize(), entry.getCrc32C());
    }
  }

  /**
   * Reads the names.
   *
   * @param entries the checkpoint's entries by key; keys are bytes, one character for each
   * @param objects the graph of the model's objects, empty for a model of TensorFlow 1
   */
  VariableNames(SortedMap<String, BundleEntryProto> entries, TrackableObjectGraph objects) {
    Map<String, String> names = namesByKey(objects);
    names.keySet().retainAll(entries.keySet());
    Set<String> copies = copies(entries, names);
    names.keySet().removeAll(copies);
    this.keys =
        entries.keySet().stream().filter(key -> isVariable(key) && !copies.contains(key)).toList();
    this.objectNames = unambiguous(names, keys);
  }

  /** Returns the keys of the variables, sorted. */
  List<String> keys() {
    return keys;
  }

  /** Returns the name of a variable. */
  String of(String key) {
    return objectNames.getOrDefault(key, path(key));
  }

  private static boolean isVariable(String key) {
    return !key.equals(OBJECT_GRAPH) && !PartKey.isPart(key);
  }

  /** Returns a key without the end that all of them have. */
  private static String path(String key) {
    String name = new String(key.getBytes(StandardCharsets.ISO_8859_1), StandardCharsets.UTF_8);
    return name.endsWith(SUFFIX) ? name.substring(0, name.length() - SUFFIX.length()) : name;
  }

  private static Map<String, String> namesByKey(TrackableObjectGraph objects) {
    Map<String, String> names = new HashMap<>();
    objects.getNodesList().stream()
        .flatMap(node -> node.getAttributesList().stream())
        .filter(attribute -> !attribute.getFullName().isEmpty())
        .forEach(
            attribute -> names.put(keyOf(attribute.getCheckpointKey()), attribute.getFullName()));
    return names;
  }

  private static String keyOf(String name) {
    return new String(name.getBytes(StandardCharsets.UTF_8), StandardCharsets.ISO_8859_1);
  }

  /** Returns the keys of what Keras 3 saved a second time. */
  private static Set<String> copies(
      SortedMap<String, BundleEntryProto> entries, Map<String, String> names) {
    Set<Content> originals = new HashSet<>();
    entries.forEach(
        (key, entry) -> {
          String name = names.get(key);
          if (name != null && !key.startsWith(KERAS_COPIES)) {
            originals.add(Content.of(name, entry));
          }
        });
    Set<String> copies = new HashSet<>();
    entries.forEach(
        (key, entry) -> {
          String name = names.get(key);
          if (name != null
              && key.startsWith(KERAS_COPIES)
              && originals.contains(Content.of(name, entry))) {
            copies.add(key);
          }
        });
    return copies;
  }

  /** Keeps the names that one variable each has. */
  private static Map<String, String> unambiguous(Map<String, String> names, List<String> keys) {
    Map<String, Long> uses =
        names.values().stream().collect(Collectors.groupingBy(n -> n, Collectors.counting()));
    Set<String> paths = keys.stream().map(VariableNames::path).collect(Collectors.toSet());
    Map<String, String> unambiguous = new HashMap<>();
    names.forEach(
        (key, name) -> {
          if (uses.getOrDefault(name, 0L) == 1
              && (!paths.contains(name) || name.equals(path(key)))) {
            unambiguous.put(key, name);
          }
        });
    return unambiguous;
  }
}
