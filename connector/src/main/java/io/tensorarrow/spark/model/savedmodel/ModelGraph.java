package io.tensorarrow.spark.model.savedmodel;

import io.tensorarrow.spark.errors.Alternatives;
import io.tensorarrow.spark.errors.ErrorCode;
import io.tensorarrow.spark.errors.TensorArrowException;
import io.tensorarrow.spark.model.safety.OpPolicy;
import io.tensorarrow.spark.tensor.DType;
import io.tensorarrow.spark.tensor.SparsePart;
import io.tensorarrow.spark.tensor.TensorShape;
import io.tensorarrow.spark.tensor.TensorSpec;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import org.tensorflow.proto.DataType;
import org.tensorflow.proto.MetaGraphDef;
import org.tensorflow.proto.SignatureDef;
import org.tensorflow.proto.TensorInfo;
import org.tensorflow.proto.TensorShapeProto;

/**
 * One graph of a SavedModel with its signatures, as its file describes it. Immutable; no native
 * code.
 */
public final class ModelGraph {
  /** The signature that is meant when none is named. */
  public static final String DEFAULT_SIGNATURE = "serving_default";

  /** Where the initialiser stands among the signatures. */
  static final String INIT_SIGNATURE = "__saved_model_init_op";

  /** What TensorFlow stores among the signatures although it is no function for users. */
  private static final Set<String> INTERNAL_SIGNATURES =
      Set.of(INIT_SIGNATURE, "__saved_model_train_op");

  private final String location;
  private final Optional<Path> directory;
  private final MetaGraphDef proto;
  private final SortedMap<String, ModelSignature> signatures;

  /**
   * Reads the signatures.
   *
   * @param location how messages name the model
   * @param directory its directory, if it lies on this host
   * @param proto the graph
   */
  public ModelGraph(String location, Optional<Path> directory, MetaGraphDef proto) {
    this.location = location;
    this.directory = directory;
    this.proto = proto;
    this.signatures = new TreeMap<>();
    functions(proto).forEach((name, def) -> signatures.put(name, signature(name, def)));
  }

  /** Returns the tag set, sorted. */
  public List<String> tags() {
    return tags(proto);
  }

  /** Returns the version of TensorFlow that saved the model, empty if it did not say. */
  public String tensorFlowVersion() {
    return proto.getMetaInfoDef().getTensorflowVersion();
  }

  /** Returns the signatures that can be called, sorted by name. */
  public List<ModelSignature> signatures() {
    return List.copyOf(signatures.values());
  }

  /**
   * Finds a signature.
   *
   * @param name its name, or empty for {@value #DEFAULT_SIGNATURE}, or else the only one
   * @throws TensorArrowException with {@link ErrorCode#TA_SIGNATURE_NOT_FOUND} if there is none, or
   *     none is named and several could be meant
   */
  public ModelSignature signature(Optional<String> name) {
    String wanted = name.orElse(DEFAULT_SIGNATURE);
    ModelSignature found = signatures.get(wanted);
    if (found != null) {
      return found;
    }
    if (name.isEmpty() && signatures.size() == 1) {
      return signatures.values().iterator().next();
    }
    throw TensorArrowException.cannot(
            ErrorCode.TA_SIGNATURE_NOT_FOUND, "find signature '%s' of model '%s'", wanted, location)
        .found("%s", Alternatives.closestFirst(wanted, signatures.keySet()))
        .expected(
            "%s",
            signatures.isEmpty()
                ? "a model saved with signatures"
                : "one of these as the signature");
  }

  /**
   * Checks that the initialisers and one signature reach only operations that they may reach, as
   * each executor will check again.
   *
   * @param allowed operations that the user allows in any case
   * @param signature the signature's name
   * @param outputs those of its outputs that will be fetched
   * @throws TensorArrowException with {@link ErrorCode#TA_OP_NOT_ALLOWED} or {@link
   *     ErrorCode#TA_OP_UNKNOWN}, or with {@link ErrorCode#TA_MODEL_LOAD} if the graph is for a
   *     newer TensorFlow
   */
  public void checkOps(Collection<String> allowed, String signature, Collection<String> outputs) {
    OpPolicy policy = opPolicy(allowed);
    policy.checkInitialisers();
    checkSignature(policy, signature, outputs);
  }

  /**
   * Finds the outputs of a signature that can't be computed because of what they reach, by {@link
   * #checkOps}.
   *
   * @param allowed operations that the user allows in any case
   * @param signature the signature's name
   * @return what is said of each such output, by its name; of every output if the model can't be
   *     loaded
   */
  public Map<String, TensorArrowException> refusedOutputs(
      Collection<String> allowed, String signature) {
    Map<String, TensorArrowException> refused = new LinkedHashMap<>();
    OpPolicy policy = opPolicy(allowed);
    for (TensorSpec output : signature(Optional.of(signature)).outputs()) {
      try {
        policy.checkInitialisers();
        checkSignature(policy, signature, output.parts().stream().map(TensorSpec::name).toList());
      } catch (TensorArrowException e) {
        refused.put(output.name(), e);
      }
    }
    return refused;
  }

  /** Returns what operations this graph may reach. */
  public OpPolicy opPolicy(Collection<String> allowed) {
    GraphRoots roots = GraphRoots.of(this);
    return new OpPolicy(
        location,
        tensorFlowVersion(),
        proto.getGraphDef(),
        new OpPolicy.Loading(roots.all(), roots.assets(), roots.checkpoint()),
        allowed);
  }

