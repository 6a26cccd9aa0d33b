package io.tensorarrow.spark.model;

import java.util.List;
import org.tensorflow.proto.FunctionDef;
import org.tensorflow.proto.MetaGraphDef;
import org.tensorflow.proto.NodeDef;
import org.tensorflow.proto.OpDef;

/** Breaks a function of a graph. Methods return whether the change applies to the function. */
final class FunctionMutator {
  private final RandomGraphValues values;
  private final NodeMutator nodes;
  private final MetaGraphDef.Builder meta;

  FunctionMutator(RandomGraphValues values, NodeMutator nodes, MetaGraphDef.Builder meta) {
    this.values = values;
    this.nodes = nodes;
    this.meta = meta;
  }

  /** Changes, adds or removes a parameter. */
  boolean changeParameter(FunctionDef.Builder function) {
    OpDef.Builder signature = function.getSignatureBuilder();
    if (values.index(4) == 0) {
      function.putArgAttr((int) values.number(), FunctionDef.ArgAttrs.getDefaultInstance());
      function.putResourceArgUniqueId((int) values.number(), (int) values.number());
      return true;
    }
    if (signature.getInputArgCount() == 0 || values.index(4) == 0) {
      signature.addInputArg(argument("new"));
      return true;
    }
    int at = values.index(signature.getInputArgCount());
    if (values.flag()) {
      signature.setInputArg(at, argument(signature.getInputArg(at).getName()));
    } else {
      signature.removeInputArg(at);
    }
    return true;
  }

  /** Changes, adds or removes a result. */
  boolean changeResult(FunctionDef.Builder function) {
    OpDef.Builder signature = function.getSignatureBuilder();
    if (signature.getOutputArgCount() == 0 || values.index(4) == 0) {
      signature.addOutputArg(argument("new"));
      return true;
    }
    int at = values.index(signature.getOutputArgCount());
    if (values.flag()) {
      signature.setOutputArg(at, argument(signature.getOutputArg(at).getName()));
    } else {
      signature.removeOutputArg(at);
    }
    return true;
  }

  private OpDef.ArgDef argument(String name) {
    OpDef.ArgDef.Builder argument = OpDef.ArgDef.newBuilder().setName(name);
    switch (values.index(5)) {
      case 0 -> argument.setTypeAttr("T");
      case 1 -> argument.setTypeListAttr("T");
      case 2 -> argument.setTypeValue(values.type()).setNumberAttr("N");
      default -> argument.setTypeValue(values.type());
    }
    return argument.build();
  }

  /** Changes what a result is taken from. */
  boolean changeReturn(FunctionDef.Builder function) {
    List<String> results = function.getRetMap().keySet().stream().sorted().toList();
    if (results.isEmpty() || values.index(4) == 0) {
      function.putControlRet("new", values.text());
      return true;
    }
    String result = values.pick(results);
    switch (values.index(3)) {
      case 0 -> function.removeRet(result);
      case 1 -> function.putRet(result, values.text());
      default -> {
        List<NodeDef> body = function.getNodeDefList();
        if (body.isEmpty()) {
          return false;
        }
        function.putRet(result, nodes.output(values.pick(body), 0));
      }
    }
    return true;
  }

  /** Renames, removes or repeats the function, or lets it call itself. */
  boolean changeLibrary(FunctionDef.Builder function, int at) {
    switch (values.index(4)) {
      case 0 -> function.getSignatureBuilder().setName(values.text());
      case 1 -> meta.getGraphDefBuilder().getLibraryBuilder().removeFunction(at);
      case 2 ->
          meta.getGraphDefBuilder().getLibraryBuilder().addFunction(function.build().toBuilder());
      default ->
          function.addNodeDef(
              NodeDef.newBuilder()
                  .setName("self")
                  .setOp(function.getSignature().getName())
                  .addAllInput(
                      function.getSignature().getInputArgList().stream()
                          .map(OpDef.ArgDef::getName)
                          .toList()));
    }
    return true;
  }
}
