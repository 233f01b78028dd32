package dev.ferry.api;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.ferry.base.FerryException;
import dev.ferry.migration.EventLog;
import dev.ferry.migration.MigrationSnapshot;
import io.grpc.Status;
import java.io.FileOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Who did what, when and with which result: a line of JSON for each call that may change something, and for the end of each migration. The file is
 * opened for each line, so that whoever rotates logs may move it away. Control characters are escaped by JSON: a guest's name cannot
 * pretend to be a line. One that cannot be written is said in the daemon's log and holds nothing up. Thread-safe.
 */
public final class AuditLog {
    private static final Logger LOG = LoggerFactory.getLogger(AuditLog.class);
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final int LONGEST_TEXT = 2048;

    private final Path file;
    private long seen;

    /** @param file made when it is missing, mode 0640 */
    public AuditLog(Path file) {
        this.file = file;
    }

    /** Of what somebody else has written. */
    static String cut(String text) {
        return text.length() <= LONGEST_TEXT ? text : text.substring(0, LONGEST_TEXT) + "...";
    }

    void call(Caller caller, String method, String request, Status status) {
        ObjectNode line = line("call")
                .put("user", caller.name())
                .put("uid", caller.uid())
                .put("pid", caller.pid())
                .put("method", method)
                .put("request", cut(request))
                .put("status", status.getCode().name());
        if (status.getDescription() != null) {
            line.put("message", cut(status.getDescription()));
        }
        write(line);
    }

    /** Writes down the migrations that have ended since the last time. Called now and then, by one thread. */
    public void follow(EventLog events) {
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

    private synchronized void write(ObjectNode line) {
        try {
            make();
            // No channel: a call that is interrupted, because the daemon ends, would close it.
            try (FileOutputStream out = new FileOutputStream(file.toFile(), true)) {
                out.write((line + "\n").getBytes(StandardCharsets.UTF_8));
            }
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
