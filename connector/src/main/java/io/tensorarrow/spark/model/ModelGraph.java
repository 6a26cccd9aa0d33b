package io.tensorarrow.spark.model;

import io.tensorarrow.spark.errors.Alternatives;
import io.tensorarrow.spark.errors.ErrorCode;
import io.tensorarrow.spark.errors.TensorArrowException;
import io.tensorarrow.spark.model.safety.OpPolicy;
import io.tensorarrow.spark.tensor.DType;
import io.tensorarrow.spark.tensor.TensorShape;
import io.tensorarrow.spark.tensor.TensorSpec;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;
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

  private static final String INDICES = "/indices";
  private static final String VALUES = "/values";
  private static final String DENSE_SHAPE = "/dense_shape";

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
  ModelGraph(String location, Optional<Path> directory, MetaGraphDef proto) {
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
    throw new TensorArrowException(
        ErrorCode.TA_SIGNATURE_NOT_FOUND,
        "Cannot find signature '"
            + wanted
            + "' of model '"
            + location
            + "': found "
            + Alternatives.closestFirst(wanted, signatures.keySet())
            + (signatures.isEmpty()
                ? "; expected a model saved with signatures"
                : "; expected one of these as the signature"));
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

  /** Returns what operations this graph may reach. */
  OpPolicy opPolicy(Collection<String> allowed) {
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
  void checkSignature(OpPolicy policy, String name, Collection<String> outputs) {
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
  MetaGraphDef proto() {
    return proto;
  }

  /**
   * Returns the same graph for looking up signatures only, without the nodes and their constants.
   */
  ModelGraph withoutProto() {
    return new ModelGraph(location, directory, proto.toBuilder().clearGraphDef().build());
  }

  /** Returns how messages name the model: a path or URI. */
  String location() {
    return location;
  }

  /** Returns the SavedModel's directory; a graph that is to be loaded has one on this host. */
  Path directory() {
    return directory.orElseThrow(
        () -> new IllegalStateException("model '" + location + "' is not on this host"));
  }

  /** Returns a meta graph's tag set, sorted. */
  static List<String> tags(MetaGraphDef proto) {
    return proto.getMetaInfoDef().getTagsList().stream().distinct().sorted().toList();
  }

  /** Returns the meta graph's signatures that can be called, sorted by name. */
  static SortedMap<String, SignatureDef> functions(MetaGraphDef proto) {
    SortedMap<String, SignatureDef> functions = new TreeMap<>(proto.getSignatureDefMap());
    functions.keySet().removeAll(INTERNAL_SIGNATURES);
    return functions;
  }

  /**
   * Returns the dtype of one tensor of a signature, or empty if it is none that could be fed or
   * fetched: a ragged tensor and the like, several tensors that only Python knows how to put
   * together, or of a dtype of a newer TensorFlow.
   */
  static Optional<DType> dtype(TensorInfo info) {
    return info.getEncodingCase() == TensorInfo.EncodingCase.COMPOSITE_TENSOR
        ? Optional.empty()
        : DType.ofNumber(info.getDtypeValue());
  }

  /**
   * Returns the graph's tensors behind a signature's names, sorted by name. A sparse tensor is
   * three dense ones.
   *
   * @param tensors the signature's inputs or outputs
   */
  static SortedMap<String, TensorInfo> dense(Map<String, TensorInfo> tensors) {
    SortedMap<String, TensorInfo> dense = new TreeMap<>();
    tensors.forEach(
        (name, info) -> {
          if (info.getEncodingCase() == TensorInfo.EncodingCase.COO_SPARSE) {
            TensorInfo.CooSparse sparse = info.getCooSparse();
            long rank =
                shape(info).equals(TensorShape.unknownRank())
                    ? TensorShape.UNKNOWN_DIM
                    : info.getTensorShape().getDimCount();
            dense.put(
                name + INDICES,
                info(
                    sparse.getIndicesTensorName(),
                    DataType.DT_INT64,
                    TensorShape.UNKNOWN_DIM,
                    rank));
            dense.put(
                name + VALUES,
                info(sparse.getValuesTensorName(), info.getDtype(), TensorShape.UNKNOWN_DIM));
            dense.put(
                name + DENSE_SHAPE,
                info(sparse.getDenseShapeTensorName(), DataType.DT_INT64, rank));
          } else {
            dense.put(name, info);
          }
        });
    return dense;
  }

  private static TensorInfo info(String tensor, DataType dtype, long... dims) {
    TensorShapeProto.Builder shape = TensorShapeProto.newBuilder();
    for (long dim : dims) {
      shape.addDim(TensorShapeProto.Dim.newBuilder().setSize(dim));
    }
    return TensorInfo.newBuilder().setName(tensor).setDtype(dtype).setTensorShape(shape).build();
  }

  private static ModelSignature signature(String name, SignatureDef def) {
    return new ModelSignature(
        name,
        def.getMethodName(),
        specs(dense(def.getInputsMap())),
        specs(dense(def.getOutputsMap())),
        Stream.of(def.getInputsMap(), def.getOutputsMap())
            .flatMap(ModelGraph::sparseParts)
            .collect(Collectors.toSet()));
  }

  private static Stream<String> sparseParts(Map<String, TensorInfo> tensors) {
    return tensors.entrySet().stream()
        .filter(e -> e.getValue().getEncodingCase() == TensorInfo.EncodingCase.COO_SPARSE)
        .flatMap(e -> Stream.of(INDICES, VALUES, DENSE_SHAPE).map(part -> e.getKey() + part));
  }

  private static List<TensorSpec> specs(SortedMap<String, TensorInfo> tensors) {
    List<TensorSpec> specs = new ArrayList<>();
    tensors.forEach((name, info) -> specs.add(spec(name, info)));
    return specs;
  }

  private static TensorSpec spec(String name, TensorInfo info) {
    return dtype(info)
        .map(dtype -> new TensorSpec(name, dtype, shape(info)))
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
