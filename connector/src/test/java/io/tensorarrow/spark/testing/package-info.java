/**
 * What tests of several packages share: models written in Java, without Python and without native
 * code.
 */
@NullMarked
package io.tensorarrow.spark.testing;

import org.jspecify.annotations.NullMarked;
