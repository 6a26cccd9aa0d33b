package io.tensorarrow.spark.model.store;

import io.tensorarrow.spark.errors.ErrorCode;
import io.tensorarrow.spark.errors.TensorArrowException;
import io.tensorarrow.spark.host.HostName;
import java.io.IOException;
import java.net.URI;
import java.nio.file.InvalidPathException;
import java.util.Map;
import java.util.regex.Pattern;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.UnsupportedFileSystemException;

/** Opens what the option {@code model} names. */
public final class ModelLocation {
  private static final String LOCAL = "file";
  private static final String HOST = "(\\[[^]@]*]|[^:@,;]*)(:[0-9]+)?";

  /**
   * Hosts with their ports, and perhaps a user: a user alone is no secret, and abfs has its
   * container there. What else has a colon holds a password, or its beginning: people forget to
   * encode a slash in it.
   */
  private static final Pattern HARMLESS_AUTHORITY =
      Pattern.compile("(?i)(((?!%3a)[^:@])*@)?HOST([,;]HOST)*".replace("HOST", HOST));

  private static final Map<String, String> CONNECTORS =
      Map.ofEntries(
          Map.entry("s3a", "org.apache.hadoop:hadoop-aws"),
          Map.entry("s3", "org.apache.hadoop:hadoop-aws, whose scheme is s3a"),
          Map.entry("s3n", "org.apache.hadoop:hadoop-aws, whose scheme is s3a"),
          Map.entry("abfs", "org.apache.hadoop:hadoop-azure"),
          Map.entry("abfss", "org.apache.hadoop:hadoop-azure"),
          Map.entry("wasb", "org.apache.hadoop:hadoop-azure"),
          Map.entry("wasbs", "org.apache.hadoop:hadoop-azure"),
          Map.entry("adl", "org.apache.hadoop:hadoop-azure-datalake"),
          Map.entry("gs", "com.google.cloud.bigdataoss:gcs-connector"),
          Map.entry("oss", "org.apache.hadoop:hadoop-aliyun"),
          Map.entry("cosn", "org.apache.hadoop:hadoop-cos"));

  private ModelLocation() {}

  /**
   * Resolves a model's location as {@code load} resolves a path, and connects to its file system.
   *
   * @param location a path or URI
   * @param conf names the default file system, and says how to reach it
   * @return the files there, owned by the caller; whether there are any was not looked at
   * @throws TensorArrowException {@link ErrorCode#TA_OPTION_INVALID} if it is no path or holds
   *     credentials, {@link ErrorCode#TA_MODEL_FETCH} if its file system can't be reached
   */
  public static ModelFiles open(String location, Configuration conf) {
    Path path = path(location);
    String scheme = path.toUri().getScheme();
    if (path.toUri().getAuthority() == null && !LOCAL.equals(scheme)) {
      // The file system may get its authority from there.
      URI defaults = defaultUri(conf);
      scheme = scheme != null ? scheme : defaults.getScheme();
    }
    return LOCAL.equals(scheme) ? local(path, conf) : remote(path, scheme, conf);
  }

  private static URI defaultUri(Configuration conf) {
    URI uri;
    try {
      uri = FileSystem.getDefaultUri(conf);
    } catch (IllegalArgumentException e) {
      // The exception repeats the text, which may hold anything.
      throw invalid("something that is no URI in fs.defaultFS", "a URI there");
    }
    requireHarmless(uri, "in fs.defaultFS a URI with a user and a password");
    return uri;
  }

  private static ModelFiles local(Path path, Configuration conf) {
    try {
      Path qualified = FileSystem.getLocal(conf).makeQualified(path);
      return ModelFiles.local(java.nio.file.Path.of(qualified.toUri().getPath()));
    } catch (InvalidPathException e) {
      // The reason alone does not repeat the text.
      throw invalid(
          "something that is no path (" + e.getReason() + ")",
          "a path or URI that this process can encode (sun.jnu.encoding="
              + System.getProperty("sun.jnu.encoding")
              + ", which the environment's LC_ALL sets)");
    } catch (IOException e) {
      throw unreachable(path, LOCAL, new Redaction(conf), e);
    }
  }

  private static ModelFiles remote(Path path, String scheme, Configuration conf) {
    Redaction redaction = new Redaction(conf);
    try {
      // Not from Hadoop's cache, which would lend the connection of whoever came first, with other
      // credentials.
      FileSystem fileSystem = FileSystem.newInstance(path.toUri(), conf);
      try {
        return new HadoopFiles(fileSystem, fileSystem.makeQualified(path), redaction);
      } catch (RuntimeException e) {
        fileSystem.close();
        throw e;
      }
    } catch (IOException | RuntimeException | LinkageError e) {
      throw unreachable(path, scheme, redaction, e);
    }
  }

  private static Path path(String location) {
    Path path;
    try {
      path = new Path(location);
    } catch (IllegalArgumentException e) {
      // The exception repeats the text, which may hold anything.
      throw invalid("something that is no path", "a path or URI");
    }
    String scheme = path.toUri().getScheme();
    requireHarmless(path.toUri(), "a URI with a user and a password");
    if (scheme != null && !scheme.equals(LOCAL) && path.toUri().getPath().contains("?")) {
      throw invalid("a URI with a query", "the URI without it, and fs.* options instead");
    }
    return path;
  }

  private static void requireHarmless(URI uri, String found) {
    // Not from the URI's user, which is missing where the host is malformed.
    String authority = uri.getAuthority();
    if (authority != null && !HARMLESS_AUTHORITY.matcher(authority).matches()) {
      throw invalid(found, "the URI without them, and fs.* options instead");
    }
  }

  private static TensorArrowException invalid(String found, String expected) {
    return TensorArrowException.cannot(ErrorCode.TA_OPTION_INVALID, "use option 'model'")
        .found("%s", found)
        .expected("%s", expected);
  }

  private static TensorArrowException unreachable(
      Path path, String scheme, Redaction redaction, Throwable cause) {
    String expected =
        isMissing(cause)
            ? "the connector of scheme '"
                + scheme
                + "' on the class path of driver and executors, "
                + CONNECTORS.getOrDefault(scheme, "a jar with a Hadoop FileSystem for it")
            : "a file system that can be reached (check the location and the fs.* options; if it was"
                + " only busy, run it again)";
    return TensorArrowException.cannot(
            ErrorCode.TA_MODEL_FETCH, "reach model '%s' on host '%s'", path, HostName.get())
        .found("%s", redaction.apply(cause.toString()))
        .causedBy(redaction.harmless(cause))
        .expected("%s", expected);
  }

  private static boolean isMissing(Throwable cause) {
    for (Throwable current = cause; current != null; current = current.getCause()) {
      if (current instanceof UnsupportedFileSystemException
          || current instanceof ClassNotFoundException
          || current instanceof NoClassDefFoundError) {
        return true;
      }
    }
    return false;
  }
}
