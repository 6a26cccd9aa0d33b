package io.tensorarrow.spark.model.natives;

import io.tensorarrow.spark.errors.TensorArrowException;
import io.tensorarrow.spark.host.ProcessLock;
import io.tensorarrow.spark.model.ExecutorModelCache;
import io.tensorarrow.spark.model.ExecutorModelSettings;
import io.tensorarrow.spark.model.ModelCache;
import io.tensorarrow.spark.model.ModelLease;
import io.tensorarrow.spark.model.ModelReference;
import io.tensorarrow.spark.model.ModelTestBase;
import io.tensorarrow.spark.model.eager.EagerCall;
import io.tensorarrow.spark.model.eager.EagerContext;
import io.tensorarrow.spark.model.eager.ModelSettings;
import io.tensorarrow.spark.tensor.NativeTensor;
import io.tensorarrow.spark.testing.KillableTask;
import io.tensorarrow.spark.testing.Tensors;
import java.io.File;
import java.io.IOException;
import java.lang.ref.WeakReference;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.net.MalformedURLException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Properties;
import java.util.concurrent.ExecutionException;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.bytedeco.javacpp.Pointer;
import org.tensorflow.internal.c_api.global.tensorflow;

/** What {@link NativesTest} runs in processes of their own. */
final class NativesPrograms {
  private NativesPrograms() {}

  /** Extracts the libraries and prints what came of it. */
  static final class ExtractProbe {
    private ExtractProbe() {}

    public static void main(String[] args) {
      try {
        System.out.println(NativesDirectory.of(Optional.of(Path.of(args[0]))).extract());
      } catch (TensorArrowException e) {
        System.out.println(e.getMessage());
      }
    }
  }

  /** Loads the libraries and prints what became of the process. */
  static final class NativesProbe {
    private NativesProbe() {}

    public static void main(String[] args) throws IOException {
      Properties before = (Properties) System.getProperties().clone();
      NativeLibraries.ensureLoaded(
          args[0].isEmpty() ? Optional.empty() : Optional.of(Path.of(args[0])));
      NativeLibraries.ensureLoaded(Optional.empty());
      System.out.println("version " + tensorflow.TF_Version().getString());
      System.out.println("maxPhysicalBytes " + Pointer.maxPhysicalBytes());
      System.out.println("maxBytes " + Pointer.maxBytes());
      System.out.println(
          "properties " + (System.getProperties().equals(before) ? "unchanged" : "changed"));
      Files.readAllLines(Path.of("/proc/self/maps")).stream()
          .filter(line -> line.contains("tensorflow") && line.contains(".so"))
          .map(line -> line.substring(line.indexOf('/')))
          .collect(Collectors.toSet())
          .forEach(file -> System.out.println("mapped " + file));
    }
  }

  /** Runs a model that doubles its input. */
  static final class CallProbe {
    private CallProbe() {}

    private static ModelCache cache(Duration idle) {
      return ExecutorModelCache.get(
          new ExecutorModelSettings(1, Long.MAX_VALUE, idle, Optional.empty()));
    }

    public static void shutdown() {
      int before = EagerContext.live();
      cache(Duration.ofHours(1)).shutdown();
      System.out.println("contexts " + before + ", then " + EagerContext.live());
    }

    public static void main(String[] args) {
      ModelReference model = ModelTestBase.reference(Path.of(args[0]));
      Duration idle = args.length > 2 ? Duration.ofSeconds(1) : Duration.ofHours(1);
      try (ModelLease lease = cache(idle).acquire(model, new ModelSettings(1));
          EagerCall call = lease.newCall("serving_default", List.of("y"));
          NativeTensor x = Tensors.floats(new float[] {Float.parseFloat(args[1])}, 1)) {
        List<NativeTensor> y = call.run(List.of(x));
        System.out.println("y = " + Tensors.floats(y.get(0))[0]);
        Tensors.close(y);
      }
    }
  }

  /** Deletes the libraries that one class loader has loaded, then tries to load them in another. */
  static final class DeletedProbe {
    private DeletedProbe() {}

    public static void main(String[] args) throws Exception {
      LoadersProbe.caller().invoke(null, (Object) new String[] {args[0], "1"});
      Path libraries = Path.of(args[1]);
      try (Stream<Path> files = Files.list(libraries)) {
        for (Path file : files.toList()) {
          Files.delete(file);
        }
      }
      try {
        LoadersProbe.caller().invoke(null, (Object) new String[] {args[0], "2"});
      } catch (InvocationTargetException e) {
        System.out.println(e.getTargetException().getMessage());
      }
    }
  }

