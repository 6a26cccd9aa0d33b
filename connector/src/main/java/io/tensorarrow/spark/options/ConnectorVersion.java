package io.tensorarrow.spark.options;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.Properties;

/** Which version of the connector this is. */
public final class ConnectorVersion {
  private static final String RESOURCE = "version.properties";

  private ConnectorVersion() {}

  /** Returns the version of the artifact, for instance {@code 0.1.0}. */
  public static String current() {
    Properties properties = new Properties();
    try (InputStream in = ConnectorVersion.class.getResourceAsStream(RESOURCE)) {
      if (in == null) {
        throw new IllegalStateException("the jar lacks " + RESOURCE);
      }
      properties.load(in);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return properties.getProperty("version");
  }
}
