package io.tensorarrow.spark.model.savedmodel;

import io.tensorarrow.spark.errors.Alternatives;
import io.tensorarrow.spark.errors.ErrorCode;
import io.tensorarrow.spark.errors.TensorArrowException;
import io.tensorarrow.spark.model.safety.OpPolicy;
import io.tensorarrow.spark.tensor.TensorSpec;
import java.nio.file.Path;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import org.tensorflow.proto.MetaGraphDef;
import org.tensorflow.proto.SignatureDef;
import org.tensorflow.proto.TensorInfo;

/**
 * One graph of a SavedModel with its signatures, as its file describes it. Immutable; no native
 * code.
 */
public final class ModelGraph {
  /** The signature that is meant when none is named. */
  public static final String DEFAULT_SIGNATURE = "serving_default";

  /** The key of the initialiser in the map of signatures. */
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
   * @param directory its directory, if it is on this host
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
    String requested = name.orElse(DEFAULT_SIGNATURE);
    ModelSignature signature = signatures.get(requested);
    if (signature != null) {
      return signature;
    }
    if (name.isEmpty() && signatures.size() == 1) {
      return signatures.values().iterator().next();
    }
    throw TensorArrowException.cannot(
            ErrorCode.TA_SIGNATURE_NOT_FOUND,
            "find signature '%s' of model '%s'",
            requested,
            location)
        .found("%s", Alternatives.closestFirst(requested, signatures.keySet()))
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
   * @return whether the signature draws random numbers or asks for the time
   * @throws TensorArrowException with {@link ErrorCode#TA_OP_NOT_ALLOWED} or {@link
   *     ErrorCode#TA_OP_UNKNOWN}, or with {@link ErrorCode#TA_MODEL_LOAD} if the graph is for a
   *     newer TensorFlow
   */
  public boolean checkOps(
      Collection<String> allowed, String signature, Collection<String> outputs) {
    OpPolicy policy = opPolicy(allowed);
    policy.checkInitialisers();
    return checkSignature(policy, signature, outputs);
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
        new OpPolicy.Loading(roots.loadingNodes(), roots.assets(), roots.checkpoint()),
        allowed);
  }

  /**
   * Checks what a signature reaches.
   *
   * @param policy this graph's
   * @param name the signature's name
   * @param outputs those of its outputs that are fetched
   * @return whether it draws random numbers or asks for the time
   */
  public boolean checkSignature(OpPolicy policy, String name, Collection<String> outputs) {
    SignatureDef def = proto.getSignatureDefOrDefault(name, SignatureDef.getDefaultInstance());
    SortedMap<String, TensorInfo> fetches = SignatureTensors.dense(def.getOutputsMap());
    fetches.keySet().retainAll(outputs);
    return policy.checkSignature(
        name,
        nodes(fetches.values()),
        Set.copyOf(nodes(SignatureTensors.dense(def.getInputsMap()).values())));
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

  private static ModelSignature signature(String name, SignatureDef def) {
    return new ModelSignature(
        name,
        def.getMethodName(),
        SignatureTensors.specs(def.getInputsMap()),
        SignatureTensors.specs(def.getOutputsMap()));
  }
}
