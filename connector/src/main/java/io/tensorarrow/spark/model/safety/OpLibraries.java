package io.tensorarrow.spark.model.safety;

import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;

/** Where operations come from that TensorFlow itself does not have, as far as they are known. */
final class OpLibraries {
  private record Library(String name, Pattern ops) {}

  private static final List<Library> KNOWN =
      List.of(
          library(
              "TensorFlow Text",
              "TFText>.*|Sentencepiece.*|.*Tokenize(V2|WithOffsets|WithOffsetsV2)?|.*Detokenize.*|CaseFoldUTF8|NormalizeUTF8.*"
                  + "|FastBertNormalize.*|RegexSplitWithOffsets|SentenceFragments.*|ConstrainedSequence|MaxSpanningTree|RougeL"
                  + "|.*TokenizerFromLogits|SplitMerge.*|UnicodeScriptTokenize.*|Utf8Binarize|RoundRobinTrim.*"),
          library("TensorFlow Decision Forests", "SimpleML.*"),
          library("TensorFlow Addons", "Addons>.*"),
          library("TensorFlow I/O", "IO>.*"),
          library("TensorFlow Recommenders Addons", "TFRA>.*"),
          library("DeepRec", "Kv(VarHandleOp|Resource.*|VariableShape.*)"),
          library("TensorRT", "TRTEngineOp|CreateTRTResourceHandle|InitializeTRTResource"),
          library("AWS Neuron", "NeuronOp"),
          library("Horovod", "Horovod.*"),
          library("TensorFlow Lite", "TFLite_.*|AudioMicrofrontend"),
          library(
              "tf.contrib of TensorFlow 1",
              "GatherTree|TensorForest.*|DecisionTree.*|TreePredictions.*|ImageProjectiveTransform|ImageConnectedComponents"
                  + "|KafkaDataset|FertileStats.*|HardRoutingFunction|StochasticHardRoutingFunction|SparseFeatureCross.*"));

  private OpLibraries() {}

  /** Returns the library that has the operation, if it is known. */
  static Optional<String> of(String op) {
    return KNOWN.stream()
        .filter(library -> library.ops().matcher(op).matches())
        .findFirst()
        .map(Library::name);
  }

  private static Library library(String name, String ops) {
    return new Library(name, Pattern.compile(ops));
  }
}
