package io.tensorarrow.spark.model.eager;

import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;

/** Threads for what has to be done now and then. */
public final class DaemonTimers {
  private DaemonTimers() {}

  /**
   * Makes a timer with one thread. It ends neither the JVM's life nor keeps anything of whoever
   * happens to start it: it lives only while there is something to do, and inherits nothing, since
   * the class loader and the thread-locals of a task may be those of a session that ends earlier.
   *
   * @param name the thread's name
   */
  public static ScheduledThreadPoolExecutor timer(String name) {
    ScheduledThreadPoolExecutor timer =
        new ScheduledThreadPoolExecutor(
            1,
            task -> {
              Thread thread = new Thread(null, task, name, 0, false);
              thread.setDaemon(true);
              thread.setContextClassLoader(DaemonTimers.class.getClassLoader());
              return thread;
            });
    timer.setRemoveOnCancelPolicy(true);
    timer.setKeepAliveTime(1, TimeUnit.SECONDS);
    timer.allowCoreThreadTimeOut(true);
    return timer;
  }
}
