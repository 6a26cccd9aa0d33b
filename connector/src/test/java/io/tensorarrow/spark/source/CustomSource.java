package io.tensorarrow.spark.source;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.spark.sql.catalyst.InternalRow;
import org.apache.spark.sql.catalyst.expressions.GenericInternalRow;
import org.apache.spark.sql.connector.catalog.SupportsRead;
import org.apache.spark.sql.connector.catalog.Table;
import org.apache.spark.sql.connector.catalog.TableCapability;
import org.apache.spark.sql.connector.catalog.TableProvider;
import org.apache.spark.sql.connector.expressions.Transform;
import org.apache.spark.sql.connector.expressions.filter.Predicate;
import org.apache.spark.sql.connector.read.Batch;
import org.apache.spark.sql.connector.read.InputPartition;
import org.apache.spark.sql.connector.read.LocalScan;
import org.apache.spark.sql.connector.read.PartitionReader;
import org.apache.spark.sql.connector.read.PartitionReaderFactory;
import org.apache.spark.sql.connector.read.Scan;
import org.apache.spark.sql.connector.read.ScanBuilder;
import org.apache.spark.sql.connector.read.SupportsPushDownFilters;
import org.apache.spark.sql.connector.read.SupportsPushDownLimit;
import org.apache.spark.sql.connector.read.SupportsPushDownV2Filters;
import org.apache.spark.sql.sources.Filter;
import org.apache.spark.sql.sources.IsNotNull;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructType;
import org.apache.spark.sql.util.CaseInsensitiveStringMap;
import org.apache.spark.unsafe.types.UTF8String;

/**
 * A source of rows that is no file source: one hundred rows {@code id}, {@code x = id}, {@code s}
 * of {@code a = id} and {@code b = "b<id>"}, and {@code span}, a month and a day long, in one
 * partition. It prunes nothing. Options: {@code filters} ({@code v1}, {@code v2}, {@code rewritten}
 * for V2 ones that are given back as other objects, {@code local} for rows at hand) and {@code
 * fails} ({@code next}, {@code close}; {@code blocks} if it waits for ever, until interrupted).
 */
public final class CustomSource implements TableProvider {
  public static final int ROWS = 100;
  public static final AtomicInteger OPENED = new AtomicInteger();
  public static final AtomicInteger CLOSED = new AtomicInteger();
  public static final AtomicInteger READ = new AtomicInteger();
  public static final CountDownLatch BLOCKED = new CountDownLatch(1);

  private static final StructType SCHEMA =
      new StructType()
          .add("id", DataTypes.LongType)
          .add("x", DataTypes.FloatType)
          .add("s", new StructType().add("a", DataTypes.LongType).add("b", DataTypes.StringType))
          .add("span", DataTypes.CalendarIntervalType);

  @Override
  public StructType inferSchema(CaseInsensitiveStringMap options) {
    return SCHEMA;
  }

  @Override
  public Table getTable(
      StructType schema, Transform[] partitioning, Map<String, String> properties) {
    return new HandmadeTable(new CaseInsensitiveStringMap(properties));
  }

  private record HandmadeTable(CaseInsensitiveStringMap options) implements Table, SupportsRead {
    @Override
    public String name() {
      return "handmade";
    }

    // Spark 3.5 asks for columns(), whose default is made of schema().
    @SuppressWarnings("deprecation")
    @Override
    public StructType schema() {
      return SCHEMA;
    }

    @Override
    public Set<TableCapability> capabilities() {
      return Set.of(TableCapability.BATCH_READ);
    }

    @Override
    public ScanBuilder newScanBuilder(CaseInsensitiveStringMap scanOptions) {
      String fails = options.getOrDefault("fails", "");
      return switch (options.getOrDefault("filters", "")) {
        case "v1" -> new WithV1Filters(fails);
        case "v2" -> new WithV2Filters(fails, false);
        case "rewritten" -> new WithV2Filters(fails, true);
        case "local" -> LocalRows::new;
        default -> new WithLimit(fails);
      };
    }
  }

