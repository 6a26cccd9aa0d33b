package io.tensorarrow.spark.model;

import io.tensorarrow.spark.model.savedmodel.ModelGraph;
import io.tensorarrow.spark.model.savedmodel.SavedModelLayout;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.tensorflow.proto.SavedModel;

/** Graphs whose structure nobody checked, for tests of what is checked besides. */
public final class UncheckedGraphs {
  private UncheckedGraphs() {}

  /** Reads the graph with these tags. */
  public static ModelGraph read(Path directory, List<String> tags) {
    try {
      return SavedModel.parseFrom(Files.readAllBytes(directory.resolve(SavedModelLayout.PROTO)))
          .getMetaGraphsList()
          .stream()
          .filter(graph -> ModelGraph.tags(graph).equals(tags))
          .map(graph -> new ModelGraph(directory.toString(), Optional.of(directory), graph))
          .findFirst()
          .orElseThrow();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
