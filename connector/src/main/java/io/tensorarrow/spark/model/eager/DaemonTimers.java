package io.tensorarrow.spark.model.eager;

import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;

/** Single-threaded daemon timers. */
public final class DaemonTimers {
  private DaemonTimers() {}

  /**
   * Makes a timer with one thread. The thread does not keep the JVM alive and ends when there is
   * nothing to do. It does not inherit the creator's class loader or thread-locals, which may
   * belong to a session that ends earlier.
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
