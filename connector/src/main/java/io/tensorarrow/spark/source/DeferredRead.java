package io.tensorarrow.spark.source;

import static io.tensorarrow.spark.errors.TensorArrowException.cannot;

import io.tensorarrow.spark.errors.ErrorCode;
import io.tensorarrow.spark.options.ConfigEntry;
import io.tensorarrow.spark.options.ReadOptions;
import io.tensorarrow.spark.source.wrapped.WrappedSource;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.types.StructType;
import org.apache.spark.sql.util.CaseInsensitiveStringMap;
import org.jspecify.annotations.Nullable;

/**
 * A read that is opened when its columns are asked for. Spark makes tables with a schema to write
 * to them, too, and finds out only then that they can't be written: a path to write need not exist.
 *
 * <p>Thread-safe.
 */
final class DeferredRead implements Supplier<InferenceRead> {
  private final CaseInsensitiveStringMap options;
  private final StructType schema;
  private final Consumer<SparkSession> registerPlanner;
  private @Nullable InferenceRead opened;

  /**
   * @param options the options of the read, unchecked
   * @param schema the source's columns
   * @param registerPlanner as in {@link InferenceRead#open}
   */
  DeferredRead(
      CaseInsensitiveStringMap options, StructType schema, Consumer<SparkSession> registerPlanner) {
    this.registerPlanner = registerPlanner;
    this.options = options;
    this.schema = schema;
  }

  /**
   * Opens the read at the first call.
   *
   * @throws io.tensorarrow.spark.errors.TensorArrowException as {@link InferenceRead#open}
   */
  @Override
  public synchronized InferenceRead get() {
    InferenceRead result = opened;
    if (result == null) {
      ReadOptions checked = TensorFlowTables.checked(options);
      checkReadsData(checked, ReadOptions.INSPECT);
      checkReadsData(checked, ReadOptions.VARIABLES);
      result =
          InferenceRead.open(checked, Optional.of(schema), registerPlanner)
              .orElseThrow(
                  () ->
                      WrappedSource.unsupported(
                          checked.find(ReadOptions.SOURCE).orElse("by default"),
                          "a schema for a table without a batch reader of Data Source V2"));
      opened = result;
    }
    return result;
  }

  private static void checkReadsData(ReadOptions options, ConfigEntry<Boolean> mode) {
    if (options.get(mode)) {
      throw cannot(ErrorCode.TA_UNSUPPORTED, "give a schema with option '%s'", mode.key())
          .found("one")
          .expected("none, since the rows tell of the model and not of data");
    }
  }
}
