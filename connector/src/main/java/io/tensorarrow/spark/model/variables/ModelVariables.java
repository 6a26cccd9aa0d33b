package io.tensorarrow.spark.model.variables;

import com.google.protobuf.InvalidProtocolBufferException;
import io.tensorarrow.spark.errors.ErrorCode;
import io.tensorarrow.spark.errors.TensorArrowException;
import io.tensorarrow.spark.model.savedmodel.CheckpointIndex;
import io.tensorarrow.spark.model.savedmodel.CompletenessCheck;
import io.tensorarrow.spark.model.savedmodel.InvalidModelException;
import io.tensorarrow.spark.model.savedmodel.SavedModelLayout;
import io.tensorarrow.spark.model.store.ModelEntry;
import io.tensorarrow.spark.model.store.ModelFiles;
import io.tensorarrow.spark.model.variables.ModelVariable.Part;
import io.tensorarrow.spark.tensor.DType;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.tensorflow.proto.BundleEntryProto;
import org.tensorflow.proto.BundleHeaderProto;
import org.tensorflow.proto.TensorShapeProto;
import org.tensorflow.proto.TensorSliceProto;
import org.tensorflow.proto.TrackableObjectGraphOuterClass.TrackableObjectGraph;

/**
 * Lists the variables of a SavedModel, from its checkpoint's table of contents and without their
 * data.
 *
 * <p>TensorFlow 2 saves a variable under its path through the model's objects, {@code
 * layers/0/kernel/.ATTRIBUTES/VARIABLE_VALUE}, and tells in the graph of these objects what the
 * variable itself is called, {@code dense/kernel}. That name counts, unless several variables have
 * it; else the path without its end does. What Keras 3 saves a second time is left out. TensorFlow
 * 1 saves variables under their names.
 */
public final class ModelVariables {
  private static final String OBJECT_GRAPH = "_CHECKPOINTABLE_OBJECT_GRAPH";
  private static final String SUFFIX = "/.ATTRIBUTES/VARIABLE_VALUE";

  /** Where {@code model.export} of Keras 3 saves each variable a second time. */
  private static final String KERAS_COPIES = "_all_variables/";

  private static final int LARGEST_INDEX = 256 << 20;

  private final ModelFiles files;
  private final Listing listing;
  private final int shards;

  private ModelVariables(ModelFiles files, Listing listing, int shards) {
    this.files = files;
    this.listing = listing;
    this.shards = shards;
  }

  /** What the table of contents says, by key. Keys of parts are bytes: one character for each. */
  private static final class Listing implements CheckpointIndex.Visitor {
    private final SortedMap<String, BundleEntryProto> entries = new TreeMap<>();
    private boolean littleEndian = true;

    @Override
    public void header(BundleHeaderProto header) {
      littleEndian = header.getEndianness() == BundleHeaderProto.Endianness.LITTLE;
    }

    @Override
    public void entry(ByteBuffer key, BundleEntryProto entry) {
      entries.put(StandardCharsets.ISO_8859_1.decode(key).toString(), entry);
    }
  }

  /** What two entries of one variable have in common. */
  private record Content(String name, int dtype, TensorShapeProto shape, long size, int checksum) {
    static Content of(String name, BundleEntryProto entry) {
      return new Content(
          name, entry.getDtypeValue(), entry.getShape(), entry.getSize(), entry.getCrc32C());
    }
  }

  /**
   * Lists the variables.
   *
   * @param files a SavedModel, found to be complete
   * @return all tensors of the checkpoint, without what Keras 3 saves a second time, in the order
   *     in which they lie there; none if there is no checkpoint
   * @throws TensorArrowException with {@link ErrorCode#TA_MODEL_CORRUPT} if the checkpoint's table
   *     of contents or the graph of objects is damaged, with {@link ErrorCode#TA_UNSUPPORTED} if it
   *     is compressed or of a machine with the other byte order, with {@link
   *     ErrorCode#TA_MODEL_FETCH} if a remote file system does not give it
   */
  public static List<ModelVariable> list(ModelFiles files) {
    try {
      Optional<ModelEntry> index = files.find(SavedModelLayout.INDEX);
      return index.isEmpty() ? List.of() : read(files, index.get()).variables();
    } catch (InvalidModelException e) {
      throw e.of(files.location());
    } catch (IOException e) {
      throw files.unreadable(e);
    }
  }

