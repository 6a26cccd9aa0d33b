package io.tensorarrow.spark.source.wrapped;

import java.util.regex.Pattern;
import org.apache.spark.rdd.InputFileBlockHolder;
import org.apache.spark.unsafe.types.UTF8String;

/**
 * What {@code input_file_name()} and similar functions return: the part of a file that a task
 * reads.
 *
 * @param path the file's URI, empty if the source reads no files
 * @param start where the part begins, in bytes
 * @param length how many bytes it has
 */
record FileBlock(UTF8String path, long start, long length) {
  /** A user and a password; a user alone may be part of the name, as a container of abfss. */
  private static final Pattern CREDENTIALS = Pattern.compile("^([^/]*//)[^/@:]*:[^/@]*@");

  /** Returns the block that this thread's source set last. */
  static FileBlock current() {
    return new FileBlock(
        InputFileBlockHolder.getInputFilePath(),
        InputFileBlockHolder.getStartOffset(),
        InputFileBlockHolder.getLength());
  }

  /** Returns whether it is part of a file at all. */
  boolean isFile() {
    return path.numBytes() > 0;
  }

  /**
   * Sets the block again, in place of one that another source set since; without a file does
   * nothing.
   */
  void makeCurrent() {
    if (isFile()) {
      InputFileBlockHolder.set(path.toString(), start, length);
    }
  }

  /** Returns for instance {@code split 0+4096 of 'file:///data/part-0.json'}. */
  @Override
  public String toString() {
    String shown = CREDENTIALS.matcher(path.toString()).replaceFirst("$1");
    return "split " + start + "+" + length + " of '" + shown + "'";
  }
}
