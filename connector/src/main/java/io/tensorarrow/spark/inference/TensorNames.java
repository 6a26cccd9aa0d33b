package io.tensorarrow.spark.inference;

import io.tensorarrow.spark.errors.Alternatives;
import io.tensorarrow.spark.options.NameMapping;
import io.tensorarrow.spark.tensor.TensorSpec;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;

/**
 * Matches the tensors that an option names with those of a signature: an exact name first, then one
 * that differs in case only.
 *
 * @param <C> what names a column in the option
 */
final class TensorNames<C> {
  private final List<TensorSpec> tensors;
  private final Map<TensorSpec, Optional<C>> columns = new LinkedHashMap<>();
  private final List<String> unknown = new ArrayList<>();
  private final List<String> ambiguous = new ArrayList<>();
  private final List<String> repeated = new ArrayList<>();

  /**
   * @param tensors the signature's inputs or outputs
   * @param mapping the option's value
   */
  TensorNames(List<TensorSpec> tensors, NameMapping<C> mapping) {
    this.tensors = tensors;
    for (NameMapping.Entry<C> entry : mapping.entries()) {
      List<TensorSpec> matches = matching(entry.tensor());
      if (matches.isEmpty()) {
        unknown.add(entry.tensor());
      } else if (matches.size() > 1) {
        ambiguous.add(entry.tensor());
      } else if (columns.putIfAbsent(matches.get(0), entry.column()) != null) {
        repeated.add(entry.tensor());
      }
    }
  }

  /** Returns the tensors that the option names, with their columns, in its order. */
  Map<TensorSpec, Optional<C>> columns() {
    return columns;
  }

  /** Returns the parts of an error's text, none if every name stands for one tensor. */
  List<String> problems() {
    List<String> names = tensors.stream().map(TensorSpec::name).toList();
    List<String> problems = new ArrayList<>();
    add(problems, "extra", unknown, name -> "'" + name + "'" + Alternatives.hint(name, names));
    add(
        problems,
        "ambiguous",
        ambiguous,
        name ->
            "'%s' (%s)".formatted(name, Alternatives.listed(matching(name), TensorSpec::toString)));
    add(problems, "named twice", repeated, name -> "'" + name + "'");
    return problems;
  }

  /** Adds {@code title: {a, b}} if there is anything to list. */
  static <T> void add(
      List<String> problems, String title, List<T> things, Function<? super T, String> text) {
    if (!things.isEmpty()) {
      problems.add(title + ": {" + Alternatives.listed(things, text) + "}");
    }
  }

  private List<TensorSpec> matching(String name) {
    List<TensorSpec> exact = tensors.stream().filter(t -> t.name().equals(name)).toList();
    return exact.isEmpty()
        ? tensors.stream().filter(t -> t.name().equalsIgnoreCase(name)).toList()
        : exact;
  }
}
