package dev.ferry.qemu;

import dev.ferry.base.ErrorCategory;
import dev.ferry.base.FerryException;
import dev.ferry.migration.GuestControl.BlockView;
import dev.ferry.migration.GuestControl.GuestView;
import dev.ferry.sys.PidFd;
import dev.ferry.sys.ProcFs;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One guest of the registry: its record, its QMP connection once there is one, and its status as last heard. Thread-safe; QEMU
 * is asked on the executor's threads, by at most one at a time.
 */
final class RegisteredGuest implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(RegisteredGuest.class);
    private static final Duration CONNECT_LIMIT = Duration.ofSeconds(2);

    private final Executor executor;
    private final Object refreshLock = new Object();
    private volatile GuestRecord record;
    /** Null until connected. */
    private volatile QemuGuest qemu;

    /** Until QEMU has said otherwise. */
    private volatile String lastStatus;

    private volatile List<BlockView> blocks = List.of();
    /** Derived of the command line, which does not change; null until then. */
    private volatile GuestDefinition definition;

    private CompletableFuture<Void> refresh = CompletableFuture.completedFuture(null);
    private boolean closed;

    RegisteredGuest(GuestRecord record, QemuGuest qemu, Executor executor) {
        this.record = record;
        this.qemu = qemu;
        this.executor = executor;
        this.lastStatus = record.incoming() ? "INCOMING" : "RUNNING";
    }

    static GuestRecord record(
            QemuGuest qemu, boolean adopted, boolean incoming, String definition, List<String> ramFiles) {
        int pid = qemu.process().pid();
        long startTime = ProcFs.startTime(pid);
        return new GuestRecord(qemu.name(), qemu.qmpSocket(), pid, startTime, adopted, incoming, definition, ramFiles);
    }

    GuestRecord record() {
        return record;
    }

    void arrived() {
        record = record.arrived();
    }

    Optional<QemuGuest> qemu() {
        return Optional.ofNullable(qemu);
    }

    boolean isGone() {
        QemuGuest connected = qemu;
        if (connected != null) {
            try {
                return !connected.process().isAlive();
            } catch (FerryException | IllegalStateException closedMeanwhile) {
                LOG.debug("guest {} was let go of", record.name(), closedMeanwhile);
            }
        }
        // A zombie keeps its start time: the pidfd tells that it has ended.
        try (PidFd process = PidFd.open(record.pid())) {
            return ProcFs.startTime(record.pid()) != record.startTime() || !process.isAlive();
        } catch (FerryException e) {
            return e.category() == ErrorCategory.NOT_FOUND;
        }
    }

    /** The connection, made now if it is not there or broke. UNAVAILABLE when its QEMU has ended. */
    QemuGuest connected() {
        if (isGone()) {
            throw new FerryException(
                    ErrorCategory.UNAVAILABLE,
                    "guest " + record.name() + ": its QEMU (pid " + record.pid() + ") has ended; ferry guest detach "
                            + record.name() + " forgets it");
        }
        QemuGuest connected = qemu;
        return connected != null && connected.isAlive() ? connected : connect();
    }

    private synchronized QemuGuest connect() {
        if (qemu != null && qemu.isAlive()) {
            return qemu;
        }
        if (closed) {
            throw new FerryException(ErrorCategory.UNAVAILABLE, "guest " + record.name() + " was detached");
        }
        QemuGuest connected = QemuGuest.connect(record.name(), record.qmpSocket(), CONNECT_LIMIT);
        int pid = connected.process().pid();
        if (pid != record.pid()) {
            connected.close();
            throw new FerryException(
                    ErrorCategory.UNAVAILABLE,
                    "guest " + record.name() + ": at " + record.qmpSocket() + " answers pid " + pid
                            + ", and not its QEMU, pid " + record.pid());
        }
        if (qemu != null) {
            qemu.close();
        }
        qemu = connected;
        return connected;
    }

    /** Asks QEMU unless that is under way; the future ends when {@link #view} is up to date. */
    CompletableFuture<Void> refresh() {
        synchronized (refreshLock) {
            if (refresh.isDone()) {
                refresh = CompletableFuture.runAsync(this::askStatus, executor);
            }
            return refresh;
        }
    }

    private void askStatus() {
        if (isGone()) {
            return;
        }
        try {
            QemuGuest connected = connected();
            lastStatus = statusOf(connected.status());
            blocks = blocks(connected);
        } catch (FerryException e) {
            LOG.warn("guest {} does not tell its status, the last one stands: {}", record.name(), e.getMessage());
        }
        try {
            definition();
        } catch (FerryException e) {
            LOG.debug("guest {} has no definition: {}", record.name(), e.getMessage());
        }
    }

    private static String statusOf(String qemuStatus) {
        return switch (qemuStatus) {
            case "running" -> "RUNNING";
            case "inmigrate" -> "INCOMING";
            default -> "PAUSED";
        };
    }

    /** With the versioned machine name, so that it can travel. */
    GuestDefinition definition() {
        GuestDefinition known = definition;
        if (known != null) {
            return known;
        }
        GuestDefinition made;
        if (record.definition().isEmpty()) {
            String machine = connected().machine();
            int pid = record.pid();
            made = GuestDefinition.fromCommandLine(
                    record.name(),
                    ProcFs.executable(pid),
                    ProcFs.commandLine(pid),
                    ProcFs.workingDirectory(pid),
                    machine);
        } else {
            made = GuestDefinition.fromJson(record.definition());
            QemuGuest connected = qemu;
            if (connected == null) {
                return made;
            }
            made = made.withMachine(connected.machine());
        }
        definition = made;
        return made;
    }

    /** Of what is known now: asks nobody that could be slow. */
    GuestView view(String migrationId) {
        Optional<QemuGuest> connected = qemu();
        GuestDefinition known = definition;
        return new GuestView(
                record.name(),
                isGone() ? "GONE" : lastStatus,
                record.pid(),
                record.qmpSocket(),
                connected.map(QemuGuest::version).orElse(""),
                connected.map(QemuGuest::machine).orElse(""),
                blocks,
                migrationId,
                record.adopted(),
                known == null ? "" : known.toToml());
    }

    private static List<BlockView> blocks(QemuGuest qemu) {
        return qemu.blocks().stream()
                .map(b -> new BlockView(
                        b.block().name(),
                        b.block().lengthBytes(),
                        b.block().pageSizeBytes(),
                        b.backing().kind().name().toLowerCase(Locale.ROOT),
                        b.block().guestRam()))
                .toList();
    }

    @Override
    public synchronized void close() {
        closed = true;
        if (qemu != null) {
            qemu.close();
        }
    }
}
