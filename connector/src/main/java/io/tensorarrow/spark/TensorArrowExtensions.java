package io.tensorarrow.spark;

import org.apache.spark.sql.SparkSessionExtensions;
import org.apache.spark.sql.SparkSessionExtensionsProvider;
import scala.runtime.BoxedUnit;

/**
 * What {@code spark.sql.extensions} takes, for sessions that want everything from their start. It
 * is not needed: the data source does the same when it is first used in a session.
 *
 * <p>Spark makes an instance, by class name, with each session.
 */
public final class TensorArrowExtensions implements SparkSessionExtensionsProvider {
  /** Called by Spark, by class name. */
  public TensorArrowExtensions() {}

  @Override
  public BoxedUnit apply(SparkSessionExtensions extensions) {
    SessionRules.inject(extensions);
    return BoxedUnit.UNIT;
  }
}
