package io.tensorarrow.spark.model.savedmodel;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.function.Consumer;
import org.tensorflow.proto.MetaGraphDef;
import org.tensorflow.proto.SavedModel;

/** Changes SavedModels that tests have written. */
final class SavedModelEdits {
  private SavedModelEdits() {}

  /** Changes the first graph of a model. */
  static void edit(Path model, Consumer<MetaGraphDef.Builder> change) throws IOException {
    Path file = model.resolve("saved_model.pb");
    SavedModel.Builder builder = SavedModel.parseFrom(Files.readAllBytes(file)).toBuilder();
    change.accept(builder.getMetaGraphsBuilder(0));
    Files.write(file, builder.build().toByteArray());
  }
}
