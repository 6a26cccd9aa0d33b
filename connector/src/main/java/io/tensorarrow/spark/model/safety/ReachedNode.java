package io.tensorarrow.spark.model.safety;

/** A node and how it was reached. */
record ReachedNode(CallPath path, OpNode node) {}
