package io.tensorarrow.spark.testing;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.ObjectInputStream;
import java.io.ObjectOutputStream;
import java.nio.ByteBuffer;
import org.apache.spark.SparkConf;
import org.apache.spark.serializer.KryoSerializer;
import scala.reflect.ClassTag$;

/** Sends objects the ways that Spark sends them to executors. */
public final class Copies {
  private Copies() {}

  /** Returns what Java's serialization makes of an object. */
  public static byte[] javaBytes(Object object) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (ObjectOutputStream out = new ObjectOutputStream(bytes)) {
      out.writeObject(object);
    }
    return bytes.toByteArray();
  }

  /** Returns what arrives by Java's serialization. */
  @SuppressWarnings("unchecked")
  public static <T> T javaCopy(T object) throws IOException, ClassNotFoundException {
    try (ObjectInputStream in =
        new ObjectInputStream(new ByteArrayInputStream(javaBytes(object)))) {
      return (T) in.readObject();
    }
  }

  /** Returns what arrives by Kryo. */
  public static <T> T kryoCopy(T object) {
    var kryo = new KryoSerializer(new SparkConf()).newInstance();
    ByteBuffer bytes = kryo.serialize(object, ClassTag$.MODULE$.apply(object.getClass()));
    return kryo.deserialize(bytes, ClassTag$.MODULE$.apply(object.getClass()));
  }
}
