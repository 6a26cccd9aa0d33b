/**
 * Benchmarks over the packaged jar: systems beside each other in one run, and inner costs by JMH.
 * They print figures and assert nothing; the build runs them only with the profile {@code
 * benchmarks}.
 */
@NullMarked
package io.tensorarrow.bench;

import org.jspecify.annotations.NullMarked;
