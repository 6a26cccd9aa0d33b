package io.tensorarrow.spark.model.savedmodel;

import io.tensorarrow.spark.errors.Alternatives;
import io.tensorarrow.spark.errors.ErrorCode;
import io.tensorarrow.spark.errors.TensorArrowException;
import io.tensorarrow.spark.model.store.ModelEntry;
import io.tensorarrow.spark.model.store.ModelFiles;
import java.io.IOException;
import java.io.InputStream;
import java.io.StringReader;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Chooses what to read from a directory that is a SavedModel, or holds one for each version in
 * directories named by numbers.
 */
public final class ModelVersions {
  /** The version to read if none is asked for: the largest number whose model is complete. */
  public static final String LATEST = "latest";

  /** The file with names of versions: {@code stable=3}. */
  static final String LABELS = "labels.properties";

  private static final Logger LOG = LoggerFactory.getLogger(ModelVersions.class);
  private static final int LISTED = 5;
  private static final int MAX_LABELS_BYTES = 1 << 20;
  private static final Pattern NUMBER = Pattern.compile("[0-9]+");

  /** What uploads that are not finished are called: {@code 7.tmp}, {@code .7}, _temporary. */
  private static final Pattern UNFINISHED =
      Pattern.compile("[._]?[0-9]+[^0-9].*|[._][0-9]+|_temporary");

  private final ModelFiles root;
  private final Optional<ModelState> known;

  /** Versions by number, and what only looks like one. */
  private final SortedMap<Long, String> versions = new TreeMap<>(Comparator.reverseOrder());

  private final List<String> unfinished = new ArrayList<>();

  private ModelVersions(ModelFiles root, List<ModelEntry> entries, Optional<ModelState> known) {
    this.root = root;
    this.known = known;
    for (ModelEntry entry : entries) {
      // A version may be a link to anywhere; its files may not.
      if (!entry.isDirectory() && entry.kind() != ModelEntry.Kind.OUTSIDE) {
        continue;
      }
      Optional<Long> number = number(entry.name());
      if (number.isPresent()) {
        // Of 7 and 007 the shorter counts.
        versions.merge(number.get(), entry.name(), (a, b) -> a.length() <= b.length() ? a : b);
      } else if (UNFINISHED.matcher(entry.name()).matches()) {
        unfinished.add(entry.name());
      }
    }
  }

  /**
   * Reads and checks a model.
   *
   * @param root a SavedModel, or a directory of versions
   * @param version a number, a label or {@value #LATEST}
   * @return the model of that version
   * @throws TensorArrowException with {@link ErrorCode#TA_VERSION_NOT_FOUND} if there are versions,
   *     but not this one, or it is incomplete; else as {@link SavedModelFile#read(ModelFiles)}
   */
  public static SavedModelFile read(ModelFiles root, String version) {
    return read(root, version, Optional.empty()).orElseThrow();
  }

  /**
   * Reads and checks a model unless it is the one that is known.
   *
   * @param root as in {@link #read(ModelFiles, String)}
   * @param version as in {@link #read(ModelFiles, String)}
   * @param known the state of the model that was read before
   * @return the model of that version; empty if it is where the known one was and looks the same
   * @throws TensorArrowException as {@link #read(ModelFiles, String)}
   */
  public static Optional<SavedModelFile> readUnlessKnown(
      ModelFiles root, String version, ModelState known) {
    return read(root, version, Optional.of(known));
  }

  private static Optional<SavedModelFile> read(
      ModelFiles root, String version, Optional<ModelState> known) {
    try {
      boolean latest = version.equalsIgnoreCase(LATEST);
      if (root.find(SavedModelLayout.PROTO).isPresent()) {
        if (latest) {
          return isKnown(root, known) ? Optional.empty() : Optional.of(SavedModelFile.read(root));
        }
        throw failed(
            root,
            version,
            "a SavedModel without versions",
            "no option 'version', or a directory of numbered versions");
      }
      List<ModelEntry> entries = root.list();
      ModelVersions versions = new ModelVersions(root, entries, known);
      if (versions.versions.isEmpty() && versions.unfinished.isEmpty()) {
        // Says what is there instead.
        return Optional.of(SavedModelFile.read(root));
      }
      SortedMap<String, Long> labels = versions.labels(entries);
      return latest ? versions.latest() : versions.pinned(version, labels);
    } catch (IOException e) {
      throw root.unreadable(e);
    }
  }

  private static boolean isKnown(ModelFiles files, Optional<ModelState> known) throws IOException {
    return known.isPresent() && known.get().equals(ModelState.of(files));
  }

