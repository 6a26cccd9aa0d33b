/**
 * Tests that see only what users get: the packaged jar, in real Spark and Python processes.
 *
 * <p>Each test starts programs, waits for their end and judges their exit status and output. What a
 * program has to show is asserted by the program itself: mostly by pytest files in {@code
 * src/test/python}, whose failed checks {@code Checks} lists. No test shares a process or a
 * directory with another; natives are unpacked once for all.
 */
@NullMarked
package io.tensorarrow.it;

import org.jspecify.annotations.NullMarked;
