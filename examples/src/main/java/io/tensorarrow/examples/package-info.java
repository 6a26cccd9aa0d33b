/** Runnable examples in Java. They use Spark's public API only and hold no native memory. */
@NullMarked
package io.tensorarrow.examples;

import org.jspecify.annotations.NullMarked;
