package io.tensorarrow.spark.testing;

import com.google.protobuf.ByteString;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.tensorflow.proto.AttrValue;
import org.tensorflow.proto.DataType;
import org.tensorflow.proto.FunctionDef;
import org.tensorflow.proto.GraphDef;
import org.tensorflow.proto.MetaGraphDef;
import org.tensorflow.proto.NameAttrList;
import org.tensorflow.proto.NodeDef;
import org.tensorflow.proto.OpDef;
import org.tensorflow.proto.SavedModel;
import org.tensorflow.proto.SaverDef;
import org.tensorflow.proto.SignatureDef;
import org.tensorflow.proto.TensorInfo;
import org.tensorflow.proto.TensorProto;
import org.tensorflow.proto.TensorShapeProto;
import org.tensorflow.proto.VersionDef;

/** Puts a graph together node by node and writes it as a SavedModel; nothing but protos. */
final class GraphWriter {
  /** A version of graphs that TensorFlow 2.18 still reads and writes. */
  private static final int PRODUCER = 1994;

  final GraphDef.Builder graph =
      GraphDef.newBuilder().setVersions(VersionDef.newBuilder().setProducer(PRODUCER));
  final MetaGraphDef.Builder meta =
      MetaGraphDef.newBuilder()
          .setMetaInfoDef(
              MetaGraphDef.MetaInfoDef.newBuilder()
                  .addTags("serve")
                  .setTensorflowVersion("2.18.0"));

  static NodeDef node(String name, String op, List<String> inputs, Map<String, AttrValue> attrs) {
    return NodeDef.newBuilder()
        .setName(name)
        .setOp(op)
        .addAllInput(inputs)
        .putAllAttr(attrs)
        .build();
  }

  GraphWriter add(String name, String op, List<String> inputs, Map<String, AttrValue> attrs) {
    graph.addNode(node(name, op, inputs, attrs));
    return this;
  }

  /** Adds an op whose only attribute is the type T of its inputs. */
  GraphWriter add(String name, String op, DataType type, String... inputs) {
    return add(name, op, Arrays.asList(inputs), Map.of("T", type(type)));
  }

  GraphWriter placeholder(String name, DataType type) {
    return add(name, "Placeholder", List.of(), Map.of("dtype", type(type)));
  }

  GraphWriter constant(String name, TensorProto value) {
    return add(
        name, "Const", List.of(), Map.of("dtype", type(value.getDtype()), "value", tensor(value)));
  }

  GraphWriter function(FunctionDef function) {
    graph.getLibraryBuilder().addFunction(function);
    return this;
  }

  GraphWriter signature(
      String name, Map<String, TensorInfo> inputs, Map<String, TensorInfo> outputs) {
    meta.putSignatureDef(
        name,
        SignatureDef.newBuilder()
            .setMethodName("tensorflow/serving/predict")
            .putAllInputs(inputs)
            .putAllOutputs(outputs)
            .build());
    return this;
  }

  /** Adds a float variable and a node that reads it, {@code <name>/read}. */
  GraphWriter variable(String name, long... dims) {
    add(
        name,
        "VarHandleOp",
        List.of(),
        Map.of("dtype", type(DataType.DT_FLOAT), "shape", shape(dims), "shared_name", text("")));
    add(name + "/read", "ReadVariableOp", List.of(name), Map.of("dtype", type(DataType.DT_FLOAT)));
    return this;
  }

  /** Adds nodes that restore float variables from the checkpoint, and the saver that names them. */
  GraphWriter restore(List<String> names) {
    placeholder("saver_filename", DataType.DT_STRING);
    constant("names", texts(names.toArray(String[]::new)));
    constant("slices", texts(names.stream().map(name -> "").toArray(String[]::new)));
    DataType[] types = names.stream().map(name -> DataType.DT_FLOAT).toArray(DataType[]::new);
    add(
        "restore",
        "RestoreV2",
        List.of("saver_filename", "names", "slices"),
        Map.of("dtypes", types(types)));
    List<String> assigned = new ArrayList<>();
    for (int i = 0; i < names.size(); i++) {
      add(
          "assign" + i,
          "AssignVariableOp",
          List.of(names.get(i), "restore:" + i),
          Map.of("dtype", type(DataType.DT_FLOAT)));
      assigned.add("^assign" + i);
    }
    add("restore_all", "NoOp", assigned, Map.of());
    meta.setSaverDef(
        SaverDef.newBuilder()
            .setFilenameTensorName("saver_filename:0")
            .setRestoreOpName("restore_all")
            .setVersion(SaverDef.CheckpointFormatVersion.V2));
    return this;
  }