  /** Has its rows at hand, so that there is nothing to read in partitions. */
  private record LocalRows() implements LocalScan {
    @Override
    public InternalRow[] rows() {
      return new InternalRow[0];
    }

    @Override
    public StructType readSchema() {
      return SCHEMA;
    }
  }

  /** Takes a limit and stops there. */
  private static final class WithLimit implements SupportsPushDownLimit {
    private final String fails;
    private int limit = ROWS;

    WithLimit(String fails) {
      this.fails = fails;
    }

    @Override
    public boolean pushLimit(int rows) {
      limit = rows;
      return true;
    }

    @Override
    public Scan build() {
      return new HandmadeScan(fails, limit);
    }
  }

  /** Says that it takes all filters but guarantees none. */
  private record WithV1Filters(String fails) implements SupportsPushDownFilters {
    @Override
    public Filter[] pushFilters(Filter[] filters) {
      return filters;
    }

    @Override
    public Filter[] pushedFilters() {
      return new Filter[] {new IsNotNull("id")};
    }

    @Override
    public Scan build() {
      return new HandmadeScan(fails, ROWS);
    }
  }

  /** Guarantees {@code IS NOT NULL}, which holds for all rows, and gives the rest back. */
  private static final class WithV2Filters implements SupportsPushDownV2Filters {
    private final String fails;
    private final boolean rewritten;
    private final List<Predicate> pushed = new ArrayList<>();

    WithV2Filters(String fails, boolean rewritten) {
      this.fails = fails;
      this.rewritten = rewritten;
    }

    @Override
    public Predicate[] pushPredicates(Predicate[] predicates) {
      List<Predicate> left = new ArrayList<>();
      for (Predicate predicate : predicates) {
        if (predicate.name().equals("IS_NOT_NULL")) {
          pushed.add(predicate);
        } else {
          left.add(rewritten ? new Predicate(predicate.name(), predicate.children()) : predicate);
        }
      }
      return left.toArray(new Predicate[0]);
    }

    @Override
    public Predicate[] pushedPredicates() {
      return pushed.toArray(new Predicate[0]);
    }

    @Override
    public Scan build() {
      return new HandmadeScan(fails, ROWS);
    }
  }

  private record HandmadeScan(String fails, int limit) implements Scan, Batch {
    @Override
    public StructType readSchema() {
      return SCHEMA;
    }

    @Override
    public Batch toBatch() {
      return this;
    }

    @Override
    public InputPartition[] planInputPartitions() {
      return new InputPartition[] {new Part(fails, limit)};
    }

    @Override
    public PartitionReaderFactory createReaderFactory() {
      return new RowReaders();
    }
  }

  private record Part(String fails, int limit) implements InputPartition {}

  private static final class RowReaders implements PartitionReaderFactory {
    private static final long serialVersionUID = 1L;

    @Override
    public PartitionReader<InternalRow> createReader(InputPartition partition) {
      OPENED.incrementAndGet();
      return new RowReader((Part) partition);
    }
  }

  private static final class RowReader implements PartitionReader<InternalRow> {
    private final Part part;
    private int row = -1;

    RowReader(Part part) {
      this.part = part;
    }

    @Override
    public boolean next() throws IOException {
      if (part.fails().equals("next") && row == ROWS / 2) {
        throw new IOException("next failed on purpose");
      }
      if (part.fails().equals("blocks") && row == ROWS / 2) {
        BLOCKED.countDown();
        try {
          new CountDownLatch(1).await();
        } catch (InterruptedException e) {
          throw new InterruptedIOException("interrupted while blocked");
        }
      }
      row++;
      return row < part.limit();
    }

    @Override
    public InternalRow get() {
      READ.incrementAndGet();
      GenericInternalRow s =
          new GenericInternalRow(new Object[] {(long) row, UTF8String.fromString("b" + row)});
      return new GenericInternalRow(
          new Object[] {
            (long) row,
            (float) row,
            s,
            new org.apache.spark.unsafe.types.CalendarInterval(row, 1, 5)
          });
    }

    @Override
    public void close() throws IOException {
      CLOSED.incrementAndGet();
      if (part.fails().equals("close")) {
        throw new IOException("close failed on purpose");
      }
    }
  }
}
