/**
 * Every option and setting, declared once with key, type, default, check, documentation and the
 * version it came with.
 *
 * <p>The reference of options and settings is generated from these declarations; a test fails when
 * they differ.
 *
 * <p>Everything here is immutable, so any thread may use it; no native memory.
 */
@NullMarked
package io.tensorarrow.spark.options;

import org.jspecify.annotations.NullMarked;
