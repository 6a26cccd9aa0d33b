package io.tensorarrow.spark.model;

import io.tensorarrow.spark.model.savedmodel.ModelFingerprint;
import io.tensorarrow.spark.model.store.ModelAccess;
import java.io.Serializable;
import java.util.List;

/**
 * Which model a query runs, pinned on the driver so that every task and every retry runs the same
 * one.
 *
 * @param directory where the SavedModel is, version included: an absolute local path, the same on
 *     every host, or a URI without credentials
 * @param fingerprint what the model's files were when the query was planned ({@link
 *     ModelFingerprint})
 * @param tags the tag set of the chosen MetaGraphDef, sorted
 * @param allowedOps operations outside the allow-list that the user lets it reach, sorted
 * @param access how an executor gets at the files
 */
public record ModelReference(
    String directory,
    String fingerprint,
    List<String> tags,
    List<String> allowedOps,
    ModelAccess access)
    implements Serializable {
  /** Enough of the fingerprint to tell two versions of a model apart by eye. */
  private static final int FINGERPRINT_SHOWN = 24;

  /** Copies and sorts the lists. */
  public ModelReference {
    tags = tags.stream().sorted().toList();
    allowedOps = allowedOps.stream().distinct().sorted().toList();
  }

  /** A local model that may reach nothing outside the allow-list. */
  public ModelReference(String directory, String fingerprint, List<String> tags) {
    this(directory, fingerprint, tags, List.of());
  }

  /** A local model. */
  public ModelReference(
      String directory, String fingerprint, List<String> tags, List<String> allowedOps) {
    this(directory, fingerprint, tags, allowedOps, ModelAccess.local());
  }

  /** Returns the beginning of the fingerprint, for plans. */
  public String shortFingerprint() {
    return fingerprint.substring(0, Math.min(fingerprint.length(), FINGERPRINT_SHOWN));
  }

  /** Returns the same model, which executors get at in another way. */
  public ModelReference withAccess(ModelAccess other) {
    return new ModelReference(directory, fingerprint, tags, allowedOps, other);
  }
}
