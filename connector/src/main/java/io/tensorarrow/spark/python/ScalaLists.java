package io.tensorarrow.spark.python;

import java.util.List;
import scala.collection.JavaConverters;

/**
 * Scala's own immutable lists: wrapped Java ones would break serialization and equality of plans.
 */
final class ScalaLists {
  private ScalaLists() {}

  @SafeVarargs
  @SuppressWarnings("varargs")
  static <T> scala.collection.immutable.List<T> of(T... elements) {
    return of(List.of(elements));
  }

  static <T> scala.collection.immutable.List<T> of(List<T> elements) {
    return JavaConverters.asScalaBuffer(elements).toList();
  }
}