  private static ModelVariables read(ModelFiles files, ModelEntry index)
      throws InvalidModelException, IOException {
    CompletenessCheck.requireFile(index);
    Listing listing = new Listing();
    Optional<long[]> sizes;
    try (InputStream in = files.open(index.name())) {
      sizes = CheckpointIndex.read(in.readNBytes(LARGEST_INDEX), listing);
    } catch (CheckpointIndex.MalformedException e) {
      throw InvalidModelException.corrupt(
          "a " + index.name() + " that is " + e.getMessage(), "the file as TensorFlow wrote it", e);
    }
    if (sizes.isEmpty() || !listing.littleEndian) {
      throw TensorArrowException.cannot(
              ErrorCode.TA_UNSUPPORTED, "read the variables of model '%s'", files.location())
          .found("a checkpoint %s", sizes.isEmpty() ? "with a compressed index" : "in big-endian")
          .expected(
              "an uncompressed one in little-endian byte order, as TensorFlow writes it on x86 and"
                  + " ARM");
    }
    return new ModelVariables(files, listing, sizes.get().length);
  }

  private List<ModelVariable> variables() throws InvalidModelException, IOException {
    Map<String, String> objects = names();
    leaveOutCopies(objects);
    Map<String, String> names = unambiguous(objects);
    List<ModelVariable> variables = new ArrayList<>();
    for (Map.Entry<String, BundleEntryProto> entry : listing.entries.entrySet()) {
      String key = entry.getKey();
      if (isVariable(key)) {
        variables.add(variable(names.getOrDefault(key, plain(key)), key, entry.getValue()));
      }
    }
    variables.sort(
        Comparator.comparing((ModelVariable variable) -> variable.parts().get(0).file())
            .thenComparing(variable -> variable.parts().get(0).offset()));
    return variables;
  }

  private static boolean isVariable(String key) {
    return !key.equals(OBJECT_GRAPH) && !PartKey.isPart(key);
  }

  /** Returns a key without what stands at the end of all of them. */
  private static String plain(String key) {
    String name = new String(key.getBytes(StandardCharsets.ISO_8859_1), StandardCharsets.UTF_8);
    return name.endsWith(SUFFIX) ? name.substring(0, name.length() - SUFFIX.length()) : name;
  }

  private ModelVariable variable(String name, String key, BundleEntryProto entry)
      throws InvalidModelException {
    List<Long> shape = shape(name, entry.getShape());
    List<Part> parts = new ArrayList<>();
    if (entry.getSlicesCount() == 0) {
      parts.add(part(entry, shape.stream().map(dim -> 0L).toList(), shape));
    }
    for (TensorSliceProto slice : entry.getSlicesList()) {
      BundleEntryProto stored = listing.entries.get(PartKey.of(key, slice));
      if (stored == null || slice.getExtentCount() != shape.size()) {
        throw damaged(name, "a part that is not there");
      }
      List<Long> begin =
          slice.getExtentList().stream().map(TensorSliceProto.Extent::getStart).toList();
      List<Long> extent = shape(name, stored.getShape());
      for (int dim = 0; dim < shape.size(); dim++) {
        long start = begin.get(dim);
        if (extent.size() != shape.size()
            || start < 0
            || start > shape.get(dim)
            || extent.get(dim) > shape.get(dim) - start) {
          throw damaged(name, "a part outside of its shape " + shape);
        }
      }
      parts.add(part(stored, begin, extent));
    }
    ModelVariable variable = new ModelVariable(name, entry.getDtypeValue(), shape, parts);
    checkSize(variable);
    return variable;
  }

  private Part part(BundleEntryProto stored, List<Long> begin, List<Long> extent) {
    return new Part(
        SavedModelLayout.shard(stored.getShardId(), shards),
        stored.getOffset(),
        stored.getSize(),
        stored.getCrc32C(),
        begin,
        extent);
  }

  private static List<Long> shape(String name, TensorShapeProto proto)
      throws InvalidModelException {
    List<Long> shape = proto.getDimList().stream().map(TensorShapeProto.Dim::getSize).toList();
    if (proto.getUnknownRank() || shape.stream().anyMatch(dim -> dim < 0)) {
      throw damaged(name, "an incomplete shape");
    }
    return shape;
  }

