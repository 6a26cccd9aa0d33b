package io.tensorarrow.spark;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.all;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

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
import java.util.List;
import java.util.stream.Stream;
import org.apache.spark.sql.connector.catalog.Table;
import org.apache.spark.sql.connector.read.Batch;
import org.apache.spark.sql.connector.read.InputPartition;
import org.apache.spark.sql.connector.read.PartitionReader;
import org.apache.spark.sql.connector.read.PartitionReaderFactory;
import org.apache.spark.sql.connector.read.Scan;
import org.apache.spark.sql.connector.read.ScanBuilder;
import org.jspecify.annotations.NullMarked;

/** What each room must not know. A room that is still empty passes. */
@AnalyzeClasses(packages = ArchitectureTest.ROOT, importOptions = DoNotIncludeTests.class)
final class ArchitectureTest {
  static final String ROOT = "io.tensorarrow.spark";

  private static final List<String> ROOMS =
      List.of(
          "errors",
          "options",
          "model",
          "tensor",
          "inference",
          "source",
          "sql",
          "python",
          "metrics");

  private static final String SPARK_SQL = "org.apache.spark.sql..";
  private static final String DATA_SOURCE_V2 = "org.apache.spark.sql.connector..";
  private static final String ARROW = "org.apache.arrow..";
  private static final String TENSORFLOW = "org.tensorflow..";

  @ArchTest
  static final ArchRule every_class_lives_in_a_room =
      classes()
          .should()
          .resideInAnyPackage(
              Stream.concat(Stream.of(ROOT), ROOMS.stream().map(r -> room(r) + ".."))
                  .toArray(String[]::new));

  @ArchTest
  static final ArchRule rooms_have_no_cycles =
      slices().matching(ROOT + ".(*)..").should().beFreeOfCycles();

  @ArchTest
  static final ArchRule every_room_says_what_it_holds_and_is_null_marked =
      all(packages()).should(beNullMarked());

  @ArchTest
  static final ArchRule model_knows_neither_spark_sql_nor_arrow =
      roomKnowsNone("model", SPARK_SQL, ARROW);

  @ArchTest
  static final ArchRule tensor_knows_neither_data_source_v2_nor_its_users =
      roomKnowsNone("tensor", DATA_SOURCE_V2, room("source"), room("python"));

  @ArchTest
  static final ArchRule inference_knows_neither_data_source_v2_nor_python =
      roomKnowsNone("inference", DATA_SOURCE_V2, room("python"));

  @ArchTest
  static final ArchRule source_does_not_know_python = roomKnowsNone("source", room("python"));

  @ArchTest
  static final ArchRule python_does_not_know_tensorflow = roomKnowsNone("python", TENSORFLOW);

  /** The History Server instantiates metrics where the rest of the class path is missing. */
  @ArchTest
  static final ArchRule metrics_know_spark_alone =
      classes()
          .that()
          .resideInAPackage(room("metrics"))
          .should()
          .onlyDependOnClassesThat()
          .resideInAnyPackage(
              room("metrics"), "java..", "org.apache.spark..", "org.jspecify.annotations")
          .allowEmptyShould(true);

  @ArchTest
  static final ArchRule only_tensor_sees_addresses =
      noClasses()
          .that()
          .resideOutsideOfPackage(room("tensor"))
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
          .resideInAPackage(room("source"))
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
          .notBePublic()
          .allowEmptyShould(true);

  private static String room(String name) {
    return ROOT + "." + name;
  }

  private static ArchRule roomKnowsNone(String name, String... packages) {
    return noClasses()
        .that()
        .resideInAPackage(room(name) + "..")
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage(packages)
        .allowEmptyShould(true);
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
