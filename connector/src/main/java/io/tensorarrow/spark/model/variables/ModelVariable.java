package io.tensorarrow.spark.model.variables;

import io.tensorarrow.spark.errors.ErrorCode;
import io.tensorarrow.spark.errors.TensorArrowException;
import io.tensorarrow.spark.tensor.DType;
import java.io.Serializable;
import java.util.List;
import java.util.Optional;

/**
 * A variable of a SavedModel, or another tensor of its checkpoint, and where its elements are.
 *
 * @param name what TensorFlow calls it, without the {@code :0}
 * @param dtypeNumber TensorFlow's number of its dtype, which may be of a newer TensorFlow
 * @param shape its dimensions
 * @param parts its pieces, more than one if it was partitioned
 */
public record ModelVariable(String name, int dtypeNumber, List<Long> shape, List<Part> parts)
    implements Serializable {
  /** What fits into one cell of a row, with some space left for the row's other cells. */
  static final long MAX_BYTES = Integer.MAX_VALUE - (1 << 20);

  /**
   * Elements that are in one place, little-endian and row-major.
   *
   * @param file the data file, below the model's directory
   * @param offset where they begin there
   * @param size their bytes
   * @param checksum TensorFlow's checksum of them
   * @param begin where the piece begins in each dimension
   * @param extent how long it is in each dimension
   */
  public record Part(
      String file, long offset, long size, int checksum, List<Long> begin, List<Long> extent)
      implements Serializable {
    /** Copies the lists. */
    public Part {
      begin = List.copyOf(begin);
      extent = List.copyOf(extent);
    }
  }

  /** Copies the lists. */
  public ModelVariable {
    shape = List.copyOf(shape);
    parts = List.copyOf(parts);
  }

  /** Returns the dtype, or empty if it is of a newer TensorFlow. */
  public Optional<DType> dtype() {
    return DType.ofNumber(dtypeNumber);
  }

  /** Returns NumPy's name of the dtype, or its number if it has none here. */
  public String dtypeName() {
    return dtype().map(DType::numpyName).orElseGet(() -> "dtype " + dtypeNumber);
  }

  /**
   * Checks that the elements can be read as one array of bytes.
   *
   * @param model the model's location, for the message
   * @throws TensorArrowException with {@link ErrorCode#TA_VARIABLE_UNSUPPORTED} if they have no
   *     bytes of their own, are too many, or are strings in parts
   */
  public void checkReadable(String model) {
    Optional<DType> known = dtype();
    if (known.isEmpty() || known.get() == DType.RESOURCE || known.get() == DType.VARIANT) {
      throw refused(model, dtypeName(), "numbers, booleans or strings");
    }
    if (known.get() == DType.STRING && parts.size() > 1) {
      throw refused(model, "strings in " + parts.size() + " parts", "strings in one");
    }
    if (size() > MAX_BYTES) {
      throw refused(model, size() + " bytes", "at most " + MAX_BYTES + ", which fit into a row");
    }
  }

  private TensorArrowException refused(String model, String found, String expected) {
    return TensorArrowException.cannot(
            ErrorCode.TA_VARIABLE_UNSUPPORTED, "read variable '%s' of model '%s'", name, model)
        .found("%s", found)
        .expected("%s (filter by name, or leave out the column 'tensor')", expected);
  }

  /** Returns the bytes that all its parts have in the checkpoint. */
  public long size() {
    return parts.stream().mapToLong(Part::size).sum();
  }
}
