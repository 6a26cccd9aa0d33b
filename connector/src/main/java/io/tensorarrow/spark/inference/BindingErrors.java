package io.tensorarrow.spark.inference;

import io.tensorarrow.spark.errors.TensorArrowException;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;

/** Collects what does not fit, so that a user reads all of it at once. */
final class BindingErrors {
  private static final int LISTED = 20;

  private final List<TensorArrowException> found = new ArrayList<>();

  void add(TensorArrowException fault) {
    found.add(fault);
  }

  /**
   * Throws what was found, if anything was.
   *
   * @throws TensorArrowException the only fault, or one with the first's code and all their
   *     messages
   */
  void throwIfAny() {
    if (found.size() == 1) {
      throw found.get(0);
    }
    if (!found.isEmpty()) {
      TensorArrowException first = found.get(0);
      List<TensorArrowException> rest = found.subList(1, found.size());
      String also =
          rest.stream()
              .limit(LISTED)
              .map(fault -> ". Also: " + fault.getMessage())
              .collect(Collectors.joining());
      String more =
          rest.size() > LISTED ? ". And " + (rest.size() - LISTED) + " more such faults" : "";
      throw new TensorArrowException(first.code(), first.reason() + also + more, first);
    }
  }
}
