package io.tensorarrow.it;

import java.io.IOException;
import java.net.InetAddress;
import java.net.URI;
import java.nio.file.Path;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.hdfs.DFSConfigKeys;
import org.apache.hadoop.hdfs.MiniDFSCluster;
import org.apache.hadoop.hdfs.server.namenode.AuditLogger;

/** A real HDFS within this process. */
final class MiniHdfs implements AutoCloseable {
  private static final Queue<String> OPENED = new ConcurrentLinkedQueue<>();

  private final MiniDFSCluster cluster;

  private MiniHdfs(MiniDFSCluster cluster) {
    this.cluster = cluster;
  }

  /** Notes which files are opened; made by the name node, by class name. */
  public static final class OpenedFiles implements AuditLogger {
    /** Called by the name node. */
    public OpenedFiles() {}

    @Override
    public void initialize(Configuration conf) {
      OPENED.clear();
    }

    @Override
    public void logAuditEvent(
        boolean succeeded,
        String user,
        InetAddress address,
        String command,
        String source,
        String destination,
        FileStatus status) {
      if (command.equals("open")) {
        OPENED.add(source);
      }
    }
  }

  /** Starts one that keeps its data in this directory. */
  static MiniHdfs start(Path directory) throws IOException {
    Configuration conf = new Configuration();
    conf.set(MiniDFSCluster.HDFS_MINIDFS_BASEDIR, directory.toString());
    conf.set(DFSConfigKeys.DFS_NAMENODE_AUDIT_LOGGERS_KEY, OpenedFiles.class.getName());
    return new MiniHdfs(new MiniDFSCluster.Builder(conf).numDataNodes(1).build());
  }

  /** Returns where it is reached. */
  URI uri() {
    return cluster.getURI();
  }

  /** Copies a local file or directory to a path, whose parents are made. */
  void put(Path local, String path) throws IOException {
    FileSystem files = cluster.getFileSystem();
    org.apache.hadoop.fs.Path target = new org.apache.hadoop.fs.Path(path);
    files.mkdirs(target.getParent());
    files.copyFromLocalFile(new org.apache.hadoop.fs.Path(local.toUri()), target);
  }

  /** Returns how often a file was opened. */
  long opened(String path) {
    return OPENED.stream().filter(path::equals).count();
  }

  /** Lets nobody reach any file from now on. */
  void stopNameNode() {
    cluster.shutdownNameNodes();
  }

  @Override
  public void close() {
    cluster.shutdown();
  }
}
