/**
 * The room for columnar hand-over to Python workers. It holds nothing in this version: tensors
 * reach Python by Spark's stock way, through rows. Whatever comes to live here must not know
 * TensorFlow.
 */
@NullMarked
package io.tensorarrow.spark.python;

import org.jspecify.annotations.NullMarked;
