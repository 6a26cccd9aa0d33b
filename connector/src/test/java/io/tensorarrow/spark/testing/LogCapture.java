package io.tensorarrow.spark.testing;

import java.util.ArrayList;
import java.util.List;
import org.apache.logging.log4j.Level;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.core.LogEvent;
import org.apache.logging.log4j.core.Logger;
import org.apache.logging.log4j.core.appender.AbstractAppender;
import org.apache.logging.log4j.core.config.Property;

/** What a class logs while this is open. */
public final class LogCapture extends AbstractAppender implements AutoCloseable {
  private record Line(Level level, String text) {}

  private final Logger logger;
  private final List<Line> lines = new ArrayList<>();

  private LogCapture(Logger logger) {
    super("capture", null, null, true, Property.EMPTY_ARRAY);
    this.logger = logger;
  }

  public static LogCapture of(Class<?> type) {
    LogCapture capture = new LogCapture((Logger) LogManager.getLogger(type));
    capture.start();
    capture.logger.addAppender(capture);
    return capture;
  }

  /** Returns the messages of a level. */
  public List<String> lines(Level level) {
    return lines.stream().filter(line -> line.level().equals(level)).map(Line::text).toList();
  }

  @Override
  public void append(LogEvent event) {
    lines.add(new Line(event.getLevel(), event.getMessage().getFormattedMessage()));
  }

  @Override
  public void close() {
    logger.removeAppender(this);
    stop();
  }
}
