/**
 * What a user reads when something can't be done: one exception type with a code, and the wording
 * rules that all packages share.
 *
 * <p>Every message has the form {@code [TA_CODE] Cannot <verb> <thing> '<name>': found <what was
 * found>; expected <what is allowed, or how to fix it>}. It never holds cell values or credentials.
 * Alternatives are listed closest first.
 *
 * <p>No threads, no native memory. This package knows no other.
 */
@NullMarked
package io.tensorarrow.spark.errors;

import org.jspecify.annotations.NullMarked;
