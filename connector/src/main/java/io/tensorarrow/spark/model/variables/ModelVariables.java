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
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import org.tensorflow.proto.BundleEntryProto;
import org.tensorflow.proto.BundleHeaderProto;
import org.tensorflow.proto.TensorShapeProto;
import org.tensorflow.proto.TensorSliceProto;
import org.tensorflow.proto.TrackableObjectGraphOuterClass.TrackableObjectGraph;

/**
 * Lists the variables of a SavedModel, from its checkpoint's table of contents and without their
 * data.
 */
public final class ModelVariables {
  private static final int MAX_INDEX_BYTES = 256 << 20;

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

  /**
   * Lists the variables.
   *
   * @param files a SavedModel, found to be complete
   * @return all tensors of the checkpoint, without what Keras 3 saves a second time, in the order
   *     in which they are there; none if there is no checkpoint
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
      sizes = CheckpointIndex.read(in.readNBytes(MAX_INDEX_BYTES), listing);
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
    VariableNames names = new VariableNames(listing.entries, objectGraph());
    List<ModelVariable> variables = new ArrayList<>();
    for (String key : names.keys()) {
      BundleEntryProto entry = Objects.requireNonNull(listing.entries.get(key));
      variables.add(variable(names.of(key), key, entry));
    }
    variables.sort(
        Comparator.comparing((ModelVariable variable) -> variable.parts().get(0).file())
            .thenComparing(variable -> variable.parts().get(0).offset()));
    return variables;
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
      long totalBytes = 0;
      for (Part part : variable.parts()) {
        long bytes = bytes(part.extent(), width);
        if (bytes != part.size()) {
          throw damaged(variable.name(), part.size() + " bytes for a shape that takes " + bytes);
        }
        totalBytes = Math.addExact(totalBytes, bytes);
      }
      if (totalBytes != bytes(variable.shape(), width)) {
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

  /** Reads the graph of the model's objects; an empty one if there is none. */
  private TrackableObjectGraph objectGraph() throws InvalidModelException, IOException {
    String key = VariableNames.OBJECT_GRAPH;
    BundleEntryProto entry = listing.entries.get(key);
    if (entry == null) {
      return TrackableObjectGraph.getDefaultInstance();
    }
    ModelVariable graph = variable(key, key, entry);
    if (!graph.shape().isEmpty()
        || !graph.dtype().equals(Optional.of(DType.STRING))
        || graph.parts().size() != 1
        || graph.size() > MAX_INDEX_BYTES) {
      throw damaged(key, "no graph of objects");
    }
    try (VariableReader reader = VariableReader.of(files)) {
      return TrackableObjectGraph.parseFrom(StoredStrings.only(reader.bytes(graph)));
    } catch (InvalidProtocolBufferException e) {
      throw damaged(key, "no graph of objects");
    }
  }

  private static InvalidModelException damaged(String name, String found) {
    return InvalidModelException.corrupt(
        found + " for '" + name + "' in " + SavedModelLayout.INDEX,
        "the file as TensorFlow wrote it");
  }
}
