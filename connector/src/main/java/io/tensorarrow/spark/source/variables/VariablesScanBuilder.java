package io.tensorarrow.spark.source.variables;

import io.tensorarrow.spark.model.store.ModelAccess;
import io.tensorarrow.spark.model.variables.ModelVariable;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;
import org.apache.spark.sql.connector.read.Scan;
import org.apache.spark.sql.connector.read.ScanBuilder;
import org.apache.spark.sql.connector.read.SupportsPushDownFilters;
import org.apache.spark.sql.connector.read.SupportsPushDownRequiredColumns;
import org.apache.spark.sql.sources.EqualTo;
import org.apache.spark.sql.sources.Filter;
import org.apache.spark.sql.sources.In;
import org.apache.spark.sql.sources.IsNotNull;
import org.apache.spark.sql.sources.Not;
import org.apache.spark.sql.sources.StringContains;
import org.apache.spark.sql.sources.StringEndsWith;
import org.apache.spark.sql.sources.StringStartsWith;
import org.apache.spark.sql.types.StructType;

/** Collects which variables and which of their columns a query needs. */
final class VariablesScanBuilder
    implements ScanBuilder, SupportsPushDownRequiredColumns, SupportsPushDownFilters {
  private static final String NAME = "name";

  private final String directory;
  private final ModelAccess access;
  private final List<ModelVariable> variables;
  private final List<Filter> pushed = new ArrayList<>();
  private Predicate<String> selectedNames = name -> true;
  private StructType schema = VariableColumn.SCHEMA;

  VariablesScanBuilder(String directory, ModelAccess access, List<ModelVariable> variables) {
    this.directory = directory;
    this.access = access;
    this.variables = variables;
  }

  @Override
  public void pruneColumns(StructType requiredSchema) {
    schema = requiredSchema;
  }

  @Override
  public Filter[] pushFilters(Filter[] filters) {
    List<Filter> notPushed = new ArrayList<>();
    for (Filter filter : filters) {
      Optional<Predicate<String>> condition = nameCondition(filter);
      if (condition.isPresent()) {
        selectedNames = selectedNames.and(condition.get());
        pushed.add(filter);
      } else {
        notPushed.add(filter);
      }
    }
    return notPushed.toArray(new Filter[0]);
  }

  @Override
  public Filter[] pushedFilters() {
    return pushed.toArray(new Filter[0]);
  }

  /** Returns what a filter asks of the name, if it asks nothing else. No name is null. */
  private static Optional<Predicate<String>> nameCondition(Filter filter) {
    if (!Arrays.equals(filter.references(), new String[] {NAME})) {
      return Optional.empty();
    }
    if (filter instanceof IsNotNull) {
      return Optional.of(name -> true);
    }
    if (filter instanceof EqualTo equal && equal.value() instanceof String value) {
      return Optional.of(value::equals);
    }
    if (filter instanceof In in && Arrays.stream(in.values()).allMatch(String.class::isInstance)) {
      List<Object> values = List.of(in.values());
      return Optional.of(values::contains);
    }
    if (filter instanceof StringStartsWith starts) {
      return Optional.of(name -> name.startsWith(starts.value()));
    }
    if (filter instanceof StringEndsWith ends) {
      return Optional.of(name -> name.endsWith(ends.value()));
    }
    if (filter instanceof StringContains contains) {
      return Optional.of(name -> name.contains(contains.value()));
    }
    return filter instanceof Not not
        ? nameCondition(not.child()).map(Predicate::not)
        : Optional.empty();
  }

  @Override
  public Scan build() {
    List<VariableColumn> columns = VariableColumn.of(schema);
    List<ModelVariable> selected =
        variables.stream().filter(v -> selectedNames.test(v.name())).toList();
    if (!columns.contains(VariableColumn.TENSOR)) {
      return new VariablesListing(columns, selected);
    }
    selected.forEach(variable -> variable.checkReadable(directory));
    return new VariablesScan(directory, access, columns, selected);
  }
}
