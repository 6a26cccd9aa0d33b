package io.tensorarrow.spark.sql.guards;

import static io.tensorarrow.spark.errors.TensorArrowException.cannot;

import io.tensorarrow.spark.errors.ErrorCode;
import io.tensorarrow.spark.errors.TensorArrowException;
import java.util.List;
import java.util.Optional;
import org.apache.spark.sql.catalyst.analysis.ResolvedIdentifier;
import org.apache.spark.sql.catalyst.catalog.CatalogTable;
import org.apache.spark.sql.catalyst.plans.logical.CreateTable;
import org.apache.spark.sql.catalyst.plans.logical.CreateTableAsSelect;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import org.apache.spark.sql.catalyst.plans.logical.ReplaceTable;
import org.apache.spark.sql.catalyst.plans.logical.ReplaceTableAsSelect;
import org.apache.spark.sql.catalyst.plans.logical.TableSpecBase;
import org.apache.spark.sql.catalyst.plans.logical.V2CreateTablePlan;
import org.apache.spark.sql.connector.catalog.CatalogManager;
import org.apache.spark.sql.execution.command.CreateDataSourceTableAsSelectCommand;
import org.apache.spark.sql.execution.command.CreateDataSourceTableCommand;
import org.apache.spark.sql.execution.command.CreateTableLikeCommand;
import org.apache.spark.sql.internal.SQLConf;
import scala.Option;

/**
 * Refuses to create tables of this format. A catalog would take them, and then no query could read
 * them.
 *
 * <p>A command is planned before it runs, so the catalog is unchanged yet. Stateless; Spark calls
 * it in the thread that plans.
 */
public final class TableDefinitionGuard extends CommandGuard {
  private static final List<String> CONNECTOR_FORMATS =
      List.of("tensorflow", "io.tensorarrow.spark.TensorFlowDataSource");

  @Override
  void check(LogicalPlan plan) {
    Optional<Definition> refused = definition(plan).filter(Definition::isOfConnector);
    if (refused.isPresent()) {
      throw refused.get().error();
    }
  }

  private static Optional<Definition> definition(LogicalPlan plan) {
    if (plan instanceof CreateTable create) {
      return definition(create, create.tableSpec());
    }
    if (plan instanceof CreateTableAsSelect create) {
      return definition(create, create.tableSpec());
    }
    if (plan instanceof ReplaceTable replace) {
      return definition(replace, replace.tableSpec());
    }
    if (plan instanceof ReplaceTableAsSelect replace) {
      return definition(replace, replace.tableSpec());
    }
    if (plan instanceof CreateDataSourceTableCommand create) {
      return definition(create.table());
    }
    if (plan instanceof CreateDataSourceTableAsSelectCommand create) {
      return definition(create.table());
    }
    return plan instanceof CreateTableLikeCommand create
        ? definition(create.targetTable().unquotedString(), create.provider())
        : Optional.empty();
  }

  private static Optional<Definition> definition(V2CreateTablePlan plan, TableSpecBase table) {
    // The session catalog takes the session's default; another catalog has its own.
    boolean byDefault =
        table.provider().isEmpty()
            && table.serde().isEmpty()
            && plan.name() instanceof ResolvedIdentifier name
            && name.catalog().name().equals(CatalogManager.SESSION_CATALOG_NAME());
    return definition(
        plan.tableName().toString(),
        byDefault ? Option.apply(SQLConf.get().defaultDataSourceName()) : table.provider());
  }

  private static Optional<Definition> definition(CatalogTable table) {
    return definition(table.identifier().unquotedString(), table.provider());
  }

  private static Optional<Definition> definition(String name, Option<String> format) {
    return format.isEmpty() ? Optional.empty() : Optional.of(new Definition(name, format.get()));
  }

  private record Definition(String name, String format) {
    boolean isOfConnector() {
      return CONNECTOR_FORMATS.stream().anyMatch(format::equalsIgnoreCase);
    }

    TensorArrowException error() {
      return cannot(ErrorCode.TA_UNSUPPORTED, "create table '%s'", name)
          .found("format %s, which no catalog can hold", format)
          .expected(
              "CREATE TEMPORARY VIEW ... USING tensorflow OPTIONS (...), or GLOBAL TEMPORARY, for rows that are scored when they are read, or a table of another format that scored rows are written to, such as CREATE TABLE ... USING parquet AS SELECT * FROM the view");
    }
  }
}
