package io.tensorarrow.spark.testing;

import java.time.Duration;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.apache.spark.TaskContext$;
import org.apache.spark.TaskContextImpl;
import scala.Option;

/**
 * Runs something in a thread as Spark runs a task, whose thread is not interrupted when it is
 * killed.
 */
public final class KillableTask<T> {
  private static final Duration GENEROUS = Duration.ofSeconds(60);

  private final TaskContextImpl context = TaskContext$.MODULE$.empty();
  private final FutureTask<T> result;
  private final Thread thread;

  private KillableTask(Callable<T> body) {
    result =
        new FutureTask<>(
            () -> {
              TaskContext$.MODULE$.setTaskContext(context);
              try {
                return body.call();
              } finally {
                TaskContext$.MODULE$.unset();
              }
            });
    thread = new Thread(result, "killable task");
    thread.setDaemon(true);
  }

  /** Starts a task. */
  public static <T> KillableTask<T> start(Callable<T> body) {
    KillableTask<T> task = new KillableTask<>(body);
    task.thread.start();
    return task;
  }

  /** Waits until the task sleeps, for instance in a queue. */
  public void awaitAsleep() throws InterruptedException {
    long deadline = System.nanoTime() + GENEROUS.toNanos();
    while (thread.getState() != Thread.State.TIMED_WAITING) {
      if (!thread.isAlive() || System.nanoTime() > deadline) {
        throw new AssertionError("task is " + thread.getState());
      }
      Thread.sleep(1);
    }
  }

  /** Returns whether the task still runs. */
  public boolean isRunning() {
    return thread.isAlive();
  }

  /** Kills the task without an interruption. */
  public void kill() {
    context.markInterrupted("a test");
  }

  /** Completes the task, as Spark does when its results are read, whatever its threads still do. */
  public void complete() {
    context.markTaskCompleted(Option.empty());
  }

  /** Waits for the task's end. */
  public T get() throws ExecutionException, InterruptedException, TimeoutException {
    return result.get(GENEROUS.toSeconds(), TimeUnit.SECONDS);
  }
}
