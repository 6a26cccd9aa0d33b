package io.tensorarrow.spark.model;

import java.io.Serializable;
import java.util.List;

/**
 * Which model a query runs, pinned on the driver so that every task and every retry runs the same
 * one.
 *
 * @param directory the SavedModel's absolute local directory, the same on every host
 * @param fingerprint what the model's files were when the query was planned ({@link
 *     ModelFingerprint})
 * @param tags the tag set of the chosen MetaGraphDef, sorted
 */
public record ModelReference(String directory, String fingerprint, List<String> tags)
    implements Serializable {
  /** Copies and sorts the tags. */
  public ModelReference {
    tags = tags.stream().sorted().toList();
  }
}
