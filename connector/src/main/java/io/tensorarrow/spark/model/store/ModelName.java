package io.tensorarrow.spark.model.store;

/** How people call a model. */
public final class ModelName {
  private ModelName() {}

  /**
   * Returns the last part of a model's location, with the one before it if it is a version's
   * number.
   *
   * @param location a path or URI
   */
  public static String of(String location) {
    int last = location.lastIndexOf('/');
    int before = location.lastIndexOf('/', last - 1);
    boolean versioned = location.substring(last + 1).matches("[0-9]+") && before >= 0;
    String name = location.substring((versioned ? before : last) + 1);
    return name.isEmpty() ? location : name;
  }
}
