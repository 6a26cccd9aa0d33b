package io.tensorarrow.spark.options;

import static io.tensorarrow.spark.errors.TensorArrowException.cannot;

import io.tensorarrow.spark.errors.ErrorCode;
import io.tensorarrow.spark.errors.TensorArrowException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;

/**
 * {@code inputs} and {@code outputs} as a list: tensors separated by commas, each with an optional
 * column after an equals sign. A name between back-ticks may hold anything, a back-tick inside is
 * doubled.
 */
final class ShortForm {
  private ShortForm() {}

  static NameMapping<ColumnName> inputs(String text) {
    return mapping(text, ColumnName::read);
  }

  static NameMapping<String> outputs(String text) {
    return mapping(text, cursor -> cursor.name(""));
  }

  private static <C> NameMapping<C> mapping(String text, Function<TextCursor, C> columnReader) {
    TextCursor cursor = TextCursor.overList(text);
    List<NameMapping.Entry<C>> entries = new ArrayList<>();
    do {
      cursor.skipBlanks();
      String tensor = cursor.name("");
      cursor.skipBlanks();
      entries.add(new NameMapping.Entry<>(tensor, column(tensor, cursor, columnReader)));
      cursor.skipBlanks();
    } while (cursor.accept(','));
    cursor.expectEnd();
    return new NameMapping<>(entries);
  }

  private static <C> Optional<C> column(
      String tensor, TextCursor cursor, Function<TextCursor, C> columnReader) {
    if (cursor.accept(":=")) {
      throw notCovered(tensor, "a constant after ':='");
    }
    if (!cursor.accept('=')) {
      return Optional.empty();
    }
    cursor.skipBlanks();
    if (cursor.accept('[')) {
      throw notCovered(tensor, "several columns in brackets");
    }
    return Optional.of(columnReader.apply(cursor));
  }

  private static TensorArrowException notCovered(String tensor, String found) {
    return cannot(ErrorCode.TA_UNSUPPORTED, "map tensor '%s'", tensor)
        .found("%s, which this version does not cover", found)
        .expected("one column for each tensor, as in tensor=column");
  }
}
