/**
 * What tests of several packages share: models written in Java, without Python and without native
 * code, bases of tests with a Spark session or table formats, and helpers for child processes, logs
 * and killed tasks.
 */
@NullMarked
package io.tensorarrow.spark.testing;

import org.jspecify.annotations.NullMarked;
