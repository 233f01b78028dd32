package dev.ferry.qemu;

import dev.ferry.base.ErrorCategory;
import dev.ferry.base.FerryException;
import dev.ferry.migration.GuestControl;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Function;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The guests of this host, started here, arrived or adopted; remembered over restarts of the daemon. Thread-safe: the map is
 * guarded by {@link #lock}, never held while QEMU is asked; a name under way (starting, attaching) is reserved. Owns the QMP
 * connections, not the guests: closing it leaves them running.
 */
public final class GuestRegistry implements GuestControl, AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(GuestRegistry.class);
    private static final Duration ATTACH_LIMIT = Duration.ofSeconds(5);
    /** A guest that does not answer in time is shown as it was. */
    private static final long VIEW_LIMIT_MS = 500;

    private static final long RECONNECT_LIMIT_MS = 3_000;
    private static final long EXIT_LIMIT_MS = 5_000;
    private static final int NO_PID = -1;

    private final GuestRecords records;
    private final GuestLauncher launcher;
    private final ExecutorService executor = Executors.newCachedThreadPool(task -> {
        Thread thread = new Thread(task, "guest-status");
        thread.setDaemon(true);
        return thread;
    });

    private final Object lock = new Object();
    private final Map<String, RegisteredGuest> guests = new TreeMap<>();
    private final Set<String> reserved = new HashSet<>();
    private volatile Function<String, Optional<String>> moving = name -> Optional.empty();

    public GuestRegistry(Path stateDirectory, GuestLauncher launcher) {
        this.records = new GuestRecords(stateDirectory.resolve("guests"));
        this.launcher = launcher;
    }

    /** @param migrationOf the migration that moves a guest now */
    public void setMoving(Function<String, Optional<String>> migrationOf) {
        this.moving = migrationOf;
    }

    /**
     * At start-up, before anything else: the guests of an earlier run of this daemon. One that is gone is shown so.
     *
     * @param arriving guests whose QEMU may answer only when pages have come: not waited for
     */
    public void reconnect(Set<String> arriving) {
        List<CompletableFuture<Void>> refreshes = new ArrayList<>();
        for (GuestRecord record : records.readAll()) {
            RegisteredGuest guest = new RegisteredGuest(record, null, executor);
            synchronized (lock) {
                guests.put(record.name(), guest);
            }
            CompletableFuture<Void> refresh = guest.refresh();
            if (!arriving.contains(record.name())) {
                refreshes.add(refresh);
            }
        }
        await(refreshes, RECONNECT_LIMIT_MS);
        list().forEach(view -> LOG.info("guest {} (pid {}) is {}", view.name(), view.pid(), view.status()));
    }

    @Override
    public GuestView run(String toml, String fileName) {
        GuestDefinition definition = GuestDefinition.fromToml(toml, fileName);
        return withReserved(definition.name(), () -> {
            GuestLauncher.Incoming started = launcher.run(definition);
            QemuGuest qemu = started.guest();
            try {
                return register(qemu, record(qemu, false, false, definition.toJson(), started.ramFiles()));
            } catch (RuntimeException e) {
                qemu.kill(Duration.ofMillis(EXIT_LIMIT_MS));
                qemu.close();
                launcher.cleanUp(definition.name(), started.ramFiles());
                throw e;
            }
        });
    }

    @Override
    public GuestView attach(String name, String qmpSocket, boolean incoming) {
        GuestNames.check(name);
        return withReserved(name, () -> {
            QemuGuest qemu = QemuGuest.connect(name, qmpSocket, ATTACH_LIMIT);
            try {
                requireAttachable(qemu, incoming);
                return register(qemu, record(qemu, true, incoming, "", List.of()));
            } catch (RuntimeException e) {
                qemu.close();
                throw e;
            }
        });
    }

    private void requireAttachable(QemuGuest qemu, boolean incoming) {
        int pid = qemu.process().pid();
        for (RegisteredGuest other : snapshot()) {
            if (other.record().pid() == pid && !other.isGone()) {
                throw new FerryException(
                        ErrorCategory.ALREADY_EXISTS,
                        "the QEMU at " + qemu.qmpSocket() + " (pid " + pid + ") is guest "
                                + other.record().name() + " already");
            }
        }
        boolean waits = qemu.status().equals("inmigrate");
        if (incoming && !waits) {
            throw new FerryException(
                    ErrorCategory.FAILED_PRECONDITION,
                    "guest " + qemu.name() + " is " + qemu.status()
                            + " and does not wait for a migration: start its QEMU with "
                            + "-S -incoming defer, or attach it without --incoming");
        }
        if (!incoming && waits) {
            throw new FerryException(
                    ErrorCategory.FAILED_PRECONDITION,
                    "guest " + qemu.name() + " waits for a migration: attach it with --incoming");
        }
    }

    @Override
    public List<GuestView> list() {
        List<RegisteredGuest> all = snapshot();
        await(all.stream().map(RegisteredGuest::refresh).toList(), VIEW_LIMIT_MS);
        return all.stream().map(this::view).toList();
    }

    @Override
    public GuestView show(String name) {
        RegisteredGuest guest = find(name);
        await(List.of(guest.refresh()), VIEW_LIMIT_MS);
        return view(guest);
    }

    @Override
    public GuestView detach(String name) {
        RegisteredGuest guest = find(name);
        moving.apply(name).ifPresent(migration -> {
            throw new FerryException(
                    ErrorCategory.FAILED_PRECONDITION,
                    "guest " + name + " is moving (migration " + migration + "): wait for its end, or cancel it");
        });
        GuestView view = view(guest);
        boolean gone = guest.isGone();
        remove(guest);
        if (gone) {
            removeFiles(guest.record());
        }
        return view;
    }

    /** NOT_FOUND listing what there is; UNAVAILABLE when its QEMU has ended or does not answer. */
    public QemuGuest guest(String name) {
        return find(name).connected();
    }

    /** How to start it elsewhere, with the versioned machine name. */
    public GuestDefinition definition(String name) {
        return find(name).definition();
    }

    /** Whether there is a guest of this name whose QEMU lives, or is being started. */
    public boolean knows(String name) {
        RegisteredGuest guest;
        synchronized (lock) {
            if (reserved.contains(name)) {
                return true;
            }
            guest = guests.get(name);
        }
        return guest != null && !guest.isGone();
    }

    /** Whether this process is the guest of this name. */
    public boolean has(String name, int pid) {
        synchronized (lock) {
            RegisteredGuest guest = guests.get(name);
            return guest != null && guest.record().pid() == pid;
        }
    }

    /** An attached QEMU that waits for a guest of this name. */
    public Optional<QemuGuest> incoming(String name) {
        RegisteredGuest guest;
        synchronized (lock) {
            guest = guests.get(name);
        }
        boolean waits = guest != null && guest.record().incoming() && !guest.isGone();
        return waits ? Optional.of(guest.connected()) : Optional.empty();
    }

    /** A guest that has arrived in a QEMU which ferry started for it is an ordinary one from now on. Takes the connection. */
    public void adoptArrived(String name, QemuGuest qemu, GuestDefinition definition, List<Path> ramFiles) {
        GuestRecord record = record(qemu, false, false, definition.toJson(), ramFiles);
        withReserved(name, record.pid(), () -> register(qemu, record));
    }

    /** A guest that has arrived in an attached QEMU is an ordinary one from now on. */
    public void incomingArrived(String name) {
        RegisteredGuest guest = find(name);
        guest.arrived();
        records.write(guest.record());
    }

    /** Its QEMU has ended for good, or is about to: nothing of it stays that ferry made. Harmless twice. */
    public void forgetDeparted(String name) {
        RegisteredGuest guest;
        synchronized (lock) {
            guest = guests.get(name);
        }
        if (guest == null) {
            return;
        }
        guest.qemu().ifPresent(qemu -> qemu.process().awaitExit(EXIT_LIMIT_MS));
        if (!guest.isGone()) {
            LOG.warn(
                    "guest {} has left, but its QEMU (pid {}) has not ended: it stays here",
                    name,
                    guest.record().pid());
            return;
        }
        remove(guest);
        removeFiles(guest.record());
    }

    private void remove(RegisteredGuest guest) {
        String name = guest.record().name();
        synchronized (lock) {
            guests.remove(name, guest);
        }
        records.remove(name);
        guest.close();
    }

    /** The directory is ours if the socket lies in it, also when the guest was detached and attached again. */
    private void removeFiles(GuestRecord record) {
        List<Path> ramFiles = record.ramFiles().stream().map(Path::of).toList();
        Path directory = Path.of(record.qmpSocket()).getParent();
        if (launcher.directory(record.name()).toAbsolutePath().equals(directory)) {
            launcher.cleanUp(record.name(), ramFiles);
        } else {
            ramFiles.forEach(GuestLauncher::removeFile);
        }
    }

    private static GuestRecord record(
            QemuGuest qemu, boolean adopted, boolean incoming, String definition, List<Path> ramFiles) {
        List<String> files = ramFiles.stream().map(Path::toString).toList();
        return RegisteredGuest.record(qemu, adopted, incoming, definition, files);
    }

    private GuestView register(QemuGuest qemu, GuestRecord record) {
        records.write(record);
        RegisteredGuest guest = new RegisteredGuest(record, qemu, executor);
        RegisteredGuest earlier;
        synchronized (lock) {
            earlier = guests.put(record.name(), guest);
        }
        // It may be registered already, when a migration recovers after a restart of the daemon.
        if (earlier != null && earlier.qemu().filter(q -> q == qemu).isEmpty()) {
            earlier.close();
        }
        await(List.of(guest.refresh()), VIEW_LIMIT_MS);
        return view(guest);
    }

    /** While a guest moves, in either direction, its name means that guest: its migration looks it up by it. */
    private GuestView withReserved(String name, Supplier<GuestView> action) {
        moving.apply(name).ifPresent(migration -> {
            throw new FerryException(
                    ErrorCategory.ALREADY_EXISTS, "guest " + name + " is moving (migration " + migration + ")");
        });
        return withReserved(name, NO_PID, action);
    }

    /** Only a guest that is gone, or the same one, may be replaced by one of the same name. */
    private GuestView withReserved(String name, int pid, Supplier<GuestView> action) {
        synchronized (lock) {
            RegisteredGuest there = guests.get(name);
            boolean taken = there != null && there.record().pid() != pid && !there.isGone();
            if (reserved.contains(name) || taken) {
                throw new FerryException(
                        ErrorCategory.ALREADY_EXISTS,
                        "guest " + name
                                + (there == null
                                        ? " is being started"
                                        : " is here already, pid "
                                                + there.record().pid()));
            }
            reserved.add(name);
        }
        try {
            return action.get();
        } finally {
            synchronized (lock) {
                reserved.remove(name);
            }
        }
    }

    private RegisteredGuest find(String name) {
        synchronized (lock) {
            RegisteredGuest guest = guests.get(name);
            if (guest == null) {
                throw new FerryException(
                        ErrorCategory.NOT_FOUND,
                        "no guest " + name + " on this host; there is "
                                + (guests.isEmpty() ? "none" : String.join(", ", new TreeSet<>(guests.keySet()))));
            }
            return guest;
        }
    }

    /** Returns when nobody holds the registry up. No QEMU is asked: one that hangs does not matter, and one in a blackout has no time. */
    public void ask() {
        snapshot();
    }

    private List<RegisteredGuest> snapshot() {
        synchronized (lock) {
            return List.copyOf(guests.values());
        }
    }

    private GuestView view(RegisteredGuest guest) {
        return guest.view(moving.apply(guest.record().name()).orElse(""));
    }

    private static void await(List<CompletableFuture<Void>> refreshes, long limitMs) {
        try {
            CompletableFuture.allOf(refreshes.toArray(new CompletableFuture<?>[0]))
                    .get(limitMs, TimeUnit.MILLISECONDS);
        } catch (TimeoutException slow) {
            LOG.debug("some guests did not tell their status within {} ms", limitMs);
        } catch (ExecutionException e) {
            LOG.warn("a guest's status could not be asked", e.getCause());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** Lets go of every QEMU; the guests go on. Harmless twice. */
    @Override
    public void close() {
        executor.shutdown();
        snapshot().forEach(RegisteredGuest::close);
    }
}
