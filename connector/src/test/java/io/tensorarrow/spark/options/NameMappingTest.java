package io.tensorarrow.spark.options;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tensorarrow.spark.errors.ErrorCode;
import io.tensorarrow.spark.errors.TensorArrowException;
import io.tensorarrow.spark.options.NameMapping.Entry;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apache.spark.sql.util.CaseInsensitiveStringMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class NameMappingTest {
  private static List<Entry<ColumnName>> inputs(String text) {
    return options("inputs", text).find(ReadOptions.INPUTS).orElseThrow().entries();
  }

  private static List<Entry<String>> outputs(String text) {
    return options("outputs", text).find(ReadOptions.OUTPUTS).orElseThrow().entries();
  }

  private static ReadOptions options(String key, String value) {
    return ReadOptions.of(new CaseInsensitiveStringMap(new HashMap<>(Map.of(key, value))));
  }

  private static Entry<ColumnName> input(String tensor, String... parts) {
    return new Entry<>(tensor, Optional.of(ColumnName.ofParts(List.of(parts))));
  }

  private static Entry<String> output(String tensor, String column) {
    return new Entry<>(tensor, Optional.of(column));
  }

  /** What is written with dots may be one column or a field. */
  private static Entry<ColumnName> dotted(String tensor, String column, String... parts) {
    return new Entry<>(
        tensor, Optional.of(new ColumnName(List.of(List.of(column), List.of(parts)))));
  }

  @Test
  void shortFormMapsTensorsToColumns() {
    assertThat(inputs(" a = b ,c=d")).containsExactly(input("a", "b"), input("c", "d"));
    assertThat(outputs("y, z=score"))
        .containsExactly(new Entry<>("y", Optional.empty()), output("z", "score"));
  }

  @Test
  void quotedNamesAcceptAnyCharacter() {
    assertThat(outputs(" `a,b=` = `c``d` , e.f/g = h i "))
        .containsExactly(output("a,b=", "c`d"), output("e.f/g", "h i"));
    assertThat(inputs("`[x]:=`=` a `")).containsExactly(input("[x]:=", " a "));
    assertThat(inputs("x:0=a:b")).containsExactly(input("x:0", "a:b"));
    assertThat(inputs("größe/値=naïve 名")).containsExactly(input("größe/値", "naïve 名"));
  }

  @Test
  void inputColumnsAreSparkIdentifiers() {
    assertThat(inputs("x=a.b.c")).containsExactly(dotted("x", "a.b.c", "a", "b", "c"));
    assertThat(inputs("x=`a.b`")).containsExactly(input("x", "a.b"));
    assertThat(inputs("x=a.`b.c`, y = `d` "))
        .containsExactly(input("x", "a", "b.c"), input("y", "d"));
    assertThat(inputs("x=`a,b`.`c``=`.d")).containsExactly(input("x", "a,b", "c`=", "d"));
  }

  @Test
  void outputColumnsMayContainDots() {
    assertThat(outputs("y=a.b")).containsExactly(output("y", "a.b"));
    assertThat(outputs("y=`a.b`")).containsExactly(output("y", "a.b"));
    assertThat(outputs("{\"y\": \"`a`.b\"}")).containsExactly(output("y", "`a`.b"));
  }

  @Test
  void jsonAcceptsEveryName() {
    assertThat(inputs("{\"a,b=[`]\": \"c d\", \"\\u5024\": \"`e.f`\", \"x/indices\": \"g.h\"}"))
        .containsExactly(
            input("a,b=[`]", "c d"), input("値", "e.f"), dotted("x/indices", "g.h", "g", "h"));
    assertThat(inputs("{\"x\": [\"a.b\", \"`c\", \" \"], \"X\": [\"a\"]}"))
        .containsExactly(input("x", "a.b", "`c", " "), input("X", "a"));
    assertThat(inputs("{\"x\": \"a \"}")).containsExactly(input("x", "a "));
    assertThat(outputs("{\"z\": \"=\", \"a\": \"[\"}"))
        .containsExactly(output("z", "="), output("a", "["));
  }

  @Test
  void jsonListsOutputsInTheirOrder() {
    assertThat(outputs("[\"z\", {\"a,\": \"b\", \"c\": \"d\"}, \"y\"]"))
        .containsExactly(
            new Entry<>("z", Optional.empty()),
            output("a,", "b"),
            output("c", "d"),
            new Entry<>("y", Optional.empty()));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '~',
      textBlock =
          """
          inputs | x=  | no name at position 3
          inputs | ,x  | no name at position 1
          inputs | x,  | no name at position 3
          inputs | ~~  | no name at position 1
          inputs | ``=a | no name at position 1
          inputs | x=a..b | no name at position 5
          inputs | x=a. | no name at position 5
          inputs | x=a]  | an unexpected character at position 4
          inputs | x=a`b` | an unexpected character at position 4
          inputs | x=`a`b | an unexpected character at position 6
          outputs | `x   | a back-tick that is not closed at position 1
          outputs | a=b=c | an unexpected character at position 4
          outputs | a b"c | an unexpected character at position 4
          inputs | {  | malformed JSON at position
          inputs | {'x': 'y'}  | malformed JSON at position 3
          inputs | {"x": y}  | malformed JSON at position
          inputs | {"x": "y"} more | malformed JSON at position
          inputs | {"x": "y"} {} | more text behind the end at position 12
          inputs | {"x": "y", "x": "z"} | a tensor named twice at position 12
          inputs | {"x": 3} | JSON that is not a column's name or the list of its parts at position 7
          inputs | {"x": null} | JSON that is not a column's name
          inputs | {"x": {}} | JSON that is not a column's name
          inputs | {"x": []} | an empty list at position 8
          inputs | {"x": ["a", ["b"]]} | JSON that is not a part of a column's name
          inputs | {"x": ""} | an empty name at position 7
          inputs | {"": "a"} | an empty name at position 2
          inputs | {"x": "a..b"} | no name at position 3 of the name
          inputs | {} | no tensor at position 2
          inputs | ["x"] | JSON that is not an object of tensors and columns at position 1
          outputs | [] | no tensor at position 2
          outputs | ["y", "y"] | a tensor named twice at position 7
          outputs | ["y", {"y": "z"}] | a tensor named twice
          outputs | [["y"]] | JSON that is not a tensor's name or an object of tensor and column
          outputs | [1] | JSON that is not a tensor's name
          outputs | {"y": ["a"]} | JSON that is not a column's name at position 7
          outputs | ["y" | malformed JSON
          """)
  void malformedMappingIsAnErrorWithItsPosition(String key, String text, String found) {
    assertThatThrownBy(() -> (key.equals("inputs") ? inputs(text) : outputs(text)).size())
        .isInstanceOfSatisfying(
            TensorArrowException.class,
            e -> assertThat(e.code()).isEqualTo(ErrorCode.TA_OPTION_INVALID))
        .hasMessageStartingWith(
            "[TA_OPTION_INVALID] Cannot use option '" + key + "': found " + found)
        .hasMessageContaining("or JSON");
  }

  @Test
  void errorsDoNotRepeatTheText() {
    assertThatThrownBy(() -> inputs("{\"x\": secret}")).hasMessageNotContaining("secret");
    assertThatThrownBy(() -> inputs("x=secret]")).hasMessageNotContaining("secret");
  }

  @ParameterizedTest
  @ValueSource(strings = {"x=[a, b]", "x:=3", "x := 'a'", "a=b, x = [c]"})
  void packedColumnsAndConstantsAreUnsupported(String text) {
    assertThatThrownBy(() -> inputs(text))
        .hasMessageStartingWith("[TA_UNSUPPORTED] Cannot map tensor 'x': found ")
        .hasMessageContaining("; expected one column for each tensor");
  }

  @ParameterizedTest
  @ValueSource(strings = {"plain", "a.b/c:0", "a,b", " a", "`", "x:=", "名", "a\"b", "{a}"})
  void everyNameRoundTripsThroughTheShortForm(String name) {
    String text = NameMapping.inShortForm(name);

    assertThat(outputs(text + "=" + text)).containsExactly(output(name, name));
  }
}
