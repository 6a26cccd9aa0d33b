package io.tensorarrow.spark.model;

import com.google.protobuf.ByteString;
import java.util.List;
import java.util.SplittableRandom;
import org.tensorflow.proto.AttrValue;
import org.tensorflow.proto.DataType;
import org.tensorflow.proto.FunctionDef;
import org.tensorflow.proto.MetaGraphDef;
import org.tensorflow.proto.NameAttrList;
import org.tensorflow.proto.TensorProto;
import org.tensorflow.proto.TensorShapeProto;

/** Draws numbers, texts and attributes for graphs: valid ones, and such as break them. */
final class RandomGraphValues {
  private static final long[] NUMBERS = {
    0,
    1,
    -1,
    2,
    -2,
    3,
    7,
    255,
    -128,
    1 << 16,
    Integer.MAX_VALUE,
    Integer.MIN_VALUE,
    1L << 33,
    1L << 40,
    1L << 62,
    Long.MAX_VALUE,
    Long.MIN_VALUE
  };
  private static final String[] TEXTS = {"", "x", "a:0", "^x", "é\0", "/job:nowhere/device:CPU:9"};

  private final SplittableRandom random;
  private final MetaGraphDef.Builder meta;

  RandomGraphValues(SplittableRandom random, MetaGraphDef.Builder meta) {
    this.random = random;
    this.meta = meta;
  }

  /** Draws whether to do something. */
  boolean flag() {
    return random.nextBoolean();
  }

  /** Draws a number from 0 to below the bound. */
  int index(int bound) {
    return random.nextInt(bound);
  }

  /** Draws a number from the origin to below the bound. */
  int index(int origin, int bound) {
    return random.nextInt(origin, bound);
  }

  /** Draws a text, mostly one that breaks names. */
  String text() {
    return pick(TEXTS);
  }

  /** Draws a number, mostly one at a limit. */
  long number() {
    return NUMBERS[random.nextInt(NUMBERS.length)];
  }

  /** Draws the number of a dtype, sometimes of none. */
  int type() {
    return switch (random.nextInt(6)) {
      case 0 -> DataType.DT_FLOAT_REF_VALUE;
      case 1 -> 0;
      case 2 -> 99;
      default -> random.nextInt(1, 31);
    };
  }

  /** Draws a shape, sometimes one of unknown rank or of too many dimensions. */
  TensorShapeProto shape() {
    TensorShapeProto.Builder shape = TensorShapeProto.newBuilder();
    switch (random.nextInt(6)) {
      case 0 -> shape.setUnknownRank(true);
      case 1 -> {
        for (int i = 0; i < 300; i++) {
          shape.addDimBuilder().setSize(1);
        }
      }
      default -> {
        int rank = random.nextInt(5);
        for (int i = 0; i < rank; i++) {
          shape.addDimBuilder().setSize(number());
        }
      }
    }
    return shape.build();
  }

  /** Draws an element. */
  <T> T pick(List<T> list) {
    return list.get(random.nextInt(list.size()));
  }

  /** Draws an element. */
  <T> T pick(T[] list) {
    return list[random.nextInt(list.length)];
  }

  /** Draws another value of the same kind. */
  AttrValue sameKind(AttrValue value) {
    return switch (value.getValueCase()) {
      case S -> AttrValue.newBuilder().setS(ByteString.copyFromUtf8(text())).build();
      case I -> AttrValue.newBuilder().setI(number()).build();
      case F -> AttrValue.newBuilder().setF(random.nextBoolean() ? Float.NaN : -1).build();
      case B -> AttrValue.newBuilder().setB(!value.getB()).build();
      case TYPE -> AttrValue.newBuilder().setTypeValue(type()).build();
      case SHAPE -> AttrValue.newBuilder().setShape(shape()).build();
      case TENSOR -> AttrValue.newBuilder().setTensor(constant(value.getTensor())).build();
      case FUNC -> AttrValue.newBuilder().setFunc(function()).build();
      case LIST -> list(value);
      case PLACEHOLDER, VALUE_NOT_SET -> anyValue();
    };
  }

  private AttrValue list(AttrValue value) {
    AttrValue.ListValue.Builder list = value.getList().toBuilder();
    switch (random.nextInt(4)) {
      case 0 -> list.clear();
      case 1 -> list.addTypeValue(type());
      case 2 -> {
        if (list.getTypeCount() > 0) {
          list.setTypeValue(random.nextInt(list.getTypeCount()), type());
        } else {
          list.addShape(shape());
        }
      }
      default -> list.mergeFrom(value.getList());
    }
    return AttrValue.newBuilder().setList(list).build();
  }

  /** Draws a value of any kind. */
  AttrValue anyValue() {
    AttrValue.Builder value = AttrValue.newBuilder();
    switch (random.nextInt(9)) {
      case 0 -> value.setS(ByteString.copyFromUtf8(text()));
      case 1 -> value.setI(number());
      case 2 -> value.setF(1);
      case 3 -> value.setB(true);
      case 4 -> value.setTypeValue(type());
      case 5 -> value.setShape(shape());
      case 6 -> value.setFunc(function());
      case 7 -> value.setPlaceholder("T");
      default -> value.setList(AttrValue.ListValue.newBuilder().addShape(shape()));
    }
    return value.build();
  }

  /** Draws the name of one of the graph's functions, or another text. */
  NameAttrList function() {
    List<FunctionDef> functions = meta.getGraphDef().getLibrary().getFunctionList();
    String name =
        functions.isEmpty() || random.nextInt(4) == 0
            ? text()
            : pick(functions).getSignature().getName();
    return NameAttrList.newBuilder().setName(name).build();
  }

  /** Returns a constant with one part drawn anew. */
  TensorProto constant(TensorProto tensor) {
    TensorProto.Builder changed = tensor.toBuilder();
    switch (random.nextInt(6)) {
      case 0 -> changed.setDtypeValue(type());
      case 1 -> changed.setTensorContent(ByteString.copyFrom(new byte[random.nextInt(40)]));
      case 2 -> changed.clearFloatVal().clearIntVal().clearStringVal().clearTensorContent();
      case 3 -> changed.addFloatVal(1).addIntVal((int) number()).addInt64Val(number());
      case 4 -> changed.setTensorShape(shape());
      default -> {
        changed.clearTensorContent().clearIntVal().clearInt64Val();
        for (int i = 0; i < 3; i++) {
          changed.addIntVal((int) number()).addInt64Val(number());
        }
      }
    }
    return changed.build();
  }
}