  /** Kills a task that waits for another thread to load the libraries, then loads them. */
  static final class WaitingProbe {
    private WaitingProbe() {}

    public static void main(String[] args) throws Exception {
      try (ProcessLock other = ProcessLock.take("natives")) {
        KillableTask<?> task =
            KillableTask.start(
                () -> {
                  NativeLibraries.ensureLoaded(Optional.empty());
                  return other;
                });
        task.awaitAsleep();
        task.kill();
        task.get();
      } catch (ExecutionException e) {
        System.out.println(e.getMessage());
      }
      NativeLibraries.ensureLoaded(Optional.empty());
      System.out.println("then version " + tensorflow.TF_Version().getString());
    }
  }

  /** Runs a model in sessions that have their own TensorArrow, and share Spark. */
  static final class SessionsProbe {
    private static final int SESSIONS = 4;

    private SessionsProbe() {}

    /** What {@code addArtifact} brings to a session. */
    private static final class Session extends URLClassLoader {
      Session(URL[] urls) {
        super(urls, SessionsProbe.class.getClassLoader());
      }

      @Override
      protected Class<?> loadClass(String name, boolean resolve) throws ClassNotFoundException {
        synchronized (getClassLoadingLock(name)) {
          boolean mine =
              name.startsWith("io.tensorarrow.")
                  || name.startsWith("org.tensorflow.")
                  || name.startsWith("org.bytedeco.");
          Class<?> loaded = findLoadedClass(name);
          if (loaded != null) {
            return loaded;
          }
          return mine ? findClass(name) : super.loadClass(name, resolve);
        }
      }
    }

    public static void main(String[] args) throws Exception {
      List<WeakReference<ClassLoader>> sessions = new ArrayList<>();
      for (int i = 1; i <= SESSIONS; i++) {
        sessions.add(session(args[0], i));
      }
      long left = SESSIONS;
      for (int i = 0; i < 200 && left > 1; i++) {
        // The JDK keeps the class loader of the record that was compared last.
        System.out.println(new Last("").equals(new Last("a")));
        System.gc();
        Thread.sleep(100);
        left = sessions.stream().filter(session -> session.get() != null).count();
      }
      System.out.println("left of " + SESSIONS + ": " + left);
    }

    private record Last(String text) {}

    private static WeakReference<ClassLoader> session(String model, int x) throws Exception {
      Session session = new Session(LoadersProbe.classPath());
      Thread task =
          new Thread(
              () -> {
                try {
                  Class<?> probe = Class.forName(CallProbe.class.getName(), true, session);
                  Method main = probe.getMethod("main", String[].class);
                  main.setAccessible(true);
                  main.invoke(null, (Object) new String[] {model, String.valueOf(x), "1"});
                } catch (ReflectiveOperationException e) {
                  throw new IllegalStateException(e);
                }
              });
      task.setContextClassLoader(session);
      task.start();
      task.join();
      session.close();
      return new WeakReference<>(session);
    }
  }

  /**
   * Loads the libraries in several class loaders that do not know each other, as sessions of a
   * server may have.
   */
  static final class LoadersProbe {
    private LoadersProbe() {}

    public static void main(String[] args) throws Exception {
      List<Method> callers = new ArrayList<>();
      for (int i = 0; i < 3; i++) {
        callers.add(caller());
      }
      // Each of them twice, so that the first is called after the last was loaded.
      for (int i = 0; i < 6; i++) {
        callers.get(i % 3).invoke(null, (Object) new String[] {args[0], String.valueOf(i)});
      }
      for (Method caller : callers) {
        Method shutdown = caller.getDeclaringClass().getMethod("shutdown");
        shutdown.setAccessible(true);
        shutdown.invoke(null);
      }
    }

    /** Returns the call in a class loader of its own. */
    static Method caller() throws ReflectiveOperationException, MalformedURLException {
      ClassLoader loader = new URLClassLoader(classPath(), ClassLoader.getPlatformClassLoader());
      Class<?> probe = Class.forName(CallProbe.class.getName(), true, loader);
      Method main = probe.getMethod("main", String[].class);
      main.setAccessible(true);
      return main;
    }

    static URL[] classPath() throws MalformedURLException {
      List<URL> urls = new ArrayList<>();
      for (String entry : System.getProperty("java.class.path").split(File.pathSeparator, -1)) {
        urls.add(new File(entry).toURI().toURL());
      }
      return urls.toArray(URL[]::new);
    }
  }
}
