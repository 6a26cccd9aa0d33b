package io.tensorarrow.spark.host;

import java.net.InetAddress;
import java.net.UnknownHostException;

/** Which host this is, for messages. */
public final class HostName {
  private HostName() {}

  /** Returns the name, or {@code unknown}. */
  public static String get() {
    try {
      return InetAddress.getLocalHost().getHostName();
    } catch (UnknownHostException e) {
      // The name only helps to find the host; its absence must not hide the error.
      return "unknown";
    }
  }
}
