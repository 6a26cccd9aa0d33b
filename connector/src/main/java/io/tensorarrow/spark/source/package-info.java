/**
 * The Data Source V2 read path, one package-private class per role:
 *
 * <ul>
 *   <li>{@code source.wrapped} opens the table that holds the data, {@code ModelLookup} finds the
 *       model;
 *   <li>{@code InferenceRead} puts the two together, and looks both up again for each query ({@code
 *       PerQuery}, {@code Snapshot}); {@code FileInferenceTable} and {@code SourceInferenceTable}
 *       are what Spark sees of it;
 *   <li>{@code InferenceScanBuilder} keeps filters, columns and limits away from the model;
 *   <li>{@code ReadPlan} is what a read does with the source's batches, comparable, so that Spark
 *       can reuse an exchange; {@code InferenceScan}, {@code InferenceBatch} and {@code
 *       InferenceReaderFactory} carry it to the executors;
 *   <li>{@code InferencePartitionReader} runs there; {@code RowFilter} selects the rows, {@code
 *       BatchGatherer} gathers those of small batches, {@code ScanMetric} declares what is counted;
 *   <li>{@code InspectTable} lists a model's signatures instead of data.
 * </ul>
 *
 * <p>Threads: tables are shared by all threads that plan; builder, scan and batch live on the
 * driver, in the thread that plans. A reader belongs to one task; its constructor, {@code next} and
 * {@code close} may be called by different threads, one at a time.
 *
 * <p>Memory: a reader owns the tensors' columns of its current batch until the next one; whoever
 * consumes the batch may close them earlier. Columns of the wrapped source stay the source's own;
 * copies of rows that wait for a full batch are the reader's, on the heap.
 */
@NullMarked
package io.tensorarrow.spark.source;

import org.jspecify.annotations.NullMarked;
