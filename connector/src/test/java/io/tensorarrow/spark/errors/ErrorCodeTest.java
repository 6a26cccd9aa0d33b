package io.tensorarrow.spark.errors;

import static io.tensorarrow.spark.errors.TensorArrowException.cannot;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class ErrorCodeTest {
  @Test
  void messagesBeginWithTheirCode() {
    TensorArrowException e =
        cannot(ErrorCode.TA_NULL_INPUT, "feed column 'x'").found("a null").expected("a value");

    assertThat(e)
        .hasMessage("[TA_NULL_INPUT] Cannot feed column 'x': found a null; expected a value")
        .hasNoCause();
    assertThat(e.code()).isEqualTo(ErrorCode.TA_NULL_INPUT);
  }

  /** A code that no other test names is one that no test provokes. */
  @Test
  void everyCodeOccursInAnotherTest() throws IOException {
    String tests;
    try (Stream<Path> files = Files.walk(Path.of("src", "test", "java"))) {
      tests =
          files
              .filter(f -> f.toString().endsWith("Test.java"))
              .filter(f -> !f.endsWith("ErrorCodeTest.java"))
              .map(ErrorCodeTest::read)
              .collect(Collectors.joining());
    }
    List<String> untested =
        Arrays.stream(ErrorCode.values()).map(Enum::name).filter(c -> !isNamed(c, tests)).toList();

    assertThat(untested).isEmpty();
  }

  /** Not as the beginning or end of another one. */
  private static boolean isNamed(String code, String tests) {
    return Pattern.compile("\\b" + code + "\\b").matcher(tests).find();
  }

  private static String read(Path file) {
    try {
      return Files.readString(file);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
