/**
 * What the Spark UI shows of a scan: one small public class per metric, made again by class name on
 * the driver and in the History Server. They depend on nothing but Spark.
 *
 * <p>Immutable, so any thread may use them; no native memory.
 */
@NullMarked
package io.tensorarrow.spark.metrics;

import org.jspecify.annotations.NullMarked;