  /** Writes {@code saved_model.pb} and returns the SavedModel's directory. */
  Path write(Path directory) {
    try {
      Files.createDirectories(directory);
      SavedModel model =
          SavedModel.newBuilder()
              .setSavedModelSchemaVersion(1)
              .addMetaGraphs(meta.setGraphDef(graph))
              .build();
      Files.write(directory.resolve("saved_model.pb"), model.toByteArray());
      return directory;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Makes a constant for the body of a function. */
  static NodeDef constantNode(String name, TensorProto value) {
    return node(
        name, "Const", List.of(), Map.of("dtype", type(value.getDtype()), "value", tensor(value)));
  }

  /** Makes a parameter or result of a function. */
  static OpDef.ArgDef argument(String name, DataType type) {
    return OpDef.ArgDef.newBuilder().setName(name).setType(type).build();
  }

  static AttrValue type(DataType type) {
    return AttrValue.newBuilder().setType(type).build();
  }

  static AttrValue types(DataType... types) {
    return AttrValue.newBuilder()
        .setList(AttrValue.ListValue.newBuilder().addAllType(Arrays.asList(types)))
        .build();
  }

  static AttrValue text(String value) {
    return AttrValue.newBuilder().setS(ByteString.copyFromUtf8(value)).build();
  }

  static AttrValue number(long value) {
    return AttrValue.newBuilder().setI(value).build();
  }

  static AttrValue flag(boolean value) {
    return AttrValue.newBuilder().setB(value).build();
  }

  static AttrValue functionName(String name) {
    return AttrValue.newBuilder().setFunc(NameAttrList.newBuilder().setName(name)).build();
  }

  static AttrValue tensor(TensorProto value) {
    return AttrValue.newBuilder().setTensor(value).build();
  }

  static AttrValue shape(long... dims) {
    return AttrValue.newBuilder().setShape(dims(dims)).build();
  }

  static TensorProto floats(float value) {
    return TensorProto.newBuilder()
        .setDtype(DataType.DT_FLOAT)
        .setTensorShape(dims())
        .addFloatVal(value)
        .build();
  }

  static TensorProto doubles(double value) {
    return TensorProto.newBuilder()
        .setDtype(DataType.DT_DOUBLE)
        .setTensorShape(dims())
        .addDoubleVal(value)
        .build();
  }

  static TensorProto longs(long value) {
    return TensorProto.newBuilder()
        .setDtype(DataType.DT_INT64)
        .setTensorShape(dims())
        .addInt64Val(value)
        .build();
  }

  static TensorProto ints(int value) {
    return TensorProto.newBuilder()
        .setDtype(DataType.DT_INT32)
        .setTensorShape(dims())
        .addIntVal(value)
        .build();
  }

  static TensorProto intVector(int... values) {
    ByteBuffer bytes =
        ByteBuffer.allocate(values.length * Integer.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    bytes.asIntBuffer().put(values);
    return TensorProto.newBuilder()
        .setDtype(DataType.DT_INT32)
        .setTensorShape(dims(values.length))
        .setTensorContent(ByteString.copyFrom(bytes))
        .build();
  }

  static TensorProto floatVector(float... values) {
    TensorProto.Builder tensor =
        TensorProto.newBuilder().setDtype(DataType.DT_FLOAT).setTensorShape(dims(values.length));
    for (float value : values) {
      tensor.addFloatVal(value);
    }
    return tensor.build();
  }

  static TensorProto texts(String... values) {
    TensorProto.Builder tensor =
        TensorProto.newBuilder().setDtype(DataType.DT_STRING).setTensorShape(dims(values.length));
    for (String value : values) {
      tensor.addStringVal(ByteString.copyFromUtf8(value));
    }
    return tensor.build();
  }

  static TensorInfo info(String tensor, DataType type, long... dims) {
    return TensorInfo.newBuilder()
        .setName(tensor)
        .setDtype(type)
        .setTensorShape(dims(dims))
        .build();
  }

  static TensorInfo infoOfUnknownRank(String tensor, DataType type) {
    return TensorInfo.newBuilder()
        .setName(tensor)
        .setDtype(type)
        .setTensorShape(TensorShapeProto.newBuilder().setUnknownRank(true))
        .build();
  }

  static TensorShapeProto dims(long... dims) {
    TensorShapeProto.Builder shape = TensorShapeProto.newBuilder();
    for (long dim : dims) {
      shape.addDim(TensorShapeProto.Dim.newBuilder().setSize(dim));
    }
    return shape.build();
  }
}
