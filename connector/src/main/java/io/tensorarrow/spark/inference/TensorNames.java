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
  private final List<TensorSpec> known;
  private final Map<TensorSpec, Optional<C>> columns = new LinkedHashMap<>();
  private final List<String> extra = new ArrayList<>();
  private final List<String> ambiguous = new ArrayList<>();
  private final List<String> twice = new ArrayList<>();

  /**
   * @param known the signature's inputs or outputs
   * @param mapping the option's value
   */
  TensorNames(List<TensorSpec> known, NameMapping<C> mapping) {
    this.known = known;
    for (NameMapping.Entry<C> entry : mapping.entries()) {
      List<TensorSpec> found = named(entry.tensor());
      if (found.isEmpty()) {
        extra.add(entry.tensor());
      } else if (found.size() > 1) {
        ambiguous.add(entry.tensor());
      } else if (columns.putIfAbsent(found.get(0), entry.column()) != null) {
        twice.add(entry.tensor());
      }
    }
  }

  /** Returns the tensors that the option names, with their columns, in its order. */
  Map<TensorSpec, Optional<C>> columns() {
    return columns;
  }

  /** Returns the parts of an error's text, none if every name stands for one tensor. */
  List<String> faults() {
    List<String> names = known.stream().map(TensorSpec::name).toList();
    List<String> faults = new ArrayList<>();
    add(faults, "extra", extra, name -> "'" + name + "'" + Alternatives.hint(name, names));
    add(
        faults,
        "ambiguous",
        ambiguous,
        name ->
            "'%s' (%s)".formatted(name, Alternatives.listed(named(name), TensorSpec::toString)));
    add(faults, "named twice", twice, name -> "'" + name + "'");
    return faults;
  }

  /** Adds {@code title: {a, b}} if there is anything to list. */
  static <T> void add(
      List<String> faults, String title, List<T> things, Function<? super T, String> text) {
    if (!things.isEmpty()) {
      faults.add(title + ": {" + Alternatives.listed(things, text) + "}");
    }
  }

  private List<TensorSpec> named(String name) {
    List<TensorSpec> exact = known.stream().filter(t -> t.name().equals(name)).toList();
    return exact.isEmpty()
        ? known.stream().filter(t -> t.name().equalsIgnoreCase(name)).toList()
        : exact;
  }
}
