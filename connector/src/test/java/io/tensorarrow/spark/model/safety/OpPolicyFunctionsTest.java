package io.tensorarrow.spark.model.safety;

import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.tensorflow.proto.AttrValue;
import org.tensorflow.proto.FunctionDef;
import org.tensorflow.proto.GradientDef;
import org.tensorflow.proto.GraphDef;
import org.tensorflow.proto.NameAttrList;
import org.tensorflow.proto.NodeDef;

/** Operations are found in whatever function TensorFlow may run. */
class OpPolicyFunctionsTest extends OpPolicyTestBase {
  @Test
  void operationsInsideFunctionsAreRefused() {
    NodeDef y = node("y", "StatefulPartitionedCall", "x");

    refuses(model(withFunctions(graph(X, call(y, "f", "bad")), BAD)))
        .contains("reached by serving_default > bad > hidden;");
    refuses(
            model(
                withFunctions(
                    graph(X, call(y, "f", "outer")),
                    function(
                        "outer",
                        List.of("a"),
                        call(node("i", "If", "a", "a"), "else_branch", "bad")),
                    BAD)))
        .contains("serving_default > outer > bad > hidden");
    refuses(
            model(
                withFunctions(
                    graph(X, call(call(node("y", "While", "x"), "cond", "good"), "body", "bad")),
                    GOOD,
                    BAD)))
        .contains("'ReadFile'");
    refuses(
            model(
                withFunctions(
                    graph(X, call(node("y", "Case", "x"), "branches", "good", "bad")), GOOD, BAD)))
        .contains("'ReadFile'");
    refuses(model(withFunctions(graph(X, call(node("y", "MapDataset", "x"), "f", "bad")), BAD)))
        .contains("'ReadFile'");
    refuses(model(withFunctions(graph(X, node("y", "bad", "x")), BAD)))
        .contains("serving_default > bad > hidden");
    passes(model(withFunctions(graph(X, call(y, "f", "good")), GOOD, BAD)));
  }

  @Test
  void operationsOfFunctionsPassedAsAttributesAreRefused() {
    NameAttrList outer =
        NameAttrList.newBuilder()
            .setName("outer")
            .putAttr(
                "g",
                AttrValue.newBuilder().setFunc(NameAttrList.newBuilder().setName("bad")).build())
            .build();
    NodeDef y =
        node("y", "PartitionedCall", "x").toBuilder()
            .putAttr("f", AttrValue.newBuilder().setFunc(outer).build())
            .build();
    FunctionDef callsItsAttribute =
        function(
            "outer",
            List.of("a"),
            node("inner", "PartitionedCall", "a").toBuilder()
                .putAttr("f", AttrValue.newBuilder().setPlaceholder("g").build())
                .build());
    refuses(model(withFunctions(graph(X, y), callsItsAttribute, BAD))).contains("'ReadFile'");
  }

  @Test
  void operationsOfSubstitutedFunctionsAreRefused() {
    NodeDef y = call(node("y", "PartitionedCall", "x"), "f", "good");

    refuses(
            model(
                withFunctions(
                    graph(X, y),
                    GOOD.toBuilder().putAttr("api_implements", text("lstm")).build(),
                    BAD.toBuilder().putAttr("api_implements", text("lstm")).build())))
        .contains("'ReadFile'");
    GraphDef.Builder withGradient =
        withFunctions(graph(X, call(node("y", "SymbolicGradient", "x"), "f", "good")), GOOD, BAD);
    withGradient
        .getLibraryBuilder()
        .addGradient(GradientDef.newBuilder().setFunctionName("good").setGradientFunc("bad"));
    refuses(model(withGradient)).contains("'ReadFile'");
  }

  @Test
  void longChainsAndRecursionAreFollowedAndPathsShortened() {
    int length = 100_000;
    GraphDef.Builder graph = graph(X, node("n0", "Identity", "x"));
    for (int i = 1; i < length; i++) {
      graph.addNode(node("n" + i, "Identity", "n" + (i - 1)));
    }
    graph.addNode(call(node("y", "PartitionedCall", "n" + (length - 1)), "f", "f0"));
    int depth = 5_000;
    FunctionDef[] functions =
        IntStream.rangeClosed(0, depth)
            .mapToObj(
                i ->
                    i < depth
                        ? function("f" + i, List.of("a"), node("n", "f" + (i + 1), "a"))
                        : function(
                            "f" + i,
                            List.of("a"),
                            node("n", "f0", "a"),
                            node("end", "ReadFile", "a")))
            .toArray(FunctionDef[]::new);
    refuses(model(withFunctions(graph, functions)))
        .contains("serving_default > f0 > f1 > f2 > ... > f4998 > f4999 > f5000 > end;");
  }

  @Test
  void attributesThatCallersSetToFilesAreRefused() {
    AttrValue left = AttrValue.newBuilder().setPlaceholder("file").build();
    NodeDef sample =
        node("s", "FixedUnigramCandidateSampler", "a").toBuilder()
            .putAttr("vocab_file", left)
            .build();
    NodeDef y = text(node("y", "f", "x"), "file", "/etc/passwd");
    refuses(model(withFunctions(graph(X, y), function("f", List.of("a"), sample))))
        .contains("reads the file that its attribute names", "FixedUnigramCandidateSampler");
  }
}
