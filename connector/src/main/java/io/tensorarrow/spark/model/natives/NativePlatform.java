package io.tensorarrow.spark.model.natives;

import java.net.URL;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * An operating system and processor, with JavaCPP's name for them and the libraries that TensorFlow
 * has there.
 *
 * @param name JavaCPP's name, with the variant that is on the class path: {@code linux-x86_64-gpu}
 */
record NativePlatform(String name) {
  private static final String RESOURCES = "org/tensorflow/internal/c_api/";
  private static final List<String> VARIANTS = List.of("-gpu", "");

  /**
   * Returns the platform of this process; without a variant if no libraries for it are on the class
   * path.
   */
  static NativePlatform current() {
    String plainName = plainName();
    for (String variant : VARIANTS) {
      NativePlatform platform = new NativePlatform(plainName + variant);
      if (platform.resource(platform.libraryNames().get(0)) != null) {
        return platform;
      }
    }
    return new NativePlatform(plainName);
  }

  private static String plainName() {
    String os = System.getProperty("os.name").toLowerCase(Locale.ROOT);
    String arch = System.getProperty("os.arch");
    String system = os.startsWith("mac") ? "macosx" : os.replace(' ', '-');
    return switch (arch) {
      case "amd64", "x86_64" -> system + "-x86_64";
      case "aarch64" -> system + "-arm64";
      default -> system + "-" + arch;
    };
  }

  /** Returns the file names of the libraries. */
  List<String> libraryNames() {
    List<String> names = new ArrayList<>();
    if (name.startsWith("macosx")) {
      names.add("libtensorflow_framework.2.dylib");
      names.add("libtensorflow_cc.2.dylib");
      names.add("libjnitensorflow.dylib");
    } else {
      names.add("libtensorflow_framework.so.2");
      names.add("libtensorflow_cc.so.2");
      names.add("libjnitensorflow.so");
    }
    if (name.equals("linux-arm64")) {
      names.add("libomp-6196b3b5.so.5");
    }
    return names;
  }

  /** Returns the first library that is not on the class path. */
  Optional<String> missingLibrary() {
    return libraryNames().stream().filter(library -> resource(library) == null).findFirst();
  }

  /** Returns where a library is on the class path, or null. */
  @Nullable URL resource(String library) {
    return NativePlatform.class.getClassLoader().getResource(RESOURCES + name + "/" + library);
  }
}
