package io.tensorarrow.spark.options;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import io.tensorarrow.spark.options.NameMapping.Entry;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * {@code inputs} and {@code outputs} as JSON, in which any name can be written:
 *
 * <pre>
 * inputs   {"tensor": "column", "tensor": ["column", "field"]}
 * outputs  {"tensor": "column"} or ["tensor", {"tensor": "column"}]
 * </pre>
 *
 * An input's column is an identifier as in the short form, or the list of its parts. Members keep
 * their order. Strict: no name twice, no other kinds of values, nothing behind the end.
 */
public final class JsonForm {
  private static final JsonFactory FACTORY = new JsonFactory();

  private final JsonParser parser;
  private final Set<String> tensors = new HashSet<>();

  private JsonForm(JsonParser parser) {
    this.parser = parser;
  }

  static NameMapping<ColumnName> inputs(String text) {
    return new NameMapping<>(
        read(
            text,
            json -> {
              json.expect(json.next(), JsonToken.START_OBJECT, "an object of tensors and columns");
              return json.members(JsonForm::inputColumn);
            }));
  }

  static NameMapping<String> outputs(String text) {
    return new NameMapping<>(read(text, JsonForm::outputEntries));
  }

  /** Reads an array of strings, such as {@code load} makes of several paths. */
  public static List<String> strings(String text) {
    return read(
        text,
        json -> {
          json.expect(json.next(), JsonToken.START_ARRAY, "an array of strings");
          return json.elements("a string");
        });
  }

  private static <T> T read(String text, Reading<T> reading) {
    try (JsonParser parser = FACTORY.createParser(text)) {
      JsonForm json = new JsonForm(parser);
      T value = reading.read(json);
      if (json.next() != null) {
        throw json.malformed("more text behind the end");
      }
      return value;
    } catch (JsonProcessingException e) {
      // Without its message, which repeats the text.
      throw new MalformedValueException("malformed JSON at position " + position(e));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private List<Entry<String>> outputEntries() throws IOException {
    JsonToken first = next();
    if (first == JsonToken.START_OBJECT) {
      return members(JsonForm::outputColumn);
    }
    expect(first, JsonToken.START_ARRAY, "an object or an array");
    List<Entry<String>> entries = new ArrayList<>();
    for (JsonToken token = next(); token != JsonToken.END_ARRAY; token = next()) {
      if (token == JsonToken.START_OBJECT) {
        entries.addAll(members(JsonForm::outputColumn));
      } else {
        expect(token, JsonToken.VALUE_STRING, "a tensor's name or an object of tensor and column");
        entries.add(new Entry<>(tensor(), Optional.empty()));
      }
    }
    if (entries.isEmpty()) {
      throw malformed("no tensor");
    }
    return entries;
  }

  private <C> List<Entry<C>> members(Reading<C> column) throws IOException {
    List<Entry<C>> entries = new ArrayList<>();
    while (next() != JsonToken.END_OBJECT) {
      String tensor = tensor();
      entries.add(new Entry<>(tensor, Optional.of(column.read(this))));
    }
    if (entries.isEmpty()) {
      throw malformed("no tensor");
    }
    return entries;
  }

  private ColumnName inputColumn() throws IOException {
    JsonToken token = next();
    if (token == JsonToken.START_ARRAY) {
      return ColumnName.ofParts(elements("a part of a column's name"));
    }
    expect(token, JsonToken.VALUE_STRING, "a column's name or the list of its parts");
    String identifier = text();
    try {
      return ColumnName.parse(identifier);
    } catch (MalformedValueException e) {
      throw new MalformedValueException(
          e.getMessage() + " of the name that ends at position " + position());
    }
  }

  private String outputColumn() throws IOException {
    expect(next(), JsonToken.VALUE_STRING, "a column's name");
    return text();
  }

  private List<String> elements(String kind) throws IOException {
    List<String> elements = new ArrayList<>();
    for (JsonToken token = next(); token != JsonToken.END_ARRAY; token = next()) {
      expect(token, JsonToken.VALUE_STRING, kind);
      elements.add(text());
    }
    if (elements.isEmpty()) {
      throw malformed("an empty list");
    }
    return elements;
  }

  private String tensor() throws IOException {
    String tensor = text();
    if (!tensors.add(tensor)) {
      throw malformed("a tensor named twice");
    }
    return tensor;
  }

  private String text() throws IOException {
    String text = parser.getText();
    if (text.isEmpty()) {
      throw malformed("an empty name");
    }
    return text;
  }

  private @Nullable JsonToken next() throws IOException {
    return parser.nextToken();
  }

  private void expect(@Nullable JsonToken actual, JsonToken expected, String kind) {
    if (actual != expected) {
      throw malformed("JSON that is not " + kind);
    }
  }

  private MalformedValueException malformed(String found) {
    return new MalformedValueException(found + " at position " + position());
  }

  private long position() {
    return parser.getTokenLocation().getCharOffset() + 1;
  }

  private static long position(JsonProcessingException e) {
    return e.getLocation() == null ? 0 : e.getLocation().getCharOffset() + 1;
  }

  /** A step that may find the text at its end or broken. */
  private interface Reading<T> {
    T read(JsonForm json) throws IOException;
  }
}
