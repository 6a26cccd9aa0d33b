/**
 * TensorArrow: TensorFlow SavedModels as a Spark 3.5 data source.
 *
 * <p>This root package holds what users and Spark name: the data source, the session extensions and
 * the public Java API. The rooms behind it are {@code errors}, {@code options}, {@code model},
 * {@code tensor}, {@code inference}, {@code source}, {@code sql}, {@code python} and {@code
 * metrics}; what each must not know is held by {@code ArchitectureTest}.
 */
@NullMarked
package io.tensorarrow.spark;

import org.jspecify.annotations.NullMarked;
