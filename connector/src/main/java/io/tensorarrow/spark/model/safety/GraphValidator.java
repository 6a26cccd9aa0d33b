package io.tensorarrow.spark.model.safety;

import io.tensorarrow.spark.errors.ErrorCode;
import io.tensorarrow.spark.errors.TensorArrowException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.tensorflow.proto.DataType;
import org.tensorflow.proto.FunctionDef;
import org.tensorflow.proto.GraphDef;
import org.tensorflow.proto.MetaGraphDef;
import org.tensorflow.proto.SignatureDef;
import org.tensorflow.proto.TensorInfo;
import org.tensorflow.proto.VersionDef;

/**
 * Checks that a graph is well formed, before TensorFlow's native code sees it: on some malformed
 * graphs that code ends the process. Each node and each function that is called is compared with
 * TensorFlow's own definitions. What is well formed may still be refused by TensorFlow, with an
 * error, or fail when it runs.
 *
 * <p>Operations that TensorFlow does not have are none of its business, nor are attributes that an
 * operation does not have: TensorFlow refuses them. Linear in the size of the graph; no native
 * code.
 */
public final class GraphValidator {
  private static final String INIT_SIGNATURE = "__saved_model_init_op";

  private final MetaGraphDef meta;
  private final GraphLocation location;

  private GraphValidator(String model, MetaGraphDef meta) {
    this.meta = meta;
    this.location = new GraphLocation(model, "", "");
  }

  /**
   * Checks a graph with its functions and the signatures that point into it.
   *
   * @param model the SavedModel's directory, for messages
   * @param meta the graph
   * @throws TensorArrowException with {@link ErrorCode#TA_MODEL_UNSAFE_TO_LOAD} if it is malformed
   */
  public static void check(String model, MetaGraphDef meta) {
    new GraphValidator(model, meta).check();
  }

  private void check() {
    GraphDef graph = meta.getGraphDef();
    checkVersions(graph.getVersions());
    FunctionLibrary library = new FunctionLibrary(graph.getLibrary(), location);
    List<FunctionDef> called = new CallGraph(library, location).check(graph.getNodeList());
    GraphBody body = new GraphBody(graph.getNodeList(), library, location);
    body.checkConnections((input, nodeLocation) -> source(body, input, nodeLocation));
    for (FunctionDef function : called) {
      FunctionCheck.check(function, library, location);
    }
    meta.getSignatureDefMap().forEach((name, signature) -> checkSignature(body, name, signature));
    checkRoots(body);
  }

  /**
   * What runs when the model is loaded is cut from the graph; a loop that is entered there and
   * empty ends the process.
   */
  private void checkRoots(GraphBody body) {
    List<String> roots = new ArrayList<>();
    roots.add(meta.getSaverDef().getRestoreOpName());
    meta.getSignatureDefOrDefault(INIT_SIGNATURE, SignatureDef.getDefaultInstance())
        .getOutputsMap()
        .values()
        .forEach(info -> roots.add(info.getName()));
    meta.getCollectionDefMap()
        .values()
        .forEach(collection -> roots.addAll(collection.getNodeList().getValueList()));
    for (String root : roots) {
      int colon = root.lastIndexOf(':');
      body.number(colon < 0 ? root : root.substring(0, colon))
          .map(number -> body.nodes().get(number))
          .filter(CheckedNode::isEnter)
          .ifPresent(
              node -> {
                throw node.in(location)
                    .malformed("an initialiser that only enters a loop", "complete loops");
              });
    }
  }

  private void checkVersions(VersionDef versions) {
    if (versions.getProducer() < 0 || versions.getMinConsumer() < 0) {
      throw location.malformed(
          "versions " + versions.getProducer() + " and " + versions.getMinConsumer(), "0 or more");
    }
  }

  /** Finds what {@code node} or {@code node:index} stands for. */
  private static InputSource source(GraphBody body, String input, GraphLocation inputLocation) {
    int colon = input.lastIndexOf(':');
    boolean indexed = colon >= 0 && input.substring(colon + 1).matches("[0-9]{1,9}");
    String name = indexed ? input.substring(0, colon) : input;
    int index = indexed ? Integer.parseInt(input.substring(colon + 1)) : 0;
    int number =
        body.number(name)
            .orElseThrow(
                () ->
                    inputLocation.malformed(
                        "tensor " + GraphLocation.quoted(input) + " of a node that does not exist",
                        "a node of the same graph"));
    Optional<List<Argument>> outputs = body.nodes().get(number).outputs();
    if (outputs.isEmpty()) {
      return new InputSource(number, Optional.of(List.of(0)));
    }
    int before = 0;
    for (Argument output : outputs.get()) {
      if (index < before + output.count()) {
        return new InputSource(number, Optional.of(List.of(output.dtype(index - before))));
      }
      before += output.count();
    }
    throw inputLocation.malformed(
        "tensor " + GraphLocation.quoted(input) + " of a node with " + before + " outputs",
        "an output that exists");
  }

  private void checkSignature(GraphBody body, String name, SignatureDef signature) {
    GraphLocation signatureLocation = location.signature(name);
    Stream.concat(
            signature.getInputsMap().values().stream(), signature.getOutputsMap().values().stream())
        .filter(info -> info.getDtype() != DataType.DT_INVALID)
        .peek(info -> TensorCheck.checkShape(info.getTensorShape(), signatureLocation))
        .flatMap(GraphValidator::tensors)
        .forEach(tensor -> source(body, tensor, signatureLocation));
  }

  /** What Python alone can put together is not loaded. */
  private static Stream<String> tensors(TensorInfo info) {
    return switch (info.getEncodingCase()) {
      case NAME -> Stream.of(info.getName());
      case COO_SPARSE ->
          Stream.of(
              info.getCooSparse().getValuesTensorName(),
              info.getCooSparse().getIndicesTensorName(),
              info.getCooSparse().getDenseShapeTensorName());
      case COMPOSITE_TENSOR, ENCODING_NOT_SET -> Stream.empty();
    };
  }
}
