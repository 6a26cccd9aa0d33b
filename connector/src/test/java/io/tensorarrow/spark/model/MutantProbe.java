package io.tensorarrow.spark.model;

import static org.tensorflow.internal.c_api.global.tensorflow.TF_AllocateTensor;
import static org.tensorflow.internal.c_api.global.tensorflow.TF_TensorData;

import io.tensorarrow.spark.model.eager.EagerCall;
import io.tensorarrow.spark.model.eager.EagerFunction;
import io.tensorarrow.spark.model.eager.EagerModel;
import io.tensorarrow.spark.model.eager.ModelSettings;
import io.tensorarrow.spark.model.natives.NativeLibraries;
import io.tensorarrow.spark.model.savedmodel.ModelGraph;
import io.tensorarrow.spark.model.savedmodel.ModelSignature;
import io.tensorarrow.spark.model.savedmodel.SavedModelLayout;
import io.tensorarrow.spark.tensor.NativeTensor;
import io.tensorarrow.spark.tensor.TensorSpec;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.bytedeco.javacpp.Pointer;
import org.tensorflow.internal.c_api.TF_Tensor;
import org.tensorflow.proto.MetaGraphDef;
import org.tensorflow.proto.SavedModel;

/**
 * Loads the models whose directories it reads from its input, line by line, and runs each of their
 * signatures once. Answers each line with one that begins with {@value #ANSWER}.
 */
final class MutantProbe {
  static final String ANSWER = "@@ ";

  private static final long LONGEST_DIM = 8;
  private static final long MOST_ELEMENTS = 1 << 16;

  private MutantProbe() {}

  /** Loads models on a thread like those of an executor's tasks, whose stack is small. */
  public static void main(String[] args) throws InterruptedException {
    Thread task = new Thread(MutantProbe::answer, "task");
    task.start();
    task.join();
  }

  private static void answer() {
    NativeLibraries.ensureLoaded(Optional.empty());
    System.out.println(ANSWER + "ready");
    BufferedReader lines =
        new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    lines.lines().forEach(line -> System.out.println(ANSWER + run(Path.of(line))));
  }

  private static String run(Path directory) {
    try {
      MetaGraphDef proto =
          SavedModel.parseFrom(Files.readAllBytes(directory.resolve(SavedModelLayout.PROTO)))
              .getMetaGraphs(0);
      ModelGraph graph = new ModelGraph(directory.toString(), Optional.of(directory), proto);
      try (EagerModel model = load(graph)) {
        for (ModelSignature signature : graph.signatures()) {
          call(model, signature);
        }
      }
      return "ok";
    } catch (IOException | RuntimeException e) {
      return "error " + String.valueOf(e.getMessage()).replaceAll("\\s+", " ");
    }
  }

  /** Loads with every operation allowed: what a mutant is refused for here is its structure. */
  private static EagerModel load(ModelGraph graph) {
    List<String> all =
        graph.proto().getGraphDef().getNodeList().stream().map(node -> node.getOp()).toList();
    return EagerModel.load(graph, new ModelSettings(1), graph.opPolicy(all), () -> false);
  }

  private static void call(EagerModel model, ModelSignature signature) {
    EagerFunction function =
        model.function(
            signature.name(), signature.outputs().stream().map(TensorSpec::name).toList());
    List<NativeTensor> feeds = new ArrayList<>();
    try (EagerCall call = new EagerCall(model.context(), function, () -> false, () -> {})) {
      for (TensorSpec spec : call.feeds()) {
        feeds.add(feed(spec));
      }
      call.run(feeds).forEach(NativeTensor::close);
    } finally {
      feeds.forEach(NativeTensor::close);
    }
  }

  /** Makes a small tensor of zeros or empty strings; zero bytes are an empty string, too. */
  private static NativeTensor feed(TensorSpec spec) {
    long[] dims =
        spec.shape().dims().orElse(List.of()).stream()
            .mapToLong(dim -> dim < 0 ? 2 : Math.min(dim, LONGEST_DIM))
            .toArray();
    long elements = 1;
    for (int i = 0; i < dims.length; i++) {
      dims[i] = elements * dims[i] > MOST_ELEMENTS ? 1 : dims[i];
      elements *= dims[i];
    }
    long bytes = elements * spec.dtype().byteSize();
    TF_Tensor tensor = TF_AllocateTensor(spec.dtype().number(), dims, dims.length, bytes);
    Pointer.memset(TF_TensorData(tensor), 0, bytes);
    return NativeTensor.adopt(tensor);
  }
}
