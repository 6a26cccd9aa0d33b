/**
 * Shared memory: segments, the pool that recycles them, and the leases that tasks have on them.
 * {@link io.tensorarrow.spark.python.shm.SharedMemory} is the process's one pool, made by the first
 * task that needs it and closed when the application ends.
 *
 * <p>Threads: pool and leases are thread-safe. Outside of {@code tensor} this is the only package
 * that sees addresses.
 *
 * <p>Memory: the pool owns the segments. A lease is held by one task for one batch.
 *
 * <h2>Segments</h2>
 *
 * <p>A segment is a file of mode 0600 without a name on a file system in memory ({@link
 * io.tensorarrow.spark.python.shm.Segment}), its pages written before it is mapped: otherwise a
 * process that touches a page while the file system is full would be killed. The first page is the
 * header; only this page is mapped writable by workers, but for a tensor that is changed in place.
 * Each field is written by one side only; those that one side writes while the other reads are
 * int32 and have a cache line each ({@link io.tensorarrow.spark.python.shm.SegmentLayout}):
 *
 * <pre>
 *   0  magic 'TAS1'         JVM, once
 *   4  generation           JVM, with each lease
 *   8  nonce, int64         JVM, once; random
 *  64  released             worker: the generation whose last view has died
 * 128  seen                 worker: the generation after which it asked for the next batch
 * 192  dead                 JVM: not 0 when it will not use the segment again
 * 4096 batch
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
 *       segment, which may be leased by another task by then. The writer waits while two batches in
 *       segments have not been seen. Each handle is flushed at once, so that the worker can start
 *       while the next batch is made. The writer never waits for <i>released</i>: a function that
 *       keeps all its batches never releases one. When no segment can be had, the batch goes
 *       inline.
 *   <li>The pool takes a segment back when <i>released</i> is its generation. Last back is first
 *       out, since its pages are in the caches.
 *   <li>At the end of the task, however it ends, the segments of its leases that were not released
 *       are closed, never used again: the JVM sets <i>dead</i>, and drops file and mapping. A view
 *       that still lives keeps the pages as they are; the system frees them with the last mapping.
 *       A task ends only its own generations: a segment released early may be leased by another
 *       task.
 *   <li>A worker that forks never writes <i>released</i> of the batches that were alive then: the
 *       child sees the same pages. A worker forgets segments that are <i>dead</i> when it begins a
 *       task.
 * </ol>
 *
 * <h2>Memory order</h2>
 *
 * <p>Pages are written again and again, so each side's reads and writes have to be in order on
 * processors that keep little of it (aarch64) as on those that keep most (x86-64):
 *
 * <ul>
 *   <li>JVM to worker: the batch and the <i>generation</i> are written before the handle is sent.
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
package io.tensorarrow.spark.python.shm;

import org.jspecify.annotations.NullMarked;
