/**
 * What tests of several rooms share: models written in Java, without Python and without native
 * code.
 */
@NullMarked
package io.tensorarrow.spark.testing;

import org.jspecify.annotations.NullMarked;