  private static void checkSize(ModelVariable variable) throws InvalidModelException {
    Optional<DType> dtype = variable.dtype();
    if (dtype.isEmpty() || isOfAnyLength(dtype.get())) {
      return;
    }
    int width = dtype.get().byteSize();
    try {
      long all = 0;
      for (Part part : variable.parts()) {
        long bytes = bytes(part.extent(), width);
        if (bytes != part.size()) {
          throw damaged(variable.name(), part.size() + " bytes for a shape that takes " + bytes);
        }
        all = Math.addExact(all, bytes);
      }
      if (all != bytes(variable.shape(), width)) {
        throw damaged(variable.name(), "parts that are not all of its shape " + variable.shape());
      }
    } catch (ArithmeticException e) {
      throw damaged(variable.name(), "a shape that no memory holds");
    }
  }

  private static long bytes(List<Long> shape, int width) {
    // A dimension of 0 hides those that are too long.
    return shape.contains(0L) ? 0 : shape.stream().reduce((long) width, Math::multiplyExact);
  }

  /** Returns whether the bytes of a tensor do not follow from its shape. */
  private static boolean isOfAnyLength(DType dtype) {
    return dtype == DType.STRING || dtype == DType.RESOURCE || dtype == DType.VARIANT;
  }

  /** Returns what the graph of objects calls the variables, by key. */
  private Map<String, String> names() throws InvalidModelException, IOException {
    BundleEntryProto entry = listing.entries.get(OBJECT_GRAPH);
    if (entry == null) {
      return Map.of();
    }
    ModelVariable graph = variable(OBJECT_GRAPH, OBJECT_GRAPH, entry);
    if (!graph.shape().isEmpty()
        || !graph.dtype().equals(Optional.of(DType.STRING))
        || graph.parts().size() != 1
        || graph.size() > LARGEST_INDEX) {
      throw damaged(OBJECT_GRAPH, "no graph of objects");
    }
    Map<String, String> names = new HashMap<>();
    try (VariableReader reader = VariableReader.of(files)) {
      TrackableObjectGraph.parseFrom(StoredStrings.only(reader.bytes(graph)))
          .getNodesList()
          .stream()
          .flatMap(node -> node.getAttributesList().stream())
          .filter(attribute -> !attribute.getFullName().isEmpty())
          .forEach(
              attribute -> names.put(keyOf(attribute.getCheckpointKey()), attribute.getFullName()));
    } catch (InvalidProtocolBufferException e) {
      throw damaged(OBJECT_GRAPH, "no graph of objects");
    }
    names.keySet().retainAll(listing.entries.keySet());
    return names;
  }

  private static String keyOf(String name) {
    return new String(name.getBytes(StandardCharsets.UTF_8), StandardCharsets.ISO_8859_1);
  }

  private void leaveOutCopies(Map<String, String> names) {
    Set<Content> originals = new HashSet<>();
    listing.entries.forEach(
        (key, entry) -> {
          String name = names.get(key);
          if (name != null && !key.startsWith(KERAS_COPIES)) {
            originals.add(Content.of(name, entry));
          }
        });
    listing
        .entries
        .entrySet()
        .removeIf(
            entry -> {
              String name = names.get(entry.getKey());
              return name != null
                  && entry.getKey().startsWith(KERAS_COPIES)
                  && originals.contains(Content.of(name, entry.getValue()));
            });
    names.keySet().retainAll(listing.entries.keySet());
  }

  /** Keeps the names that one variable each has. */
  private Map<String, String> unambiguous(Map<String, String> names) {
    Map<String, Long> uses =
        names.values().stream().collect(Collectors.groupingBy(n -> n, Collectors.counting()));
    Set<String> paths =
        listing.entries.keySet().stream()
            .filter(ModelVariables::isVariable)
            .map(ModelVariables::plain)
            .collect(Collectors.toSet());
    Map<String, String> one = new HashMap<>();
    names.forEach(
        (key, name) -> {
          if (uses.getOrDefault(name, 0L) == 1
              && (!paths.contains(name) || name.equals(plain(key)))) {
            one.put(key, name);
          }
        });
    return one;
  }

  private static InvalidModelException damaged(String name, String found) {
    return InvalidModelException.corrupt(
        found + " for '" + name + "' in " + SavedModelLayout.INDEX,
        "the file as TensorFlow wrote it");
  }
}
