package io.tensorarrow.spark.model.safety;

import java.util.Locale;

/** What an operation touches, and from where it may be reached. */
enum OpKind {
  /** Its own tensors and nothing else. */
  COMPUTE(Reach.ANYONE, "computes"),
  /** The same, for bytes that come from outside. */
  PARSE(Reach.ANYONE, "decodes bytes"),
  /** Functions, branches, loops, order, assertions. */
  CONTROL(Reach.ANYONE, "runs functions of the model"),
  /** A generator's state, or the clock. */
  RANDOM(Reach.ANYONE, "draws random numbers"),
  /** Stacks, tensor arrays, lists and locks that end with the call. */
  CALL_RESOURCE(Reach.ANYONE, "keeps tensors as long as the call lasts"),
  /** Pipelines over tensors in memory. */
  DATASET(Reach.ANYONE, "iterates over tensors in memory"),
  VARIABLE_READ(Reach.ANYONE, "reads variables"),
  TABLE_READ(Reach.ANYONE, "looks up tables"),

  VARIABLE_WRITE(Reach.INITIALISERS, "changes variables, which outlive the call"),
  TABLE_WRITE(Reach.INITIALISERS, "changes tables, which outlive the call"),
  /** A table from a text file. */
  TABLE_FILE(Reach.INITIALISERS_WITH_OWN_ASSETS, "fills a table from a file"),
  /** Tensors from a checkpoint. */
  RESTORE(Reach.INITIALISERS_WITH_OWN_CHECKPOINT, "reads a checkpoint"),

  /** A file that an attribute names; without it, the operation computes. */
  NAMED_FILE(Reach.WITHOUT_FILE, "reads the file that its attribute names"),

  FILE(Reach.NOBODY, "reads or writes files"),
  SAVE(Reach.NOBODY, "writes a checkpoint"),
  SUMMARY_WRITER(Reach.NOBODY, "writes event files"),
  DEBUG(Reach.NOBODY, "sends tensors to a debugger, through files or the network"),
  NETWORK(Reach.NOBODY, "uses the network"),
  DISTRIBUTED(Reach.NOBODY, "talks to other devices or processes"),
  TPU(Reach.NOBODY, "needs a TPU"),
  PYTHON(Reach.NOBODY, "needs Python, which runs code that is not in the model"),
  PRINT(Reach.NOBODY, "prints to the executor's output"),
  /** Where reachability ends, since what is run is data. */
  GRAPH(Reach.NOBODY, "runs or handles a serialized program that can't be looked into"),
  NATIVE_CODE(Reach.NOBODY, "calls native code by its name"),
  PROCESS(Reach.NOBODY, "ends or configures the process"),
  /** Queues, barriers, staging areas, named iterators, batching across calls. */
  SHARED(Reach.NOBODY, "keeps state that calls share"),
  IN_PLACE(Reach.NOBODY, "overwrites the tensor that it is given"),
  INTERNAL(Reach.NOBODY, "is one that TensorFlow puts into graphs only while it runs them");

  /** Who may reach an operation. */
  enum Reach {
    ANYONE,
    INITIALISERS,
    INITIALISERS_WITH_OWN_ASSETS,
    INITIALISERS_WITH_OWN_CHECKPOINT,
    WITHOUT_FILE,
    NOBODY
  }

  private final Reach reach;
  private final String touches;

  OpKind(Reach reach, String touches) {
    this.reach = reach;
    this.touches = touches;
  }

  /** Returns who may reach it. */
  Reach reach() {
    return reach;
  }

  /** Returns what it does, to follow "which". */
  String touches() {
    return touches;
  }

  /** Parses the table's spelling, {@code variable-read}. */
  static OpKind of(String text) {
    return valueOf(text.toUpperCase(Locale.ROOT).replace('-', '_'));
  }
}
