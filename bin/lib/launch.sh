# How Java runs ferryd and ferry, in this tree and where the package puts them. Sourced by their launchers, by sh and by bash.

# The option for the archive of classes FILE. FERRY_ARCHIVE_TO: where to make one instead, for bin/lib/archive.sh.
ferry_class_archive() {
  if [ -n "${FERRY_ARCHIVE_TO:-}" ]; then
    echo "-XX:ArchiveClassesAtExit=$FERRY_ARCHIVE_TO"
  else
    echo "-XX:SharedArchiveFile=$1"
  fi
}

# ferry_launch JAR ARCHIVE [ARGUMENT]...: becomes the command line.
# A short life: the quickest compiler and collector to start, and no file in /tmp/hsperfdata.
ferry_launch() {
  ferry_jar=$1 ferry_archive=$(ferry_class_archive "$2")
  shift 2
  exec java -XX:TieredStopAtLevel=1 -XX:+UseSerialGC -XX:-UsePerfData -Xmx64m \
    "$ferry_archive" -Xshare:auto -Xlog:cds=off -Xlog:cds+dynamic=off -jar "$ferry_jar" "$@"
}

# ferryd_launch JAR ARCHIVE [ARGUMENT]...: becomes the daemon. FERRYD_CLASS_PATH: what else is on its class path, behind its own.
# No attaching: a heap dump would have guests' pages in it. What the JVM says as it crashes goes to stderr, not to a file.
ferryd_launch() {
  ferry_jar=$1 ferry_archive=$(ferry_class_archive "$2")
  shift 2
  exec java -XX:+DisableAttachMechanism -XX:+ErrorFileToStderr -Djnr.ffi.x86asm.enabled=false -Dio.netty.leakDetection.level=disabled \
    -Dio.netty.allocator.maxOrder=11 --enable-native-access=ALL-UNNAMED \
    -Xmx256m -XX:MaxDirectMemorySize=512m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -XX:+ExitOnOutOfMemoryError -XX:-UsePerfData \
    "$ferry_archive" -Xshare:auto -Xlog:cds=off -Xlog:cds+dynamic=off \
    -cp "$ferry_jar${FERRYD_CLASS_PATH:+:$FERRYD_CLASS_PATH}" dev.ferry.daemon.Main "$@"
}
