package io.tensorarrow.spark;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.all;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.domain.JavaPackage;
import com.tngtech.archunit.core.importer.ImportOption.DoNotIncludeTests;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.AbstractClassesTransformer;
import com.tngtech.archunit.lang.ArchCondition;
import com.tngtech.archunit.lang.ArchRule;
import com.tngtech.archunit.lang.ConditionEvents;
import com.tngtech.archunit.lang.SimpleConditionEvent;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.spark.sql.connector.catalog.Table;
import org.apache.spark.sql.connector.read.Batch;
import org.apache.spark.sql.connector.read.InputPartition;
import org.apache.spark.sql.connector.read.PartitionReader;
import org.apache.spark.sql.connector.read.PartitionReaderFactory;
import org.apache.spark.sql.connector.read.Scan;
import org.apache.spark.sql.connector.read.ScanBuilder;
import org.jspecify.annotations.NullMarked;

/** What each package must not know, and that the map of packages is true. */
@AnalyzeClasses(packages = ArchitectureTest.ROOT, importOptions = DoNotIncludeTests.class)
final class ArchitectureTest {
  static final String ROOT = "io.tensorarrow.spark";

  private static final Path MAP = Path.of("src/main/java/io/tensorarrow/spark/package-info.java");

  private static final Path PAGE = Path.of("docs/internals/architecture.md");

  private static final String SPARK = "org.apache.spark..";
  private static final String SPARK_SQL = "org.apache.spark.sql..";
  private static final String DATA_SOURCE_V2 = "org.apache.spark.sql.connector..";
  private static final String ARROW = "org.apache.arrow..";
  private static final String TENSORFLOW = "org.tensorflow..";

  @ArchTest
  static void rootPackageInfoNamesThePackagesThatExist(JavaClasses classes) throws IOException {
    assertThat(named(MAP, "<li>\\{@code ([a-z.]+)\\}:")).isEqualTo(existing(classes));
  }

  @ArchTest
  static void theArchitecturePageNamesThePackagesThatExist(JavaClasses classes) throws IOException {
    assertThat(named(PAGE, "(?m)^\\| `([a-z.]+)` \\|[^|]*\\|[^|]*\\|$"))
        .isEqualTo(existing(classes));
  }

  @ArchTest
  static final ArchRule packages_have_no_cycles =
      slices().matching(ROOT + ".(**)").should().beFreeOfCycles();

  @ArchTest
  static final ArchRule every_package_has_a_package_info_and_is_null_marked =
      all(packages()).should(beNullMarked());

  @ArchTest
  static final ArchRule errors_know_no_other_package =
      classes()
          .that()
          .resideInAPackage(in("errors"))
          .should()
          .onlyDependOnClassesThat()
          .resideInAnyPackage(
              in("errors"),
              "java..",
              "org.jspecify.annotations",
              "com.google.errorprone.annotations");

  @ArchTest static final ArchRule options_know_only_errors = ownPackages("options", "errors");

  @ArchTest static final ArchRule host_knows_only_errors = ownPackages("host", "errors");

  @ArchTest
  static final ArchRule host_does_not_know_spark_sql = packageKnowsNone("host", SPARK_SQL, ARROW);

  @ArchTest
  static final ArchRule tensor_core_knows_neither_spark_sql_nor_arrow =
      noClasses()
          .that()
          .resideInAPackage(in("tensor"))
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage(
              SPARK_SQL, ARROW, in("tensor.vector"), in("tensor.feed"), in("tensor.fetch"));

  @ArchTest
  static final ArchRule tensor_knows_neither_data_source_v2_nor_its_users =
      packageKnowsNone(
          "tensor",
          DATA_SOURCE_V2,
          in("model.."),
          in("inference.."),
          in("source.."),
          in("sql.."),
          in("python.."));

  @ArchTest
  static final ArchRule model_knows_neither_spark_sql_nor_arrow_nor_columns =
      packageKnowsNone(
          "model",
          SPARK_SQL,
          ARROW,
          in("tensor.vector"),
          in("tensor.feed"),
          in("tensor.fetch"),
          in("inference.."),
          in("source.."),
          in("sql.."),
          in("python.."));

  @ArchTest
  static final ArchRule inference_knows_neither_data_source_v2_nor_its_users =
      packageKnowsNone("inference", DATA_SOURCE_V2, in("source.."), in("sql.."), in("python.."));

  @ArchTest
  static final ArchRule source_knows_neither_python_nor_sql_rules =
      packageKnowsNone("source", in("python.."), in("sql.."));

  @ArchTest
  static final ArchRule sql_does_not_know_python = packageKnowsNone("sql", in("python.."));

  @ArchTest
  static final ArchRule python_knows_neither_tensorflow_nor_models =
      packageKnowsNone("python", TENSORFLOW, in("model.."), in("inference.."));

