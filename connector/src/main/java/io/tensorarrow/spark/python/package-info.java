/**
 * Columnar hand-over to Python workers: nodes that stand where Spark plans its own Python nodes,
 * and the runner that carries their batches, without rows between.
 *
 * <p>Threads: nodes live on the driver. In a task, {@code BatchWriter} is a thread of its own,
 * which Spark starts and joins, as it does itself where Spark's wait is interrupted; {@code
 * BatchReader} belongs to the task's thread. The pool of segments is the process's, and
 * thread-safe.
 *
 * <p>Memory: batches that go out belong to the source; what has to be converted on the way is freed
 * when the batch is written. Batches that come back are valid until the next one. A segment belongs
 * to the pool; a task has it on a lease, for one batch.
 *
 * <p>Scalar UDFs answer some columns, to be put beside those that their rows came with: {@code
 * RetainedBatches} keeps these, tensors by their memory and others as Arrow vectors, until their
 * answers came and were consumed. A function may read all its input before it answers; from {@code
 * spark.tensorarrow.python.retainedBytes} on batches wait on disk.
 *
 * <h2>Tiers</h2>
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
 * message. The name has the protocol's version: who does not know it takes nothing out. A function
 * of the Python module {@code tensorarrow._worker}, put before the user's, opens the envelopes.
 * With {@code arrow}, functions of whole batches get the same envelopes, all of them inline. All
 * numbers are little-endian; an envelope begins with its kind, an int32:
 *
 * <ul>
 *   <li>1, schema, once, first: at byte 8 an Arrow IPC schema message.
 *   <li>2, handle: see below.
 *   <li>3, inline: at byte 64 a frame, for batches below 128 KiB, which the socket carries faster,
 *       and for those that no segment can be had for.
 *   <li>4, in place: a handle of a segment that holds nothing but the elements of one column, whose
 *       ordinal is in the handle; then the tensor's shape, rows first, int64 each. It comes before
 *       its batch (kind 2 or 3), whose frame lacks that column.
 * </ul>
 *
 * <p>The schema's fields are those that Spark's own way has. Where one has the key {@code
 * tensorarrow.raw} in its metadata, the frame has the elements of the tensor itself, which the key
 * {@code tensor.dtype} tells: unsigned integers and halves as Arrow has them, bfloat16 as uint16,
 * booleans as uint8, complex numbers as binaries of 8 or 16 bytes, everything else as bytes. The
 * worker widens them for functions that expect Spark's types, and shows {@code ta.numpy} the
 * others.
 *
 * <p>A frame is one encapsulated Arrow IPC message of a record batch whose metadata are padded so
 * that each of its buffers lies on 64 bytes, as NumPy and vector instructions like them; Arrow's
 * own writer aligns to 8. Validity bits are left out where nothing is null. Any reader of Arrow IPC
 * reads it.
 *
 * <p>A handle, 56 bytes: kind, the JVM's process id, the descriptor of the segment's file there,
 * the segment's number, the generation, an ordinal or 0 (int32 each), the segment's size, the
 * frame's offset in it, the frame's length, the segment's nonce (int64 each). The worker opens
 * {@code /proc/<pid>/fd/<descriptor>} once per segment, checks size, magic and nonce, and with each
 * handle the generation and that the frame lies in the segment; whatever differs is {@code
 * TA_HANDOVER} and no batch. Numbers of segments are not used again, so a mapping is known by
 * process id, number and nonce.
 *
 * <h2>Segments</h2>
 *
 * <p>A segment is a file of mode 0600 without a name on a file system in memory ({@code Segment} of
 * the room {@code tensor}), its pages written before it is mapped, so that neither side can be
 * killed for touching them. The first page is the header; only this page is mapped writable by
 * workers, but for a tensor that is changed in place. Words are int32, each written by one side
 * alone and on a cache line of its own:
 *
 * <pre>
 *   0  magic 'TAS1'         JVM, once
 *   4  generation           JVM, with each lease
 *   8  nonce, int64         JVM, once; random
 *  64  released             worker: the generation whose last view has died
 * 128  seen                 worker: the generation after which it asked for the next batch
 * 192  dead                 JVM: not 0 when it will not use the segment again
 * 4096 frame
 * </pre>
 *
 * <h2>Leases</h2>
 *
 * <ol>
 *   <li>The writer takes a segment from the pool, which gives it the next generation, copies the
 *       batch into it, and sends the handle.
 *   <li>The worker builds the batch over its read-only mapping. Each buffer of it refers to one
 *       lease object. When the last view has died, that object writes <i>released</i>.
 *   <li>Asked for the next batch, the worker writes <i>seen</i>, unless it has released the
 *       segment, which may be another task's by then. The writer has at most two batches on their
 *       way that were not seen; each handle is flushed at once, so that the worker has what is
 *       waited for, and begins while the next batch is made. It never waits for <i>released</i>: a
 *       function that keeps all its batches would wait for itself. When no segment can be had, the
 *       batch goes inline.
 *   <li>The pool takes a segment back when <i>released</i> is its generation. Last back is first
 *       out, since its pages are in the caches.
 *   <li>At the end of the task, however it ends, the segments of its leases that were not released
 *       are closed, never used again: the JVM sets <i>dead</i>, and drops file and mapping. A view
 *       that still lives keeps the pages as they are; the system frees them with the last mapping.
 *       A task ends only generations of its own: what was released early may be another's by then.
 *   <li>A worker that forks never writes <i>released</i> of the batches that were alive then: the
 *       child sees the same pages. A worker forgets segments that are <i>dead</i> when it begins a
 *       task.
 * </ol>
 *
 * <h2>In place, and back</h2>
 *
 * <p>A function of {@code ta.map_tensors} may name columns that it changes. The JVM knows it by its
 * name, {@code map_tensors(inplace=["column"])}. A tensor of 128 KiB and more goes in a segment of
 * its own (kind 4), which the worker maps writable while the function runs. The JVM holds the
 * segment: it is not lent again, nor closed, before the JVM has read it.
 *
 * <p>When the function has returned, the worker looks whether any array over the segment is alive,
 * or a child was forked meanwhile. If not, it makes the mapping read-only and answers with the
 * lease. If so, it answers with a copy, and what is written later is seen by nobody. Each batch is
 * answered by one row of two binaries, {@code tensorarrow/1} and {@code data}. The first is a
 * header: the number of rows, that of columns, that of leases that are not returned, a zero (int32
 * each), how many bytes were copied for the reason above (int64); for each declared column the
 * segment's number and the generation, or -1 and 0 (int32 each), and offset and length of an Arrow
 * IPC stream of that column in {@code data} (int64 each); for each lease that is not returned its
 * segment's number and generation (int32 each). The JVM takes only leases that the task has, each
 * once, of as many rows and of the declared type; anything else is {@code TA_HANDOVER}.
 *
 * <h2>Memory order</h2>
 *
 * <p>Pages are written again and again, so each side's reads and writes have to be in order on
 * processors that keep little of it (aarch64) as on those that keep most (x86-64):
 *
 * <ul>
 *   <li>JVM to worker: the frame and the <i>generation</i> are written before the handle is sent.
 *       The system's locks around the socket's queue order what the sender wrote before what the
 *       receiver reads after; the words need nothing of their own.
 *   <li>Worker to JVM: whatever was read of the batch must have been read before <i>released</i>
 *       can be seen, or it would be of the next batch. x86-64 never lets a write pass an earlier
 *       read; aarch64 does. So the lease releases a lock and takes it again just before it writes:
 *       the release keeps earlier reads before it (an instruction with <i>release</i>), the taking
 *       keeps later writes behind it (one with <i>acquire</i>), and aarch64 keeps a release before
 *       a later acquire. The lock is the lease's own: the garbage collector may run anywhere, and
 *       must not wait for a lock that the code which it interrupted holds. Reads by other threads
 *       come before, too: their views were given up under the interpreter's lock, or by the atomic
 *       count of Arrow's buffers.
 *   <li>Worker to JVM, in place: what the function wrote is written before the reply is sent, and
 *       read after it was received; the socket's locks order these as they do the other way.
 *   <li>The JVM reads <i>released</i> as a volatile word (<i>acquire</i>), so that what it writes
 *       for the next lease comes after; the pool's monitor passes that on to whichever thread
 *       writes.
 *   <li><i>seen</i> and <i>dead</i> allow nobody to write: read late, they make the writer wait, or
 *       the worker keep a mapping, a little longer.
 * </ul>
 *
 * <p>So a worker or a JVM that is killed at any moment leaves no memory behind: there is no name,
 * and the pages go with the last process that maps them. Only between the making of a file and the
 * deletion of its name, a few microseconds, may an empty file be left, which a later process
 * sweeps.
 */
@NullMarked
package io.tensorarrow.spark.python;

import org.jspecify.annotations.NullMarked;