  private Optional<SavedModelFile> readComplete(String name)
      throws InvalidModelException, IOException {
    ModelFiles files = root.below(name);
    return isKnown(files, known)
        ? Optional.empty()
        : Optional.of(SavedModelFile.readComplete(files));
  }

  private Optional<SavedModelFile> latest() throws IOException {
    List<String> skipped = new ArrayList<>();
    for (String name : versions.values()) {
      try {
        Optional<SavedModelFile> model = readComplete(name);
        skipped.addAll(unfinishedUploads());
        if (!skipped.isEmpty() && model.isPresent()) {
          LOG.warn(
              "Reading version {} of model {}; skipped incomplete versions: {}",
              name,
              root.location(),
              listed(skipped));
        }
        return model;
      } catch (InvalidModelException e) {
        skipped.add("'" + name + "' (" + e.found() + ")");
      }
    }
    skipped.addAll(unfinishedUploads());
    throw failed(root, LATEST, "none that is complete: " + listed(skipped), "at least one");
  }

  private List<String> unfinishedUploads() {
    return unfinished.stream().map(name -> "'" + name + "' (no number)").toList();
  }

  private Optional<SavedModelFile> pinned(String version, SortedMap<String, Long> labels)
      throws IOException {
    Optional<Long> requested = number(version).or(() -> Optional.ofNullable(labels.get(version)));
    String available =
        Alternatives.closestFirst(version, versions.values())
            + (labels.isEmpty()
                ? ""
                : " and labels " + Alternatives.closestFirst(version, labels.keySet()))
            + (unfinished.isEmpty() ? "" : ", and no numbers " + listed(quoted(unfinished)));
    if (requested.isEmpty()) {
      throw failed(
          root,
          version,
          "versions " + available,
          "one of these, or '" + LATEST + "' for the largest");
    }
    String number =
        NUMBER.matcher(version).matches() ? "" : "label of " + requested.get() + " but ";
    String name = versions.get(requested.get());
    if (name == null) {
      throw failed(root, version, number + "versions " + available, "one of these");
    }
    try {
      return readComplete(name);
    } catch (InvalidModelException e) {
      throw failed(
          root,
          version,
          "that '" + name + "' is incomplete, with " + e.found(),
          "a complete SavedModel (finish copying it, or choose another of " + available + ")");
    }
  }

  private SortedMap<String, Long> labels(List<ModelEntry> entries) throws IOException {
    SortedMap<String, Long> labels = new TreeMap<>();
    if (entries.stream().noneMatch(entry -> entry.name().equals(LABELS) && entry.isFile())) {
      return labels;
    }
    Properties properties = new Properties();
    try (InputStream in = root.open(LABELS)) {
      byte[] bytes = in.readNBytes(MAX_LABELS_BYTES);
      properties.load(new StringReader(new String(bytes, StandardCharsets.UTF_8)));
    } catch (IllegalArgumentException e) {
      throw corruptLabels("text that Java's Properties can't read", e);
    }
    for (Map.Entry<Object, Object> entry : properties.entrySet()) {
      String label = (String) entry.getKey();
      String value = ((String) entry.getValue()).trim();
      if (label.equalsIgnoreCase(LATEST) || NUMBER.matcher(label).matches()) {
        throw corruptLabels("label '" + label + "', which means something else already", null);
      }
      labels.put(
          label,
          number(value)
              .orElseThrow(() -> corruptLabels("'" + value + "' for label '" + label + "'", null)));
    }
    return labels;
  }

  private TensorArrowException corruptLabels(String found, @Nullable Throwable cause) {
    return TensorArrowException.cannot(
            ErrorCode.TA_MODEL_CORRUPT, "read the labels of model '%s'", root.location())
        .found("%s in %s", found, LABELS)
        .causedBy(cause)
        .expected("lines such as stable=3");
  }

  /** Returns a version's number, if a directory's name is one. */
  private static Optional<Long> number(String name) {
    if (!NUMBER.matcher(name).matches()) {
      return Optional.empty();
    }
    try {
      return Optional.of(Long.parseLong(name));
    } catch (NumberFormatException e) {
      return Optional.empty();
    }
  }

  private static List<String> quoted(List<String> names) {
    return names.stream().map(name -> "'" + name + "'").toList();
  }

  private static String listed(List<String> names) {
    return names.stream().limit(LISTED).collect(Collectors.joining(", "))
        + (names.size() <= LISTED ? "" : " and " + (names.size() - LISTED) + " more");
  }

  private static TensorArrowException failed(
      ModelFiles root, String version, String found, String expected) {
    return TensorArrowException.cannot(
            ErrorCode.TA_VERSION_NOT_FOUND,
            "find version '%s' of model '%s'",
            version,
            root.location())
        .found("%s", found)
        .expected("%s", expected);
  }
}
