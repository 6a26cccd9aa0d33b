package io.tensorarrow.bench;

import io.tensorarrow.spark.model.ModelLease;
import io.tensorarrow.spark.model.eager.EagerCall;
import io.tensorarrow.spark.tensor.NativeTensor;
import java.util.List;
import java.util.Locale;

/**
 * The eager call beside TF_SessionRun: same model, same batch, same number of threads, each with
 * threads of its own; the same tensor is fed, the same outputs are fetched and freed. The session
 * runs twice: as the eager call is set up, and as TensorFlow sets sessions up, whose idle threads
 * wait for work in a loop.
 */
final class EagerAgainstSession {
  private static final String SESSION = "session";
  private static final String DEFAULT_SESSION = "session with waiting threads";
  private static final String EAGER = "eager";

  private EagerAgainstSession() {}

  static void run() {
    Figures figures =
        new Figures(
            "eager",
            List.of(
                "model",
                "batch",
                "`TF_SessionRun`, µs",
                "eager call, µs",
                "eager / session",
                "eager / session as TensorFlow sets it up"));
    Subject.ALL.forEach(subject -> measure(subject, figures));
    figures.publish();
  }

  private static void measure(Subject subject, Figures figures) {
    try (ModelLease lease = Models.lease(Models.reference(subject.model()));
        EagerCall call = subject.call(lease);
        NativeSession session = NativeSession.load(subject, false);
        NativeSession defaultSession = NativeSession.load(subject, true)) {
      for (int batch : subject.batches()) {
        try (NativeTensor feed = subject.feed(call, batch)) {
          requireSame(session, call, feed);
          SideBySide.Result result =
              new SideBySide()
                  .add(SESSION, () -> session.run(feed))
                  .add(DEFAULT_SESSION, () -> defaultSession.run(feed))
                  .add(EAGER, () -> call.run(List.of(feed)).forEach(NativeTensor::close))
                  .run();
          figures.row(
              List.of(
                  subject.title(),
                  Integer.toString(batch),
                  micros(result, SESSION),
                  micros(result, EAGER),
                  result.speeds().get(SESSION).text(2),
                  result.speeds().get(DEFAULT_SESSION).text(2)));
        }
      }
    }
  }

  private static void requireSame(NativeSession session, EagerCall call, NativeTensor feed) {
    List<NativeTensor> fetched = call.run(List.of(feed));
    session.requireSame(feed, fetched);
    fetched.forEach(NativeTensor::close);
  }

  private static String micros(SideBySide.Result result, String system) {
    return String.format(Locale.ROOT, "%,.1f", result.nanos().get(system) / 1000);
  }
}
