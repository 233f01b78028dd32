package dev.ferry.api;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.ferry.base.FerryException;
import dev.ferry.base.NanoClock;
import dev.ferry.migration.EventLog;
import dev.ferry.migration.MigrationSnapshot;
import io.grpc.Status;
import io.netty.util.concurrent.DefaultThreadFactory;
import java.io.FileOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Who did what, when and with which result: a line of JSON for each call that may change something, and for the end of each migration. The file is
 * opened for each line, so that whoever rotates logs may move it away. Control characters are escaped by JSON: a guest's name cannot
 * pretend to be a line. One that cannot be written is said in the daemon's log and holds nothing up. Thread-safe.
 */
public final class AuditLog implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(AuditLog.class);
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final int LONGEST_TEXT = 2048;

    private static final int MOST_REFUSALS_A_MINUTE = 100;
    private static final int MOST_LINES_WAITING = 1000;
    private static final long LONGEST_WAIT_MS = 1000;
    private static final long IDLE_SECONDS = 10;

    private final Path file;
    private final NanoClock clock;
    private final Refusals refusals = new Refusals();
    private final ThreadPoolExecutor writer = new ThreadPoolExecutor(
            1,
            1,
            IDLE_SECONDS,
            TimeUnit.SECONDS,
            new ArrayBlockingQueue<>(MOST_LINES_WAITING),
            new DefaultThreadFactory("audit-write", true));

    /** A line has taken too long, and none was written since. */
    private volatile boolean isLate;

    private long seen;

    /** @param file made when it is missing, mode 0640 */
    public AuditLog(Path file) {
        this(file, NanoClock.system());
    }

    AuditLog(Path file, NanoClock clock) {
        this.file = file;
        this.clock = clock;
        writer.allowCoreThreadTimeOut(true);
    }

    /** Of the minute that began with the first. */
    private static final class Refusals {
        private long untilNs;
        private int written;
        private long unwritten;

        /** @return -1: not to be written; else to be written, and how many of earlier minutes were not */
        synchronized long oneMore(long nowNs) {
            if (written == 0 || nowNs - untilNs >= 0) {
                untilNs = nowNs + TimeUnit.MINUTES.toNanos(1);
                written = 0;
            }
            if (written == MOST_REFUSALS_A_MINUTE) {
                unwritten++;
                return -1;
            }
            written++;
            long before = unwritten;
            unwritten = 0;
            return before;
        }
    }

    /** Of what somebody else has written. */
    static String cut(String text) {
        return text.length() <= LONGEST_TEXT ? text : text.substring(0, LONGEST_TEXT) + "...";
    }

    /** One that may not: so many in a minute, and then how many more, so that nobody fills the disk who may do nothing. */
    void refused(Caller caller, String method, Status status) {
        long more = refusals.oneMore(clock.nanoTime());
        if (more > 0) {
            write(line("calls refused").put("count", more));
        }
        if (more >= 0) {
            call(caller, method, "", status);
        }
    }

    void call(Caller caller, String method, String request, Status status) {
        ObjectNode line = line("call");
        caller.describe(line);
        line.put("method", method)
                .put("request", cut(request))
                .put("status", status.getCode().name());
        if (status.getDescription() != null) {
            line.put("message", cut(status.getDescription()));
        }
        write(line);
    }

    /** Writes down the migrations that have ended since the last time. Called now and then, by one thread. */
    public synchronized void follow(EventLog events) {
        try {
            for (EventLog.Event event : events.after(seen, Integer.MAX_VALUE)) {
                if (event.kind() == EventLog.Kind.STATE
                        && event.migration().state().hasEnded()) {
                    ended(event.migration());
                }
                seen = event.sequence();
            }
        } catch (FerryException e) {
            LOG.error("the audit log misses the ends of some migrations: {}", e.getMessage());
            seen = events.last();
        }
    }

    private void ended(MigrationSnapshot migration) {
        write(line("migration ended")
                .put("migration", migration.id())
                .put("guest", migration.guest())
                .put("peer", cut(migration.peer()))
                .put("side", migration.side().name())
                .put("state", migration.state().name())
                .put("runs_on", migration.runsOn().name())
                .put("error", cut(migration.error())));
    }

    private static ObjectNode line(String what) {
        return JSON.createObjectNode().put("time", Instant.now().toString()).put("what", what);
    }

    /**
     * By a thread of its own, because a disk may hang. Whoever writes waits until it is written, but not long, and not at all while an
     * earlier line has taken too long.
     */
    private void write(ObjectNode line) {
        try {
            Future<?> written = writer.submit(() -> append(line));
            if (!isLate) {
                written.get(LONGEST_WAIT_MS, TimeUnit.MILLISECONDS);
            }
        } catch (TimeoutException e) {
            isLate = true;
            LOG.error(
                    "the audit log {} takes longer than {} ms a line: nobody waits for it any more",
                    file,
                    LONGEST_WAIT_MS);
        } catch (RejectedExecutionException e) {
            LOG.error("the audit log {} {}; it misses: {}", file, writer.isShutdown() ? "is closed" : "hangs", line);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt(); // the line is under way
        } catch (ExecutionException e) {
            LOG.error("the audit log {}: a bug; it misses: {}", file, line, e);
        }
    }

    /** Writes what waits, if that does not take long. Nothing is written after it. */
    @Override
    public void close() {
        writer.shutdown();
        try {
            if (!writer.awaitTermination(LONGEST_WAIT_MS, TimeUnit.MILLISECONDS)) {
                LOG.error("the audit log {} hangs; its last lines are missing", file);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void append(ObjectNode line) {
        try {
            make();
            // No channel: a call that is interrupted, because the daemon ends, would close it.
            try (FileOutputStream out = new FileOutputStream(file.toFile(), true)) {
                out.write((line + "\n").getBytes(StandardCharsets.UTF_8));
            }
            isLate = false;
        } catch (IOException e) {
            LOG.error("the audit log {} cannot be written ({}); it misses: {}", file, e, line);
        }
    }

    private void make() throws IOException {
        try {
            Files.createFile(file, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-r-----")));
        } catch (FileAlreadyExistsException e) {
            LOG.trace("{} is there", file, e);
        }
    }
}
