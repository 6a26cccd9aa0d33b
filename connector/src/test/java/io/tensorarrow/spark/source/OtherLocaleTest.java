package io.tensorarrow.spark.source;

import static org.assertj.core.api.Assertions.assertThat;

import io.tensorarrow.spark.testing.ChildJvm;
import io.tensorarrow.spark.testing.OddModels;
import io.tensorarrow.spark.testing.OddModels.Tensor;
import io.tensorarrow.spark.testing.SparkTestBase;
import io.tensorarrow.spark.testing.TestModels;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.apache.spark.sql.DataFrameReader;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.tensorflow.proto.DataType;

/**
 * Nothing depends on the language, the digits, the time zone or the encoding of the process: a
 * session in a JVM of its own, in Turkish, where the small letter of I is no i, and with Arabic
 * digits, computes what it computes anywhere.
 */
class OtherLocaleTest extends SparkTestBase {
  @TempDir Path dir;

  @Test
  void sessionWithOtherLocaleComputesTheSame() throws Exception {
    List<String> options =
        new ArrayList<>(
            List.of(
                "-Duser.language=tr",
                "-Duser.country=TR",
                "-Duser.extensions=u-nu-arab",
                "-Duser.timezone=Asia/Kathmandu",
                "-Dfile.encoding=ISO-8859-1",
                "-Dlog4j2.level=ERROR"));
    ManagementFactory.getRuntimeMXBean().getInputArguments().stream()
        .filter(argument -> argument.startsWith("--add-opens"))
        .forEach(options::add);
    // By this process: with such digits and such an encoding Spark itself can't name its files.
    spark()
        .range(0, 4, 1, 1)
        .selectExpr(
            "id as ID",
            "array_repeat(cast(id as float), 8) as X",
            "decode(X'49C4B169E282AC', 'UTF-8') as TITLE")
        .write()
        .parquet(dir.resolve("rows").toString());
    Process child = ChildJvm.start(options, Map.of("LC_ALL", "C"), Elsewhere.class, dir.toString());
    ChildJvm.Result result = ChildJvm.finish(child);

    assertThat(result.exitCode()).as(result.output()).isZero();
    assertThat(result.output().lines().filter(line -> line.startsWith("> ")))
        .containsExactly(
            "> u131 u660u660u660u667",
            "> probabilities [0,3]",
            "> value [10], [20], [30], [-1]",
            "> text [Iu131iu20ac]",
            "> [TA_OPTION_UNKNOWN] Cannot use option 'SIGNATUR': found no such option (did you mean"
                + " 'signature'?)",
            "> [TA_OPTION_INVALID] Cannot use option 'model': found something that is no path");
  }

  /** The session elsewhere. */
  static final class Elsewhere {
    private Elsewhere() {}

    private static void say(String text) {
      StringBuilder ascii = new StringBuilder("> ");
      text.codePoints()
          .mapToObj(c -> c < 0x80 ? Character.toString(c) : "u" + Integer.toHexString(c))
          .forEach(ascii::append);
      System.out.println(ascii);
    }

    public static void main(String[] args) {
      Path dir = Path.of(args[0]);
      say("I".toLowerCase(Locale.getDefault()) + " " + String.format("%04d", 7));
      try (SparkSession spark =
          SparkSession.builder()
              .master("local[1]")
              .config("spark.ui.enabled", false)
              .config("spark.testing.memory", 512L << 20)
              .config("spark.sql.warehouse.dir", dir.resolve("warehouse").toString())
              .getOrCreate()) {
        String path = dir.resolve("rows").toString();
        DataFrameReader reader = spark.read().format("tensorflow");

        Dataset<Row> mlp = reader.option("MODEL", TestModels.mlp(dir).toString()).load(path);
        say("probabilities " + mlp.selectExpr("min(ID)", "max(ID)").first());
        if (mlp.select("probabilities").collectAsList().size() != 4) {
          throw new AssertionError();
        }
        Dataset<Row> table =
            spark
                .read()
                .format("tensorflow")
                .option("MODEL", TestModels.table(dir).toString())
                .option("BATCHROWS", "2")
                .load(path);
        List<String> values =
            table.sort("ID").select("VALUE").collectAsList().stream().map(Row::toString).toList();
        say("value " + String.join(", ", values));

        Path same =
            OddModels.same(
                dir.resolve("same"), Map.of("title", new Tensor(DataType.DT_STRING, -1)));
        say(
            "text "
                + spark
                    .read()
                    .format("tensorflow")
                    .option("model", same.toString())
                    .load(path)
                    .selectExpr("SAME_TITLE")
                    .first());
        fails(() -> reader.option("SIGNATUR", "x").load(path));
        fails(() -> spark.read().format("tensorflow").option("model", dir + "/\u00e9").load(path));
      }
    }

    private static void fails(Runnable action) {
      try {
        action.run();
        throw new AssertionError("it worked");
      } catch (IllegalArgumentException e) {
        say(String.valueOf(e.getMessage()).replaceAll("(; expected| \\(Malformed).*", ""));
      }
    }
  }
}
