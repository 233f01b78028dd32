package dev.ferry.qemu;

import dev.ferry.base.ErrorCategory;
import dev.ferry.base.FerryException;
import dev.ferry.migration.GuestControl;
import dev.ferry.sys.ProcFs;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Function;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The guests of this daemon by name, remembered across restarts. Thread-safe: the lock guards the tables only, QEMU is asked
 * without it, so that a slow guest holds up nobody else.
 */
public final class GuestRegistry implements GuestControl, AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(GuestRegistry.class);
    private static final Duration LIMIT = Duration.ofSeconds(3);

    private final GuestLauncher launcher;
    private final GuestRecords records;
    private final Map<String, GuestRecord> known = new TreeMap<>();
    private final Map<String, QemuGuest> connected = new TreeMap<>();
    private Function<String, Optional<String>> moving = name -> Optional.empty();

    public GuestRegistry(Path stateDirectory, GuestLauncher launcher) {
        this.launcher = launcher;
        this.records = new GuestRecords(stateDirectory.resolve("guests"));
    }

    /** @param movingGuest the id of the migration that moves a guest now */
    public synchronized void setMoving(Function<String, Optional<String>> movingGuest) {
        this.moving = movingGuest;
    }

    /** At the start of the daemon: connects to every remembered guest; one that does not answer is shown as GONE. */
    public void reconnect() {
        for (GuestRecord record : records.readAll()) {
            QemuGuest guest = null;
            try {
                guest = QemuGuest.connect(record.name(), record.qmpSocket(), LIMIT);
            } catch (FerryException e) {
                LOG.warn("guest {} is gone: {}", record.name(), e.getMessage());
            }
            synchronized (this) {
                known.put(record.name(), record);
                if (guest != null) {
                    connected.put(record.name(), guest);
                }
            }
        }
    }

    @Override
    public GuestView run(String toml, String fileName) {
        GuestDefinition definition = GuestDefinition.fromToml(toml, fileName);
        mustBeNew(definition.name());
        GuestLauncher.Incoming started = launcher.run(definition);
        adoptArrived(definition.name(), started.guest(), definition, started.ramFiles());
        return show(definition.name());
    }

    @Override
    public GuestView attach(String name, String qmpSocket, boolean incoming) {
        GuestNames.check(name);
        mustBeNew(name);
        QemuGuest guest = QemuGuest.connect(name, qmpSocket, LIMIT);
        try {
            String status = guest.status();
            if (incoming != status.equals("inmigrate")) {
                throw new FerryException(
                        ErrorCategory.FAILED_PRECONDITION,
                        "QEMU at " + qmpSocket + " is " + status
                                + (incoming
                                        ? ": --incoming needs one that was started with -incoming defer -S"
                                        : ": attach it with --incoming"));
            }
            put(
                    new GuestRecord(
                            name, Path.of(qmpSocket).toAbsolutePath().toString(), true, incoming, "", List.of()),
                    guest);
        } catch (RuntimeException e) {
            guest.close();
            throw e;
        }
        return show(name);
    }

    @Override
    public List<GuestView> list() {
        List<GuestRecord> all;
        synchronized (this) {
            all = List.copyOf(known.values());
        }
        List<GuestView> views = new ArrayList<>();
        all.forEach(r -> views.add(view(r)));
        return views;
    }

    @Override
    public GuestView show(String name) {
        return view(record(name));
    }

    @Override
    public GuestView detach(String name) {
        GuestView last = show(name);
        if (!last.migrationId().isEmpty()) {
            throw new FerryException(
                    ErrorCategory.FAILED_PRECONDITION,
                    "guest " + name + " is moving (migration " + last.migrationId()
                            + "): detach it when that has ended");
        }
        forget(name);
        return last;
    }

    /** NOT_FOUND with what there is; UNAVAILABLE when its QEMU is gone. */
    public QemuGuest guest(String name) {
        GuestRecord record = record(name);
        synchronized (this) {
            QemuGuest guest = connected.get(name);
            if (guest != null && guest.isAlive()) {
                return guest;
            }
        }
        // Its monitor may have been busy when the daemon started, or the connection broke.
        QemuGuest guest = QemuGuest.connect(name, record.qmpSocket(), LIMIT);
        synchronized (this) {
            QemuGuest old = connected.put(name, guest);
            if (old != null) {
                old.close();
            }
        }
        return guest;
    }

    /** Its own, or one derived from its QEMU's command line. */
    public GuestDefinition definition(String name) {
        GuestRecord record = record(name);
        QemuGuest guest = guest(name);
        if (!record.definition().isEmpty()) {
            GuestDefinition d = GuestDefinition.fromJson(record.definition());
            return d.withMachine(guest.machine());
        }
        int pid = guest.process().pid();
        return GuestDefinition.fromCommandLine(
                name, ProcFs.executable(pid), ProcFs.commandLine(pid), ProcFs.workingDirectory(pid), guest.machine());
    }

    /** A guest whose QEMU has ended does not count. */
    public boolean knows(String name) {
        GuestRecord record;
        QemuGuest guest;
        synchronized (this) {
            record = known.get(name);
            guest = connected.get(name);
        }
        return record != null && guest != null && guest.isAlive();
    }

    /** A QEMU that was attached to receive a migration. */
    public Optional<QemuGuest> incoming(String name) {
        synchronized (this) {
            GuestRecord record = known.get(name);
            if (record == null || !record.incoming()) {
                return Optional.empty();
            }
        }
        return Optional.of(guest(name));
    }

    /** A guest of ours runs here now. */
    public void adoptArrived(String name, QemuGuest guest, GuestDefinition definition, List<Path> ramFiles) {
        put(
                new GuestRecord(
                        name,
                        guest.qmpSocket(),
                        false,
                        false,
                        definition.toJson(),
                        ramFiles.stream().map(Path::toString).toList()),
                guest);
    }

    /** An attached incoming guest has become an ordinary one. */
    public synchronized void incomingArrived(String name) {
        GuestRecord record = known.get(name);
        if (record != null) {
            known.put(name, record.arrived());
            records.write(record.arrived());
        }
    }

    /** Its QEMU has ended: nothing of it stays here. */
    public void forgetDeparted(String name) {
        GuestRecord record = record(name);
        forget(name);
        if (!record.adopted()) {
            launcher.cleanUp(name, record.ramFiles().stream().map(Path::of).toList());
        }
    }

    private synchronized void forget(String name) {
        QemuGuest guest = connected.remove(name);
        if (guest != null) {
            guest.close();
        }
        known.remove(name);
        records.remove(name);
    }

    private synchronized void put(GuestRecord record, QemuGuest guest) {
        records.write(record);
        known.put(record.name(), record);
        QemuGuest old = connected.put(record.name(), guest);
        if (old != null && old != guest) {
            old.close();
        }
    }

    private void mustBeNew(String name) {
        if (knows(name)) {
            throw new FerryException(
                    ErrorCategory.ALREADY_EXISTS, "there is a guest " + name + " already: ferry guest show " + name);
        }
    }

    private synchronized GuestRecord record(String name) {
        GuestRecord record = known.get(name);
        if (record == null) {
            throw new FerryException(
                    ErrorCategory.NOT_FOUND,
                    "no guest " + name + " here; there " + (known.isEmpty() ? "is none" : "are " + known.keySet())
                            + ": attach it with ferry guest attach");
        }
        return record;
    }

    private GuestView view(GuestRecord record) {
        String name = record.name();
        Function<String, Optional<String>> movingNow;
        synchronized (this) {
            movingNow = moving;
        }
        // Not under the lock: migrations take it while they hold their own.
        Optional<String> migration = movingNow.apply(name);
        String toml = record.definition().isEmpty()
                ? ""
                : GuestDefinition.fromJson(record.definition()).toToml();
        try {
            QemuGuest guest = guest(name);
            List<BlockView> blocks = guest.blocks().stream()
                    .map(b -> new BlockView(
                            b.block().name(),
                            b.block().lengthBytes(),
                            b.block().pageSizeBytes(),
                            b.backing().kind().name().toLowerCase(Locale.ROOT),
                            b.block().guestRam()))
                    .toList();
            String status = switch (guest.status()) {
                case "running" -> "RUNNING";
                case "inmigrate" -> "INCOMING";
                default -> "PAUSED";
            };
            return new GuestView(
                    name,
                    status,
                    guest.process().pid(),
                    record.qmpSocket(),
                    guest.version(),
                    guest.machine(),
                    blocks,
                    migration.orElse(""),
                    record.adopted(),
                    toml);
        } catch (FerryException e) {
            return new GuestView(
                    name,
                    "GONE",
                    0,
                    record.qmpSocket(),
                    "",
                    "",
                    List.of(),
                    migration.orElse(""),
                    record.adopted(),
                    toml);
        }
    }

    /** Lets go of every QMP connection; the guests go on. */
    @Override
    public synchronized void close() {
        connected.values().forEach(QemuGuest::close);
        connected.clear();
    }
}