  @ArchTest
  static final ArchRule columnar_nodes_know_only_vectors = ownPackages("columnar", "tensor.vector");

  @ArchTest
  static final ArchRule only_planner_nodes_of_python_know_the_source =
      noClasses()
          .that()
          .resideInAPackage(in("python.."))
          .and()
          .resideOutsideOfPackage(in("python.plan"))
          .should()
          .dependOnClassesThat()
          .resideInAPackage(in("source.."));

  @ArchTest
  static final ArchRule planner_nodes_of_python_know_only_the_scan_interface_of_the_source =
      noClasses()
          .that()
          .resideInAPackage(in("python.plan"))
          .should()
          .dependOnClassesThat(
              JavaClass.Predicates.resideInAPackage(in("source.."))
                  .and(DescribedPredicate.not(named(in("source.TensorScan")))));

  /** The History Server instantiates metrics where the rest of the class path is missing. */
  @ArchTest
  static final ArchRule metrics_know_spark_alone =
      classes()
          .that()
          .resideInAPackage(in("metrics"))
          .should()
          .onlyDependOnClassesThat()
          .resideInAnyPackage(in("metrics"), "java..", SPARK, "org.jspecify.annotations");

  @ArchTest
  static final ArchRule only_tensor_and_shared_memory_see_addresses =
      noClasses()
          .that()
          .resideOutsideOfPackages(in("tensor.."), in("python.shm"))
          .should()
          .dependOnClassesThat(
              named(
                  "sun.misc.Unsafe",
                  "org.apache.spark.unsafe.Platform",
                  "io.netty.util.internal.PlatformDependent",
                  "org.apache.arrow.memory.util.MemoryUtil"));

  @ArchTest
  static final ArchRule roles_of_the_read_path_are_not_public =
      classes()
          .that()
          .resideInAPackage(in("source"))
          .and(
              assignableToAny(
                  Table.class,
                  ScanBuilder.class,
                  Scan.class,
                  Batch.class,
                  InputPartition.class,
                  PartitionReaderFactory.class,
                  PartitionReader.class))
          .should()
          .notBePublic();

  private static Set<String> named(Path file, String pattern) throws IOException {
    return Pattern.compile(pattern)
        .matcher(Files.readString(file))
        .results()
        .map(match -> match.group(1))
        .collect(Collectors.toCollection(TreeSet::new));
  }

  private static Set<String> existing(JavaClasses classes) {
    return classes.stream()
        .map(JavaClass::getPackageName)
        .filter(name -> !name.equals(ROOT))
        .map(name -> name.substring(ROOT.length() + 1))
        .collect(Collectors.toCollection(TreeSet::new));
  }

  private static String in(String name) {
    return ROOT + "." + name;
  }

  private static ArchRule packageKnowsNone(String name, String... packages) {
    return noClasses()
        .that()
        .resideInAPackage(in(name + ".."))
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage(packages);
  }

  /** Of this project's packages, one knows only itself and some others. */
  private static ArchRule ownPackages(String name, String... known) {
    return noClasses()
        .that()
        .resideInAPackage(in(name))
        .should()
        .dependOnClassesThat(
            JavaClass.Predicates.resideInAPackage(ROOT + "..")
                .and(
                    DescribedPredicate.not(
                        JavaClass.Predicates.resideInAnyPackage(
                            Stream.concat(Stream.of(name), Stream.of(known))
                                .map(ArchitectureTest::in)
                                .toArray(String[]::new)))));
  }

  private static DescribedPredicate<JavaClass> named(String... names) {
    return DescribedPredicate.describe(
        String.join(", ", names), type -> List.of(names).contains(type.getName()));
  }

  private static DescribedPredicate<JavaClass> assignableToAny(Class<?>... types) {
    return DescribedPredicate.describe(
        "take a role of Data Source V2",
        candidate -> Stream.of(types).anyMatch(candidate::isAssignableTo));
  }

  private static AbstractClassesTransformer<JavaPackage> packages() {
    return new AbstractClassesTransformer<>("packages") {
      @Override
      public Iterable<JavaPackage> doTransform(JavaClasses classes) {
        return classes.stream().map(JavaClass::getPackage).distinct().toList();
      }
    };
  }

  private static ArchCondition<JavaPackage> beNullMarked() {
    return new ArchCondition<>("have a package-info that is @NullMarked") {
      @Override
      public void check(JavaPackage item, ConditionEvents events) {
        boolean marked =
            item.tryGetPackageInfo()
                .map(info -> info.isAnnotatedWith(NullMarked.class))
                .orElse(false);
        events.add(
            new SimpleConditionEvent(
                item, marked, item.getName() + (marked ? " is" : " is not") + " @NullMarked"));
      }
    };
  }
}
