package io.tensorarrow.bench;

import io.tensorarrow.spark.model.ModelLease;
import io.tensorarrow.spark.model.ModelReference;
import io.tensorarrow.spark.model.eager.EagerCall;
import io.tensorarrow.spark.tensor.NativeTensor;
import java.util.Arrays;
import java.util.List;
import java.util.function.ToLongFunction;

/**
 * How long it takes from a SavedModel on disk to a loaded model, and from there to the first result
 * of one row, beside a session. TensorFlow's libraries are loaded and warm.
 */
final class Loading {
  private static final int ROUNDS = 12;

  /** Nanoseconds. */
  private record Times(long load, long firstCall) {}

  private Loading() {}

  static void run() {
    Figures figures =
        new Figures(
            "loading",
            List.of(
                "model",
                "`TF_LoadSessionFromSavedModel`, ms",
                "loaded for eager calls, ms",
                "first session run, ms",
                "first eager call, ms"));
    for (int i = 0; i < Subject.ALL.size(); i++) {
      // Another model in between has this one loaded anew.
      Subject other = Subject.ALL.get((i + 1) % Subject.ALL.size());
      measure(Subject.ALL.get(i), Models.reference(other.model()), figures);
    }
    figures.publish();
  }

  private static void measure(Subject subject, ModelReference other, Figures figures) {
    ModelReference model = Models.reference(subject.model());
    Times[] session = new Times[ROUNDS];
    Times[] eager = new Times[ROUNDS];
    try (NativeTensor feed = feed(subject, model)) {
      for (int round = 0; round < ROUNDS; round++) {
        Models.lease(other).close();
        if (round % 2 == 0) {
          session[round] = session(subject, feed);
        }
        eager[round] = eager(subject, model, feed);
        if (round % 2 == 1) {
          session[round] = session(subject, feed);
        }
      }
    }
    figures.row(
        List.of(
            subject.title(),
            millis(session, Times::load),
            millis(eager, Times::load),
            millis(session, Times::firstCall),
            millis(eager, Times::firstCall)));
  }

  private static NativeTensor feed(Subject subject, ModelReference model) {
    try (ModelLease lease = Models.lease(model);
        EagerCall call = subject.call(lease)) {
      return subject.feed(call, 1);
    }
  }

  private static Times eager(Subject subject, ModelReference model, NativeTensor feed) {
    long start = System.nanoTime();
    try (ModelLease lease = Models.lease(model)) {
      long loaded = System.nanoTime();
      try (EagerCall call = subject.call(lease)) {
        call.run(List.of(feed)).forEach(NativeTensor::close);
        return new Times(loaded - start, System.nanoTime() - loaded);
      }
    }
  }

  private static Times session(Subject subject, NativeTensor feed) {
    long start = System.nanoTime();
    try (NativeSession session = NativeSession.load(subject, false)) {
      long loaded = System.nanoTime();
      session.run(feed);
      return new Times(loaded - start, System.nanoTime() - loaded);
    }
  }

  /** The first round is dropped. */
  private static String millis(Times[] times, ToLongFunction<Times> part) {
    double[] millis =
        Arrays.stream(times).skip(1).mapToDouble(t -> part.applyAsLong(t) / 1e6).toArray();
    return Spread.of(millis).text(1);
  }
}
