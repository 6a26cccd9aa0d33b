/**
 * What is checked of a model's graph, in pure Java, before native code sees it: whether it is well
 * formed ({@code GraphValidator}), and whether what it reaches may be reached ({@code OpPolicy}).
 *
 * <p>Immutable and static things only, usable by any thread; no native memory.
 */
@NullMarked
package io.tensorarrow.spark.model.safety;

import org.jspecify.annotations.NullMarked;