  /**
   * Checks what a signature reaches.
   *
   * @param policy this graph's
   * @param name the signature's name
   * @param outputs those of its outputs that are fetched
   */
  public void checkSignature(OpPolicy policy, String name, Collection<String> outputs) {
    SignatureDef def = proto.getSignatureDefOrDefault(name, SignatureDef.getDefaultInstance());
    SortedMap<String, TensorInfo> fetches = dense(def.getOutputsMap());
    fetches.keySet().retainAll(outputs);
    policy.checkSignature(
        name, nodes(fetches.values()), Set.copyOf(nodes(dense(def.getInputsMap()).values())));
  }

  private static List<String> nodes(Collection<TensorInfo> tensors) {
    return tensors.stream().map(info -> TensorName.of(info.getName()).node()).distinct().toList();
  }

  /** Returns the graph, variables' saver and initialisers. */
  public MetaGraphDef proto() {
    return proto;
  }

  /**
   * Returns the same graph for looking up signatures only, without the nodes and their constants.
   */
  public ModelGraph withoutProto() {
    return new ModelGraph(location, directory, proto.toBuilder().clearGraphDef().build());
  }

  /** Returns how messages name the model: a path or URI. */
  public String location() {
    return location;
  }

  /** Returns the SavedModel's directory; a graph that is to be loaded has one on this host. */
  public Path directory() {
    return directory.orElseThrow(
        () -> new IllegalStateException("model '" + location + "' is not on this host"));
  }

  /** Returns a meta graph's tag set, sorted. */
  public static List<String> tags(MetaGraphDef proto) {
    return proto.getMetaInfoDef().getTagsList().stream().distinct().sorted().toList();
  }

  /** Returns the meta graph's signatures that can be called, sorted by name. */
  public static SortedMap<String, SignatureDef> functions(MetaGraphDef proto) {
    SortedMap<String, SignatureDef> functions = new TreeMap<>(proto.getSignatureDefMap());
    functions.keySet().removeAll(INTERNAL_SIGNATURES);
    return functions;
  }

  /**
   * Returns the dtype of one tensor of a signature, or empty if it is none that could be fed or
   * fetched: a ragged tensor and the like, several tensors that only Python knows how to put
   * together, or of a dtype of a newer TensorFlow.
   */
  public static Optional<DType> dtype(TensorInfo info) {
    return info.getEncodingCase() == TensorInfo.EncodingCase.COMPOSITE_TENSOR
        ? Optional.empty()
        : DType.ofNumber(info.getDtypeValue());
  }

  /**
   * Returns the graph's tensors behind a signature's names, sorted by name. A sparse tensor is
   * three dense ones, one for each {@link SparsePart}.
   *
   * @param tensors the signature's inputs or outputs
   * @throws TensorArrowException with {@link ErrorCode#TA_TENSOR_UNSUPPORTED} if a part has the
   *     name of another tensor
   */
  public static SortedMap<String, TensorInfo> dense(Map<String, TensorInfo> tensors) {
    SortedMap<String, TensorInfo> dense = new TreeMap<>();
    tensors.forEach(
        (name, info) -> {
          if (isSparse(info)) {
            for (SparsePart part : SparsePart.values()) {
              put(dense, part.of(name), part(info, part));
            }
          } else {
            put(dense, name, info);
          }
        });
    return dense;
  }

  private static void put(SortedMap<String, TensorInfo> dense, String name, TensorInfo info) {
    if (dense.put(name, info) != null) {
      throw TensorArrowException.cannot(ErrorCode.TA_TENSOR_UNSUPPORTED, "use tensor '%s'", name)
          .found("a part of a sparse tensor of that name as well")
          .expected("a signature in which one of the two is renamed");
    }
  }

  private static boolean isSparse(TensorInfo info) {
    return info.getEncodingCase() == TensorInfo.EncodingCase.COO_SPARSE;
  }

  private static TensorInfo part(TensorInfo info, SparsePart part) {
    TensorInfo.CooSparse sparse = info.getCooSparse();
    TensorInfo.Builder dense = TensorInfo.newBuilder();
    switch (part) {
      case DENSE_SHAPE ->
          dense.setName(sparse.getDenseShapeTensorName()).setDtype(DataType.DT_INT64);
      case INDICES -> dense.setName(sparse.getIndicesTensorName()).setDtype(DataType.DT_INT64);
      case VALUES ->
          dense.setName(sparse.getValuesTensorName()).setDtypeValue(info.getDtypeValue());
    }
    return dense.build();
  }

  private static ModelSignature signature(String name, SignatureDef def) {
    return new ModelSignature(
        name, def.getMethodName(), specs(def.getInputsMap()), specs(def.getOutputsMap()));
  }

  private static List<TensorSpec> specs(Map<String, TensorInfo> tensors) {
    List<TensorSpec> specs = new ArrayList<>();
    new TreeMap<>(tensors).forEach((name, info) -> specs.add(spec(name, info)));
    return specs;
  }

  private static TensorSpec spec(String name, TensorInfo info) {
    return dtype(info)
        .map(dtype -> new TensorSpec(name, dtype, shape(info), isSparse(info)))
        .orElseGet(() -> new TensorSpec(name, DType.VARIANT, TensorShape.unknownRank()));
  }

  /** A shape that is left out is unknown; an empty one is that of a scalar. */
  private static TensorShape shape(TensorInfo info) {
    TensorShapeProto shape = info.getTensorShape();
    if (!info.hasTensorShape() || shape.getUnknownRank()) {
      return TensorShape.unknownRank();
    }
    return TensorShape.of(
        shape.getDimList().stream()
            .mapToLong(dim -> Math.max(dim.getSize(), TensorShape.UNKNOWN_DIM))
            .toArray());
  }
}
