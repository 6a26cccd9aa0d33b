package io.tensorarrow.spark.columnar;

import java.util.List;
import scala.collection.JavaConverters;

/**
 * Creates Scala's immutable lists: wrapped Java lists break serialization and equality of plans.
 */
public final class ScalaLists {
  private ScalaLists() {}

  @SafeVarargs
  @SuppressWarnings("varargs")
  public static <T> scala.collection.immutable.List<T> of(T... elements) {
    return of(List.of(elements));
  }

  public static <T> scala.collection.immutable.List<T> of(List<T> elements) {
    return JavaConverters.asScalaBuffer(elements).toList();
  }

  /** Returns a Scala iterator over a Java one, which stays lazy. */
  public static <T> scala.collection.Iterator<T> iterator(java.util.Iterator<T> elements) {
    return JavaConverters.asScalaIterator(elements);
  }
}
