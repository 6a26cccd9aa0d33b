package io.tensorarrow.spark.options;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tensorarrow.spark.errors.ErrorCode;
import io.tensorarrow.spark.errors.TensorArrowException;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import org.apache.spark.sql.util.CaseInsensitiveStringMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ReadOptionsTest {
  private static ReadOptions options(String... keysAndValues) {
    java.util.Map<String, String> map = new java.util.HashMap<>();
    for (int i = 0; i < keysAndValues.length; i += 2) {
      map.put(keysAndValues[i], keysAndValues[i + 1]);
    }
    return ReadOptions.of(new CaseInsensitiveStringMap(map));
  }

  @Test
  void everyOptionHasItsDocumentedDefault() {
    ReadOptions none = options();

    assertThat(none.find(ReadOptions.MODEL)).isEmpty();
    assertThat(none.find(ReadOptions.SIGNATURE)).isEmpty();
    assertThat(none.get(ReadOptions.TAGS)).containsExactly("serve");
    assertThat(none.find(ReadOptions.SOURCE)).isEmpty();
    assertThat(none.find(ReadOptions.INPUTS)).isEmpty();
    assertThat(none.find(ReadOptions.OUTPUTS)).isEmpty();
    assertThat(none.get(ReadOptions.BATCH_ROWS)).isEmpty();
    assertThat(none.get(ReadOptions.BATCH_BYTES)).isEqualTo(32L << 20);
    assertThat(none.get(ReadOptions.CAST)).isEqualTo(CastMode.SAME_KIND);
    assertThat(none.get(ReadOptions.INSPECT)).isFalse();
    assertThat(none.get(ReadOptions.VARIABLES)).isFalse();
    assertThat(none.find(ReadOptions.THREADS)).isEmpty();
    assertThat(none.get(ReadOptions.VERSION)).isEqualTo("latest");
    assertThat(none.get(ReadOptions.STRINGS)).isEqualTo(ColumnTypes.Strings.STRING);
    assertThat(none.get(ReadOptions.BYTES)).isEqualTo(ColumnTypes.Bytes.ARRAY);
    assertThat(none.get(ReadOptions.ALLOW_OPS)).isEmpty();
    assertThat(none.find(ReadOptions.SOURCE_SCHEMA)).isEmpty();
    assertThat(none.get(ReadOptions.REFRESH)).isEqualTo(Refresh.QUERY);
  }

  @Test
  void everyOptionIsReadFromItsKey() {
    ReadOptions all =
        options(
            "model",
            "m",
            "signature",
            "s",
            "tags",
            "serve, gpu",
            "source",
            "orc",
            "table",
            "db.t",
            "query",
            "SELECT 1",
            "inputs",
            "x=a",
            "outputs",
            "y",
            "batchRows",
            "7",
            "batchBytes",
            "1k",
            "cast",
            "safe",
            "inspect",
            "true",
            "variables",
            "TRUE",
            "threads",
            "3",
            "version",
            "7",
            "strings",
            "binary",
            "bytes",
            "BINARY",
            "allowOps",
            "ReadFile, WriteFile",
            "handover",
            "Shared-Memory",
            "source.schema",
            "id BIGINT",
            "refresh",
            "Query");

    assertThat(all.get(ReadOptions.MODEL)).isEqualTo("m");
    assertThat(all.find(ReadOptions.SIGNATURE)).contains("s");
    assertThat(all.get(ReadOptions.TAGS)).containsExactly("serve", "gpu");
    assertThat(all.find(ReadOptions.SOURCE)).contains("orc");
    assertThat(all.find(ReadOptions.TABLE)).contains("db.t");
    assertThat(all.find(ReadOptions.QUERY)).contains("SELECT 1");
    assertThat(all.find(ReadOptions.INPUTS).orElseThrow().entries())
        .containsExactly(new NameMapping.Entry<>("x", Optional.of(ColumnName.ofColumn("a"))));
    assertThat(all.find(ReadOptions.OUTPUTS).orElseThrow().entries())
        .containsExactly(new NameMapping.Entry<>("y", Optional.empty()));
    assertThat(all.get(ReadOptions.BATCH_ROWS)).contains(7);
    assertThat(all.get(ReadOptions.BATCH_BYTES)).isEqualTo(1024L);
    assertThat(all.get(ReadOptions.CAST)).isEqualTo(CastMode.SAFE);
    assertThat(all.get(ReadOptions.INSPECT)).isTrue();
    assertThat(all.get(ReadOptions.VARIABLES)).isTrue();
    assertThat(all.find(ReadOptions.THREADS)).contains(3);
    assertThat(all.get(ReadOptions.VERSION)).isEqualTo("7");
    assertThat(all.get(ReadOptions.STRINGS)).isEqualTo(ColumnTypes.Strings.BINARY);
    assertThat(all.get(ReadOptions.BYTES)).isEqualTo(ColumnTypes.Bytes.BINARY);
    assertThat(all.get(ReadOptions.ALLOW_OPS)).containsExactly("ReadFile", "WriteFile");
    assertThat(all.get(ReadOptions.HANDOVER)).isEqualTo(Handover.SHARED_MEMORY);
    assertThat(all.find(ReadOptions.SOURCE_SCHEMA).orElseThrow().toDDL()).isEqualTo("id BIGINT");
    assertThat(all.get(ReadOptions.REFRESH)).isEqualTo(Refresh.QUERY);
    assertThat(ReadOptions.ALL).hasSize(21).doesNotHaveDuplicates();
  }

  @Test
  void keysAndChoicesIgnoreCaseInEveryLocale() {
    Locale before = Locale.getDefault();
    Locale.setDefault(Locale.forLanguageTag("tr-TR"));
    try {
      ReadOptions read = options("INSPECT", "TRUE", "BATCHROWS", "AUTO", "Cast", "Same_Kind");
      assertThat(read.get(ReadOptions.INSPECT)).isTrue();
      assertThat(read.get(ReadOptions.BATCH_ROWS)).isEmpty();
      assertThat(read.get(ReadOptions.CAST)).isEqualTo(CastMode.SAME_KIND);
    } finally {
      Locale.setDefault(before);
    }
  }

  @Test
  void unknownOptionErrorSuggestsClosest() {
    assertThatThrownBy(() -> options("model", "m", "batchRow", "3"))
        .isInstanceOfSatisfying(
            TensorArrowException.class,
            e -> assertThat(e.code()).isEqualTo(ErrorCode.TA_OPTION_UNKNOWN))
        .hasMessageStartingWith("[TA_OPTION_UNKNOWN] Cannot use option 'batchRow'")
        .hasMessageContaining("did you mean 'batchRows'?");
    assertThatThrownBy(() -> options("somethingElse", "3"))
        .hasMessageContaining("TA_OPTION_UNKNOWN")
        .hasMessageNotContaining("did you mean");
  }

  @ParameterizedTest
  @CsvSource({
    "batchRows, 0",
    "batchRows, -1",
    "batchRows, 1000000000",
    "batchRows, abc",
    "batchBytes, 0",
    "batchBytes, lots",
    "cast, lenient",
    "inspect, maybe",
    "threads, 0",
    "threads, 1.5",
    "model, ''"
  })
  void invalidValueErrorNamesOptionAndValue(String key, String value) {
    ConfigEntry<?> entry =
        ReadOptions.ALL.stream().filter(e -> e.key().equals(key)).findFirst().orElseThrow();

    assertThatThrownBy(() -> options(key, value).find(entry))
        .isInstanceOfSatisfying(
            TensorArrowException.class,
            e -> assertThat(e.code()).isEqualTo(ErrorCode.TA_OPTION_INVALID))
        .hasMessageContaining("'" + key + "'")
        .hasMessageContaining("found '" + value + "'")
        .hasMessageContaining("expected " + entry.type());
  }

  @Test
  void missingModelOptionIsAnErrorWithItsDocumentation() {
    assertThatThrownBy(() -> options().get(ReadOptions.MODEL))
        .hasMessageStartingWith("[TA_OPTION_MISSING] Cannot read without option 'model'");
  }

  @Test
  void sourceGetsPathsAndPrefixedOptionsWithTheirCase() {
    CaseInsensitiveStringMap sourceOptions =
        options("model", "m", "path", "p", "source.mergeSchema", "true", "SOURCE.Sep", ";")
            .forSource();

    assertThat(sourceOptions.asCaseSensitiveMap())
        .containsExactlyInAnyOrderEntriesOf(Map.of("path", "p", "mergeSchema", "true", "Sep", ";"));
  }

  @Test
  void allUnknownOptionsAreNamedAtOnce() {
    assertThatThrownBy(() -> options("model", "m", "batchRow", "3", "sinature", "s"))
        .hasMessageContaining("'batchRow' (did you mean 'batchRows'?)")
        .hasMessageContaining("'sinature' (did you mean 'signature'?)");
  }

  @Test
  void longValueIsTruncatedInErrors() {
    assertThatThrownBy(
            () -> options("batchRows", "1".repeat(100) + "secret").find(ReadOptions.BATCH_ROWS))
        .hasMessageContaining("1...")
        .hasMessageNotContaining("secret");
  }

  @Test
  void hadoopOptionsGoToModelAndSourceUnchanged() {
    ReadOptions read =
        options(
            "model", "m",
            "fs.s3a.Bucket.b.key", "1",
            "FS.upper", "2",
            "fs.both", "3",
            "source.fs.Both", "4");
    assertThat(read.hadoop())
        .containsExactlyInAnyOrderEntriesOf(
            Map.of("fs.s3a.Bucket.b.key", "1", "FS.upper", "2", "fs.both", "3"));
    assertThat(read.forSource().asCaseSensitiveMap())
        .containsExactlyInAnyOrderEntriesOf(
            Map.of("fs.s3a.Bucket.b.key", "1", "FS.upper", "2", "fs.Both", "4"));
  }

  @Test
  void executorSettingsHaveTheirDefaultsAndKeys() {
    ExecutorSettings defaults = new ExecutorSettings(key -> null);
    assertThat(defaults.cacheModels()).isEqualTo(8);
    assertThat(defaults.cacheIdleTime()).isEqualTo(Duration.ofMinutes(10));
    assertThat(defaults.nativesDirectory()).isEmpty();
    assertThat(defaults.sharedMemoryBytes()).isEmpty();
    assertThat(defaults.sharedMemoryIdleTime()).isEqualTo(Duration.ofMinutes(1));

    Map<String, String> conf =
        Map.of(
            "spark.tensorarrow.cache.models", "2",
            "spark.tensorarrow.cache.bytes", "1g",
            "spark.tensorarrow.cache.idleTime", "30s",
            "spark.tensorarrow.natives.directory", "/opt/natives",
            "spark.tensorarrow.models.directory", "/var/models",
            "spark.tensorarrow.sharedMemory.directory", "/mnt/memory",
            "spark.tensorarrow.python.retainedBytes", "3m",
            "spark.tensorarrow.sharedMemory.bytes", "2g",
            "spark.tensorarrow.sharedMemory.idleTime", "5s",
            "spark.tensorarrow.allowOps.max", "ReadFile, PrintV2");
    ExecutorSettings settings = new ExecutorSettings(conf::get);
    assertThat(settings.cacheModels()).isEqualTo(2);
    assertThat(settings.cacheBytes()).isEqualTo(1L << 30);
    assertThat(settings.cacheIdleTime()).isEqualTo(Duration.ofSeconds(30));
    assertThat(settings.nativesDirectory()).contains(java.nio.file.Path.of("/opt/natives"));
    assertThat(settings.modelsDirectory()).contains(java.nio.file.Path.of("/var/models"));
    assertThat(settings.sharedMemoryDirectory()).contains(java.nio.file.Path.of("/mnt/memory"));
    assertThat(settings.retainedBytes()).isEqualTo(3L << 20);
    assertThat(settings.sharedMemoryBytes()).contains(2L << 30);
    assertThat(settings.sharedMemoryIdleTime()).isEqualTo(Duration.ofSeconds(5));
    settings.checkAllowed(List.of("PrintV2"));
    assertThatThrownBy(() -> settings.checkAllowed(List.of("PrintV2", "WriteFile")))
        .hasMessageContaining("found 'WriteFile'; expected ")
        .hasMessageContaining("names 'ReadFile,PrintV2'");
    defaults.checkAllowed(List.of());
    assertThatThrownBy(() -> defaults.checkAllowed(List.of("ReadFile")))
        .hasMessageContaining("names none");
    assertThat(conf.keySet())
        .containsExactlyInAnyOrderElementsOf(
            ExecutorSettings.ALL.stream().map(ConfigEntry::key).toList());

    assertThatThrownBy(
            () ->
                new ExecutorSettings(Map.of("spark.tensorarrow.natives.directory", "relative")::get)
                    .nativesDirectory())
        .hasMessageContaining("TA_OPTION_INVALID");
  }
}
