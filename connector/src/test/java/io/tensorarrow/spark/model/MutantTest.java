package io.tensorarrow.spark.model;

import static org.assertj.core.api.Assertions.assertThat;

import io.tensorarrow.spark.errors.TensorArrowException;
import io.tensorarrow.spark.model.savedmodel.SavedModelFile;
import io.tensorarrow.spark.model.savedmodel.SavedModelLayout;
import io.tensorarrow.spark.testing.ControlFlowModels;
import io.tensorarrow.spark.testing.TestModels;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.tensorflow.proto.MetaGraphDef;
import org.tensorflow.proto.NodeDef;
import org.tensorflow.proto.SavedModel;

/**
 * Breaks graphs at random and looks what becomes of them: the check in Java refuses them, or
 * TensorFlow does, or they run; none may end the process. {@code -Dtensorarrow.mutants=3000} tries
 * more of them, {@code -Dtensorarrow.mutants.first=1000} others, and {@code
 * -Dtensorarrow.mutants.unchecked=true} leaves the check in Java out, to see what it is for.
 */
class MutantTest {
  private static final long SEED = 20_240_101;

  @TempDir Path temp;

  /** What became of a mutant. */
  private enum Fate {
    REFUSED,
    ERROR,
    RAN,
    HUNG,
    OUT_OF_MEMORY,
    KILLED
  }

  @Test
  void mutatedGraphsNeverCrashJvm() throws Exception {
    int first = Integer.getInteger("tensorarrow.mutants.first", 0);
    int count = Integer.getInteger("tensorarrow.mutants", 150);
    boolean unchecked = Boolean.getBoolean("tensorarrow.mutants.unchecked");
    List<Path> bases = bases();
    List<String> operations = operations(bases);
    Map<Fate, Integer> fates = new EnumMap<>(Fate.class);
    List<String> killers = new ArrayList<>();
    try (MutantRunner runner = new MutantRunner()) {
      for (int i = first; i < first + count; i++) {
        Path base = bases.get(i % bases.size());
        Path mutant = temp.resolve("mutant" + i);
        String changes = write(base, mutant, operations, SEED + i);
        String what = i + " of " + base.getFileName() + " (" + changes + ")";
        Fate fate = Fate.REFUSED;
        String refusal = refusal(mutant);
        if (unchecked || refusal.isEmpty()) {
          String answer = runner.run(mutant);
          fate = fate(answer);
          if (fate == Fate.RAN && !refusal.isEmpty()) {
            System.out.println("HARMLESS " + what + ": " + refusal);
          }
          if (fate == Fate.KILLED || fate == Fate.HUNG || fate == Fate.OUT_OF_MEMORY) {
            System.out.println(fate + " " + what + ": " + answer);
          }
          if (fate == Fate.KILLED) {
            killers.add(what + ": " + answer);
          }
        }
        fates.merge(fate, 1, Integer::sum);
      }
    }
    System.out.println(count + " mutants from " + first + ": " + fates);
    assertThat(killers).isEmpty();
    if (!unchecked) {
      assertThat(fates).containsKeys(Fate.REFUSED, Fate.ERROR, Fate.RAN);
    }
  }

  private static Fate fate(String answer) {
    if (answer.equals("ok")) {
      return Fate.RAN;
    }
    if (answer.startsWith("error ")) {
      return Fate.ERROR;
    }
    if (answer.startsWith("hung ")) {
      return Fate.HUNG;
    }
    return answer.contains("bad_alloc") || answer.contains("memory")
        ? Fate.OUT_OF_MEMORY
        : Fate.KILLED;
  }

  /** Returns why the check in Java refuses a model, nothing if it does not. */
  private static String refusal(Path model) {
    try {
      SavedModelFile.read(model).graph(List.of("serve"));
      return "";
    } catch (TensorArrowException e) {
      return String.valueOf(e.getMessage());
    }
  }

  private List<Path> bases() throws IOException {
    return List.of(
        TestModels.mlp(temp),
        ControlFlowModels.reference(temp),
        TestModels.function(temp),
        TestModels.table(temp),
        ControlFlowModels.loop(temp),
        ControlFlowModels.branches(temp),
        TestModels.kinds(temp),
        copy(Path.of("../examples/models/digits")),
        copy(Path.of("../integration-tests/src/test/resources/models/features")));
  }

  private Path copy(Path model) throws IOException {
    Path copy = temp.resolve(model.getFileName());
    try (Stream<Path> files = Files.walk(model)) {
      for (Path file : files.toList()) {
        Files.copy(file, copy.resolve(model.relativize(file).toString()));
      }
    }
    return copy;
  }

  private static List<String> operations(List<Path> bases) throws IOException {
    List<String> operations =
        new ArrayList<>(
            List.of(
                "Reshape",
                "Pack",
                "Concat",
                "ConcatV2",
                "Split",
                "Unpack",
                "IdentityN",
                "Fill",
                "PlaceholderWithDefault",
                "TensorListReserve",
                "StridedSlice",
                "Conv2D",
                "Einsum",
                "ParseExampleV2",
                "DynamicStitch",
                "SparseToDense",
                "ImmutableConst",
                "_Arg",
                "_Retval",
                "Switch",
                "Merge",
                "Enter",
                "Exit",
                "NextIteration",
                "If",
                "While",
                "StackV2",
                "TensorArrayV3",
                "SymbolicGradient",
                "MadeUp",
                "Const",
                "Placeholder"));
    for (Path base : bases) {
      graph(base).getGraphDef().getNodeList().stream().map(NodeDef::getOp).forEach(operations::add);
    }
    return operations.stream().distinct().sorted().toList();
  }

  private static MetaGraphDef graph(Path model) throws IOException {
    return SavedModel.parseFrom(Files.readAllBytes(model.resolve(SavedModelLayout.PROTO)))
        .getMetaGraphs(0);
  }

  /** Writes a mutant beside its model's own variables and assets; returns what was changed. */
  private static String write(Path base, Path mutant, List<String> operations, long seed)
      throws IOException {
    Files.createDirectory(mutant);
    for (String part : List.of("variables", "assets")) {
      Path directory = base.toAbsolutePath().resolve(part);
      if (Files.exists(directory)) {
        Files.createSymbolicLink(mutant.resolve(part), directory);
      }
    }
    MetaGraphDef.Builder graph = graph(base).toBuilder();
    String changes = GraphMutator.mutate(graph, operations, seed);
    try (OutputStream file = Files.newOutputStream(mutant.resolve(SavedModelLayout.PROTO))) {
      SavedModel.newBuilder().addMetaGraphs(graph).build().writeTo(file);
    }
    return changes;
  }
}
