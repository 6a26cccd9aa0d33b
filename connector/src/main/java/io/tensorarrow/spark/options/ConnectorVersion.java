package io.tensorarrow.spark.options;

import static io.tensorarrow.spark.errors.TensorArrowException.cannot;

import io.tensorarrow.spark.errors.ErrorCode;
import io.tensorarrow.spark.errors.TensorArrowException;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.Arrays;
import java.util.Properties;
import java.util.stream.Collectors;

/** Which version of the connector this is, and what it was built for. */
public final class ConnectorVersion {
  private static final String RESOURCE = "version.properties";

  private ConnectorVersion() {}

  /** Returns the version of the artifact, for instance {@code 0.1.0}. */
  public static String current() {
    return property("version");
  }

  /** Returns whether {@link #checkBuiltFor} passes. */
  public static boolean isBuiltFor(String spark, String scala) {
    return artifact(spark, scala).equals(artifact(property("spark"), property("scala")));
  }

  /**
   * Checks that this artifact was built for the Spark it runs in. Versions of one minor line fit
   * each other.
   *
   * @param spark Spark's version, for instance {@code 3.5.9}
   * @param scala Scala's version, for instance {@code 2.12.18}
   * @throws TensorArrowException with {@code TA_VERSION_MISMATCH} if Spark or Scala is of another
   *     line
   */
  public static void checkBuiltFor(String spark, String scala) {
    if (!isBuiltFor(spark, scala)) {
      throw cannot(
              ErrorCode.TA_VERSION_MISMATCH,
              "use artifact '%s' %s",
              artifact(property("spark"), property("scala")),
              current())
          .found("Spark %s with Scala %s", spark, scala)
          .expected(
              "Spark %s with Scala %s, or the artifact '%s' of this connector",
              line(property("spark")), line(property("scala")), artifact(spark, scala));
    }
  }

  private static String artifact(String spark, String scala) {
    return "tensorarrow-spark-" + line(spark) + "_" + line(scala);
  }

  /** Returns the first two numbers of a version; vendors add suffixes. */
  private static String line(String version) {
    return Arrays.stream(version.split("[^0-9]+", -1)).limit(2).collect(Collectors.joining("."));
  }

  private static String property(String key) {
    Properties properties = new Properties();
    try (InputStream in = ConnectorVersion.class.getResourceAsStream(RESOURCE)) {
      if (in == null) {
        throw new IllegalStateException("the jar lacks " + RESOURCE);
      }
      properties.load(in);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return properties.getProperty(key);
  }
}
