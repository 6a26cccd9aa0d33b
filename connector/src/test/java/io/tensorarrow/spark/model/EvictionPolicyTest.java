package io.tensorarrow.spark.model;

import static org.assertj.core.api.Assertions.assertThat;

import io.tensorarrow.spark.model.EvictionPolicy.Expired;
import io.tensorarrow.spark.model.EvictionPolicy.Usage;
import java.util.List;
import org.junit.jupiter.api.Test;

class EvictionPolicyTest {
  private static final long IDLE_NANOS = 100;

  private static EvictionPolicy maxModels(int maxModels) {
    return new EvictionPolicy(maxModels, Long.MAX_VALUE, IDLE_NANOS);
  }

  private static EvictionPolicy maxBytes(long maxBytes) {
    return new EvictionPolicy(Integer.MAX_VALUE, maxBytes, IDLE_NANOS);
  }

  private static Usage<String> idle(String name, long bytes) {
    return new Usage<>(name, bytes, true, 0);
  }

  private static Usage<String> idleSince(String name, long unusedSince) {
    return new Usage<>(name, 1, true, unusedSince);
  }

  private static Usage<String> used(String name, long bytes) {
    return new Usage<>(name, bytes, false, 0);
  }

  private static Usage<String> loading(String name) {
    return new Usage<>(name, 0, false, 0);
  }

  @Test
  void emptyCacheHasNoVictims() {
    assertThat(maxModels(1).surplus(List.<Usage<String>>of())).isEmpty();
    assertThat(maxModels(1).expired(List.<Usage<String>>of(), 0).victims()).isEmpty();
  }

  @Test
  void leastRecentlyUsedModelsBeyondMaxModelsAreVictims() {
    List<Usage<String>> usages = List.of(idle("a", 1), idle("b", 1), idle("c", 1));
    assertThat(maxModels(3).surplus(usages)).isEmpty();
    assertThat(maxModels(2).surplus(usages)).containsExactly("a");
    assertThat(maxModels(1).surplus(usages)).containsExactly("a", "b");
  }

  @Test
  void usedAndLoadingModelsCountButAreNoVictims() {
    List<Usage<String>> usages = List.of(used("a", 1), loading("b"), idle("c", 1), idle("d", 1));
    assertThat(maxModels(3).surplus(usages)).containsExactly("c");
    assertThat(maxModels(1).surplus(usages)).containsExactly("c", "d");
  }

  @Test
  void leastRecentlyUsedModelsBeyondMaxBytesAreVictims() {
    List<Usage<String>> usages = List.of(idle("a", 5), idle("b", 3), idle("c", 4));
    assertThat(maxBytes(12).surplus(usages)).isEmpty();
    assertThat(maxBytes(11).surplus(usages)).containsExactly("a");
    assertThat(maxBytes(7).surplus(usages)).containsExactly("a");
    assertThat(maxBytes(6).surplus(usages)).containsExactly("a", "b");
  }

  @Test
  void lastModelStaysThoughTooLarge() {
    assertThat(maxBytes(1).surplus(List.of(idle("a", 5), idle("b", 5)))).containsExactly("a");
    assertThat(maxBytes(1).surplus(List.of(idle("a", 5)))).isEmpty();
    assertThat(maxBytes(1).surplus(List.of(idle("a", 5), used("b", 5)))).containsExactly("a");
  }

  @Test
  void afterShutdownAllIdleModelsAreVictims() {
    EvictionPolicy none = maxModels(4).keepingNone();
    assertThat(none.surplus(List.of(idle("a", 1), used("b", 1), idle("c", 1))))
        .containsExactly("a", "c");
    assertThat(none.surplus(List.of(idle("a", 1)))).containsExactly("a");
  }

  @Test
  void modelsIdleForIdleTimeExpire() {
    List<Usage<String>> usages =
        List.of(idleSince("a", 0), idleSince("b", 30), used("c", 1), idleSince("d", 10));
    assertThat(maxModels(4).expired(usages, 99).victims()).isEmpty();
    assertThat(maxModels(4).expired(usages, 110).victims()).containsExactly("a", "d");
    assertThat(maxModels(4).expired(usages, 1000).victims()).containsExactly("a", "b", "d");
  }

  @Test
  void nextSweepIsDueWhenNextIdleModelExpires() {
    List<Usage<String>> usages = List.of(idleSince("a", 20), used("b", 1), idleSince("c", 10));
    Expired<String> expired = maxModels(4).expired(usages, 50);
    assertThat(expired.nanosToNext()).hasValue(60);
    assertThat(maxModels(4).expired(usages, 115).nanosToNext()).hasValue(5);
    assertThat(maxModels(4).expired(usages, 120).nanosToNext()).isEmpty();
  }

  @Test
  void clockMayOverflow() {
    List<Usage<String>> usages = List.of(idleSince("a", Long.MAX_VALUE - 10));
    assertThat(maxModels(1).expired(usages, Long.MAX_VALUE + 80).nanosToNext()).hasValue(10);
    assertThat(maxModels(1).expired(usages, Long.MAX_VALUE + 90).victims()).containsExactly("a");
  }
}
