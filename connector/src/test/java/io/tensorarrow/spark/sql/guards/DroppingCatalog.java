package io.tensorarrow.spark.sql.guards;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.hadoop.fs.FileUtil;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.catalyst.analysis.NoSuchTableException;
import org.apache.spark.sql.connector.catalog.Identifier;
import org.apache.spark.sql.connector.catalog.SupportsRead;
import org.apache.spark.sql.connector.catalog.SupportsWrite;
import org.apache.spark.sql.connector.catalog.Table;
import org.apache.spark.sql.connector.catalog.TableCapability;
import org.apache.spark.sql.connector.catalog.TableCatalog;
import org.apache.spark.sql.connector.catalog.TableChange;
import org.apache.spark.sql.connector.catalog.TableProvider;
import org.apache.spark.sql.connector.expressions.Transform;
import org.apache.spark.sql.connector.read.ScanBuilder;
import org.apache.spark.sql.connector.write.BatchWrite;
import org.apache.spark.sql.connector.write.LogicalWriteInfo;
import org.apache.spark.sql.connector.write.SupportsTruncate;
import org.apache.spark.sql.connector.write.Write;
import org.apache.spark.sql.connector.write.WriteBuilder;
import org.apache.spark.sql.execution.datasources.parquet.ParquetFileFormat;
import org.apache.spark.sql.execution.datasources.v2.parquet.ParquetTable;
import org.apache.spark.sql.types.StructType;
import org.apache.spark.sql.util.CaseInsensitiveStringMap;
import scala.Option;
import scala.collection.JavaConverters;

/**
 * A catalog of Parquet directories that can't stage: replacing a table drops it first. The option
 * {@code tables} says of which kind its tables are.
 */
public final class DroppingCatalog implements TableCatalog {
  /** The kinds of tables. */
  enum Kind {
    /** Spark's own table of files. */
    FILES,
    /** A table with a property that tells the directory. */
    LOCATED,
    /** A table that only equals another one. */
    NAMED;

    Table table(Path directory, Option<StructType> schema) {
      return this == FILES
          ? new ParquetDirectory(directory, schema)
          : new OtherTable(directory, this == LOCATED);
    }
  }

  private String name = "";
  private Path root = Path.of("");
  private Kind kind = Kind.FILES;

  /** Called by Spark, by class name. */
  public DroppingCatalog() {}

  @Override
  public void initialize(String name, CaseInsensitiveStringMap options) {
    this.name = name;
    root = Path.of(options.get("directory"));
    kind = Kind.valueOf(options.getOrDefault("tables", Kind.FILES.name()));
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  public Identifier[] listTables(String[] namespace) {
    throw new UnsupportedOperationException();
  }

  @Override
  public Table loadTable(Identifier table) throws NoSuchTableException {
    if (!Files.exists(directory(table))) {
      throw new NoSuchTableException(table);
    }
    return kind.table(directory(table), Option.empty());
  }

  // Spark 3.5 asks with columns, and by default makes a schema of them.
  @SuppressWarnings("deprecation")
  @Override
  public Table createTable(
      Identifier table, StructType schema, Transform[] partitions, Map<String, String> properties) {
    return kind.table(directory(table), Option.apply(schema));
  }

  @Override
  public Table alterTable(Identifier table, TableChange... changes) {
    throw new UnsupportedOperationException();
  }

  @Override
  public boolean dropTable(Identifier table) {
    return FileUtil.fullyDelete(directory(table).toFile());
  }

  @Override
  public void renameTable(Identifier from, Identifier to) {
    throw new UnsupportedOperationException();
  }

  private Path directory(Identifier table) {
    return root.resolve(table.name());
  }

  /** Reads a directory as a table that is not one of Spark's tables of files. */
  public static final class OtherSource implements TableProvider {
    /** Called by Spark, by class name. */
    public OtherSource() {}

    @Override
    public StructType inferSchema(CaseInsensitiveStringMap options) {
      return table(options).files().schema();
    }

    @Override
    public Table getTable(
        StructType schema, Transform[] partitioning, Map<String, String> properties) {
      return table(new CaseInsensitiveStringMap(properties));
    }

    private static OtherTable table(CaseInsensitiveStringMap options) {
      return new OtherTable(Path.of(options.get("path")), options.getBoolean("located", false));
    }
  }

  private record OtherTable(Path directory, boolean located)
      implements Table, SupportsRead, SupportsWrite {
    ParquetTable files() {
      return new ParquetDirectory(directory, Option.empty());
    }

    // Spark 3.5 asks for columns(), whose default is made of schema().
    @SuppressWarnings("deprecation")
    @Override
    public StructType schema() {
      return files().schema();
    }

    @Override
    public String name() {
      return "other " + directory.getFileName();
    }

    @Override
    public Map<String, String> properties() {
      return located ? Map.of(TableCatalog.PROP_LOCATION, directory.toString()) : Map.of();
    }

    @Override
    public Set<TableCapability> capabilities() {
      return Set.of(TableCapability.BATCH_READ, TableCapability.BATCH_WRITE);
    }

    @Override
    public ScanBuilder newScanBuilder(CaseInsensitiveStringMap options) {
      return files().newScanBuilder(options);
    }

    @Override
    public WriteBuilder newWriteBuilder(LogicalWriteInfo info) {
      return files().newWriteBuilder(info);
    }
  }

  /** Adds to Spark's table that it can be overwritten, which deletes its files first. */
  private static final class ParquetDirectory extends ParquetTable {
    private static final long serialVersionUID = 1L;

    private final transient Path directory;

    ParquetDirectory(Path directory, Option<StructType> schema) {
      super(
          "parquet " + directory,
          SparkSession.active(),
          CaseInsensitiveStringMap.empty(),
          JavaConverters.asScalaBuffer(List.of(created(directory).toString())).toList(),
          schema,
          ParquetFileFormat.class);
      this.directory = directory;
    }

    private static Path created(Path directory) {
      directory.toFile().mkdirs();
      return directory;
    }

    @Override
    public Set<TableCapability> capabilities() {
      return Set.of(
          TableCapability.BATCH_READ, TableCapability.BATCH_WRITE, TableCapability.TRUNCATE);
    }

    @Override
    public WriteBuilder newWriteBuilder(LogicalWriteInfo info) {
      return new Overwrite(super.newWriteBuilder(info), directory);
    }
  }

  private record Overwrite(WriteBuilder appending, Path directory) implements SupportsTruncate {
    @Override
    public WriteBuilder truncate() {
      return new WriteBuilder() {
        @Override
        public Write build() {
          return new Write() {
            @Override
            public BatchWrite toBatch() {
              FileUtil.fullyDeleteContents(directory.toFile());
              return appending.build().toBatch();
            }
          };
        }
      };
    }

    @Override
    public Write build() {
      return appending.build();
    }
  }
}
