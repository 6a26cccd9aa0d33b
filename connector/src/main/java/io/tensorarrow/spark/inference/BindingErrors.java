package io.tensorarrow.spark.inference;

import io.tensorarrow.spark.errors.TensorArrowException;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;

/** Collects the errors of a binding, so that a user reads all of them at once. */
final class BindingErrors {
  private static final int LISTED = 20;

  private final List<TensorArrowException> errors = new ArrayList<>();

  void add(TensorArrowException error) {
    errors.add(error);
  }

  /**
   * Throws if anything was added.
   *
   * @throws TensorArrowException the only error, or one with the first's code and all their
   *     messages
   */
  void throwIfAny() {
    if (errors.size() == 1) {
      throw errors.get(0);
    }
    if (!errors.isEmpty()) {
      TensorArrowException first = errors.get(0);
      List<TensorArrowException> rest = errors.subList(1, errors.size());
      String also =
          rest.stream()
              .limit(LISTED)
              .map(error -> ". Also: " + error.getMessage())
              .collect(Collectors.joining());
      String more = rest.size() > LISTED ? ". And " + (rest.size() - LISTED) + " more errors" : "";
      throw first.followedBy(also + more);
    }
  }
}
