/**
 * Tests that see the packaged jar alone, as a user does: as a file, on the class path of a real
 * Spark, or shipped to real Python workers. None of the connector's classes is here to compile
 * against.
 */
@NullMarked
package io.tensorarrow.it;

import org.jspecify.annotations.NullMarked;
