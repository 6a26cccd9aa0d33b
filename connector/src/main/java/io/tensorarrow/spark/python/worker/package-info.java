/**
 * The protocol between a task and its Python worker: what is sent, what comes back, and the
 * counters of both.
 *
 * <p>Threads: in a task, {@code BatchWriter} is a thread of its own, which Spark starts and joins;
 * {@code BatchReader} belongs to the task's thread. The leases of a task are shared by both, and
 * thread-safe.
 *
 * <p>Memory: batches that go out belong to the source; what has to be converted on the way is freed
 * when the batch is written. Batches that come back are valid until the next one. A segment belongs
 * to the pool in {@code python.shm}; a task has it on a lease, for one batch.
 *
 * <h2>Transfer modes</h2>
 *
 * <p>{@code arrow}: the batch's buffers are written to the worker's socket as an Arrow stream; for
 * scalar functions as Spark's workers expect it, for functions of whole batches in envelopes.
 * {@code shared-memory}: the batch is copied once, into a segment that the worker maps; the socket
 * carries a handle. {@code rows}: Spark's own nodes.
 *
 * <h2>Envelopes, version 1</h2>
 *
 * <p>The schema of an Arrow stream is fixed and PySpark drops the metadata of batches, so with
 * {@code shared-memory} the stream has one binary column, {@code tensorarrow/1}, with one row per
 * message. The name has the protocol's version: a module of another version refuses it. A function
 * of the Python module {@code tensorarrow._worker}, put before the user's, opens the envelopes.
 * With {@code arrow}, functions of whole batches get the same envelopes, all of them inline. All
 * numbers are little-endian; an envelope begins with its kind, an int32:
 *
 * <ul>
 *   <li>1, schema, once, first: at byte 8 an Arrow IPC schema message.
 *   <li>2, handle: see below.
 *   <li>3, inline: at byte 64 an Arrow message (see below), for batches below 128 KiB, which the
 *       socket carries faster, and for those for which no segment is free.
 *   <li>4, in place: a handle of a segment that holds nothing but the elements of one column, whose
 *       ordinal is in the handle; then the tensor's shape, rows first, int64 each. It comes before
 *       its batch (kind 2 or 3), which lacks that column.
 * </ul>
 *
 * <p>The schema's fields are those that Spark's own nodes send. Where one has the key {@code
 * tensorarrow.raw} in its metadata, the batch has the tensor's native elements, whose dtype is in
 * {@code tensor.dtype}: unsigned integers and float16 as Arrow has them, bfloat16 as uint16,
 * booleans as uint8, complex numbers as binaries of 8 or 16 bytes, everything else as bytes. The
 * worker widens them for functions that expect Spark's types; {@code ta.numpy} reads the native
 * ones.
 *
 * <p>A batch is one encapsulated Arrow IPC message of a record batch whose metadata are padded so
 * that each of its buffers is aligned to 64 bytes; Arrow's own writer aligns to 8. Validity bits
 * are left out where nothing is null. Any reader of Arrow IPC can read it.
 *
 * <p>A handle, 56 bytes: kind, the JVM's process id, the descriptor of the segment's file there,
 * the segment's number, the generation, an ordinal or 0 (int32 each), the segment's size, the
 * batch's offset in it, the batch's length, the segment's nonce (int64 each). The worker opens
 * {@code /proc/<pid>/fd/<descriptor>} once per segment, checks size, magic and nonce, and with each
 * handle the generation and that the batch is inside the segment; any difference is an error,
 * {@code TA_HANDOVER}. Numbers of segments are not used again, so a mapping is known by process id,
 * number and nonce.
 *
 * <h2>In place, and back</h2>
 *
 * <p>A function of {@code ta.map_tensors} may name columns that it changes. The JVM knows it by its
 * name, {@code map_tensors(inplace=["column"])}. A tensor of 128 KiB and more goes in a segment of
 * its own (kind 4), which the worker maps writable while the function runs. The JVM holds the
 * segment: it is not leased again, nor closed, before the JVM has read it.
 *
 * <p>When the function has returned, the worker looks whether any array over the segment is alive,
 * or a child was forked meanwhile. If not, it makes the mapping read-only and answers with the
 * lease. If so, it answers with a copy, and later writes have no effect. Each batch is answered by
 * one row of two binaries, {@code tensorarrow/1} and {@code data}. The first is a header: the
 * number of rows, that of columns, that of leases that are not returned, a zero (int32 each), how
 * many bytes were copied because views were kept (int64); for each declared column the segment's
 * number and the generation, or -1 and 0 (int32 each), and offset and length of an Arrow IPC stream
 * of that column in {@code data} (int64 each); for each lease that is not returned its segment's
 * number and generation (int32 each). The JVM takes only leases that the task has, each once, of as
 * many rows and of the declared type; anything else is {@code TA_HANDOVER}.
 *
 * <p>{@code Envelopes}, {@code SegmentHandle} and {@code ReplyHeader} declare these bytes; {@code
 * tensorarrow._envelopes} is their other side. Tests of both read {@code handover-protocol.txt}.
 */
@NullMarked
package io.tensorarrow.spark.python.worker;

import org.jspecify.annotations.NullMarked;
