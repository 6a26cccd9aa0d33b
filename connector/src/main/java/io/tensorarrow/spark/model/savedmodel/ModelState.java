package io.tensorarrow.spark.model.savedmodel;

import io.tensorarrow.spark.model.store.ModelEntry;
import io.tensorarrow.spark.model.store.ModelFiles;
import java.io.IOException;
import java.util.List;

/**
 * How a SavedModel's files looked when it was read, without their content: enough to tell whether
 * it has to be read again.
 *
 * @param location how messages name the model's directory
 * @param entries names, sizes and times of its files
 */
public record ModelState(String location, List<ModelEntry> entries) {
  /** Copies the list. */
  public ModelState {
    entries = List.copyOf(entries);
  }

  /**
   * Looks at the files of a directory.
   *
   * @throws IOException if they can't be listed
   */
  static ModelState of(ModelFiles files) throws IOException {
    return new ModelState(files.location(), SavedModelLayout.files(files));
  }
}
