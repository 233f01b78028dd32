package dev.ferry.pager;

import dev.ferry.base.NanoClock;
import dev.ferry.migration.ArrivingGuest;
import dev.ferry.migration.CannotMoveException;
import dev.ferry.migration.FaultPoint;
import dev.ferry.migration.FaultPoints;
import dev.ferry.migration.GuestHost;
import dev.ferry.migration.IncomingSpec;
import dev.ferry.migration.LostPagePolicy;
import dev.ferry.migration.MemoryRoom;
import dev.ferry.migration.MigrationIds;
import dev.ferry.migration.Reason;
import dev.ferry.migration.SourceGuest;
import dev.ferry.qemu.GuestDefinition;
import dev.ferry.qemu.GuestLauncher;
import dev.ferry.qemu.GuestRegistry;
import dev.ferry.qemu.HostProfile;
import dev.ferry.qemu.Preflight;
import dev.ferry.qemu.QemuGuest;
import dev.ferry.sys.KernelSupport;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;

/** The guests of this host as migrations see them: the registry's, and new QEMUs for those that arrive. Thread-safe. */
public final class QemuGuestHost implements GuestHost {
    private static final Duration LIMIT = Duration.ofSeconds(10);

    private final GuestRegistry registry;
    private final GuestLauncher launcher;
    private final HostProfile profile;
    private final Path migrationsDirectory;
    private final DescriptorStore store;
    private final NanoClock clock;
    private final FaultPoints faults;

    /** @param migrationsDirectory on tmpfs; a directory for each migration that arrives */
    public QemuGuestHost(
            GuestRegistry registry,
            GuestLauncher launcher,
            HostProfile profile,
            Path migrationsDirectory,
            DescriptorStore store,
            NanoClock clock,
            FaultPoints faults) {
        this.registry = registry;
        this.launcher = launcher;
        this.profile = profile;
        this.migrationsDirectory = migrationsDirectory;
        this.store = store;
        this.clock = clock;
        this.faults = faults;
    }

    @Override
    public SourceGuest openSource(String guest) {
        return new SourceQemu(registry, guest);
    }

    @Override
    public List<Reason> checkIncoming(IncomingSpec spec) {
        Optional<QemuGuest> waiting = registry.incoming(spec.guest());
        if (waiting.isPresent()) {
            List<Reason> against = new ArrayList<>(lostPages(spec));
            against.addAll(Preflight.incoming(waiting.get(), spec.blocks(), spec.machine()));
            return against;
        }
        List<Reason> reasons = new ArrayList<>(lostPages(spec));
        if (registry.knows(spec.guest())) {
            reasons.add(new Reason(
                    "GUEST_EXISTS",
                    "the destination has a guest " + spec.guest()
                            + " already: is it this host itself? If not, detach or rename one of the two"));
        }
        reasons.addAll(
                Preflight.destination(profile, definition(spec), spec.blocks(), spec.qemuVersion(), spec.machine()));
        return reasons;
    }

    @Override
    public Optional<MemoryRoom> memoryRoom() {
        return Optional.of(Preflight.room(profile));
    }

    @Override
    public boolean isAwaited(String guest) {
        return registry.incoming(guest).isPresent();
    }

    private static List<Reason> lostPages(IncomingSpec spec) {
        if (spec.lostPages().action() != LostPagePolicy.Action.POISON) {
            return List.of();
        }
        return KernelSupport.poison().cause().map(cause -> new Reason("NO_PAGE_POISON", cause.getMessage())).stream()
                .toList();
    }

    @Override
    public ArrivingGuest prepareIncoming(IncomingSpec spec) {
        List<Reason> reasons = checkIncoming(spec);
        if (!reasons.isEmpty()) {
            throw new CannotMoveException(spec.guest(), reasons);
        }
        String id = MigrationIds.text(spec.migration());
        Optional<QemuGuest> waiting = registry.incoming(spec.guest());
        if (waiting.isPresent()) {
            return arriving(waiting.get(), spec, id, new Attached(spec.guest()), Optional.empty());
        }
        GuestDefinition definition = definition(spec);
        GuestLauncher.Incoming started = launcher.startIncoming(definition, id);
        faults.at(FaultPoint.DESTINATION_QEMU_STARTED);
        ArrivingQemu.Fate fate = new Started(started, definition);
        try {
            List<Reason> against = Preflight.incoming(started.guest(), spec.blocks(), spec.machine());
            if (!against.isEmpty()) {
                throw new CannotMoveException(spec.guest(), against);
            }
            return arriving(started.guest(), spec, id, fate, Optional.of(started));
        } catch (RuntimeException e) {
            started.guest().kill(LIMIT);
            fate.ended();
            throw e;
        }
    }

    @Override
    public ArrivingGuest recoverArrival(String guest, String migrationId) {
        Path directory = directory(migrationId);
        ArrivalRecord record = ArrivalRecord.read(directory);
        if (!record.guest().equals(guest)) {
            throw new IllegalArgumentException(
                    "the journal speaks of guest " + guest + ", " + directory + " of " + record.guest());
        }
        return new RecoveredQemu(record, directory, new Recovered(record), store, clock);
    }

    /** At start-up, when everything that was under way has been taken up. */
    public void dropForgotten() {
        KeptUserfaultfd.dropForgotten(store, migrationsDirectory);
    }

    @Override
    public void forgetArrival(String migrationId) {
        PageStateFile.removeIfPresent(directory(migrationId));
        KeptUserfaultfd.dropAll(store, directory(migrationId));
    }

    @Override
    public SourceGuest recoverSource(String guest) {
        if (!registry.knows(guest)) {
            return new DepartedQemu(registry, guest);
        }
        registry.guest(guest).removeTraces();
        return new SourceQemu(registry, guest);
    }

    /** By what is found in its process, not by what was planned: a userfaultfd of ours, a descriptor set, a pause. */
    @Override
    public void undoDeparture(String name) {
        if (!registry.knows(name)) {
            return; // its QEMU has ended, and with it all that was to be undone
        }
        QemuGuest guest = registry.guest(name);
        // First, whatever becomes of the rest: a guest that stands is worse than a descriptor that stays.
        if (guest.status().equals("paused")) {
            guest.cont(LIMIT);
        }
        new OutOfMemory(guest.process()).spareNoMore();
        guest.removeTraces();
    }

    @Override
    public void undoArrival(String name, String migrationId) {
        Optional<QemuGuest> waiting = registry.incoming(name);
        if (waiting.isPresent()) {
            waiting.get().kill(LIMIT);
            registry.forgetDeparted(name);
        } else {
            launcher.abandon(name, migrationId);
        }
        forgetArrival(migrationId);
    }

    @Override
    public void endLost(String guest, String migrationId) {
        lost(guest, migrationId).ifPresent(ArrivalRecord::end);
    }

    @Override
    public void removeLost(String guest, String migrationId) {
        lost(guest, migrationId).ifPresent(record -> {
            record.end();
            removeLost(record);
        });
        forgetArrival(migrationId);
    }

    /** Its record goes last, so what is not there is removed already. */
    private Optional<ArrivalRecord> lost(String guest, String migrationId) {
        Path directory = directory(migrationId);
        if (!Files.exists(directory)) {
            return Optional.empty();
        }
        ArrivalRecord record = ArrivalRecord.read(directory);
        if (!record.guest().equals(guest)) {
            throw new IllegalArgumentException(
                    "the journal speaks of guest " + guest + ", " + directory + " of " + record.guest());
        }
        return Optional.of(record);
    }

    private void removeLost(ArrivalRecord record) {
        if (record.attached()) {
            if (registry.has(record.guest(), record.pid())) {
                registry.forgetDeparted(record.guest());
            }
        } else {
            launcher.cleanUp(
                    record.guest(), record.ramFiles().stream().map(Path::of).toList());
        }
    }

    /** The name is the migration's, whatever the definition says: paths are made of it. */
    private static GuestDefinition definition(IncomingSpec spec) {
        GuestDefinition definition = GuestDefinition.fromJson(spec.definitionJson());
        if (!definition.name().equals(spec.guest())) {
            throw new IllegalArgumentException(
                    "guest " + spec.guest() + " comes with the definition of " + definition.name());
        }
        return definition;
    }

    private ArrivingGuest arriving(
            QemuGuest guest,
            IncomingSpec spec,
            String id,
            ArrivingQemu.Fate fate,
            Optional<GuestLauncher.Incoming> started) {
        Path directory = directory(id);
        // Of one that was attached nobody knows; it must be able to write them, like any.
        Predicate<String> identities = identity ->
                started.map(s -> s.ramIdentities().contains(identity)).orElse(true);
        ArrivingQemu arriving = new ArrivingQemu(guest, spec.blocks(), identities, directory, fate, store, clock);
        faults.at(FaultPoint.USERFAULTFD_INJECTED);
        arriving.writeDown(
                directory,
                started.isEmpty(),
                started.isEmpty() ? "" : spec.definitionJson(),
                started.map(GuestLauncher.Incoming::ramFiles).orElse(List.of()));
        return arriving;
    }

    private Path directory(String migrationId) {
        return migrationsDirectory.resolve(migrationId + ".in");
    }

    /** A QEMU that we started. */
    private final class Started implements ArrivingQemu.Fate {
        private final GuestLauncher.Incoming started;
        private final GuestDefinition definition;

        Started(GuestLauncher.Incoming started, GuestDefinition definition) {
            this.started = started;
            this.definition = definition;
        }

        @Override
        public void settled() {
            registry.adoptArrived(definition.name(), started.guest(), definition, started.ramFiles());
        }

        @Override
        public void ended() {
            launcher.cleanUp(definition.name(), started.ramFiles());
            started.guest().close();
        }
    }

    /** One that an earlier daemon received. The registry has it if it was attached, or had settled already. */
    private final class Recovered implements RecoveredQemu.Home {
        private final ArrivalRecord record;
        private QemuGuest own;

        Recovered(ArrivalRecord record) {
            this.record = record;
        }

        @Override
        public synchronized QemuGuest qemu() {
            if (registry.has(record.guest(), record.pid())) {
                return registry.guest(record.guest());
            }
            if (own == null || !own.isAlive()) {
                own = QemuGuest.connect(record.guest(), record.qmpSocket(), record.pid(), LIMIT);
            }
            return own;
        }

        @Override
        public void lost() {
            removeLost(record);
        }

        @Override
        public synchronized void settled() {
            QemuGuest qemu = qemu();
            if (record.attached()) {
                registry.incomingArrived(record.guest());
            } else if (qemu == own) {
                registry.adoptArrived(
                        record.guest(),
                        qemu,
                        GuestDefinition.fromJson(record.definition()),
                        record.ramFiles().stream().map(Path::of).toList());
            }
        }
    }

    /** A QEMU that a scheduler started and attached with --incoming. */
    private final class Attached implements ArrivingQemu.Fate {
        private final String name;

        Attached(String name) {
            this.name = name;
        }

        @Override
        public void settled() {
            registry.incomingArrived(name);
        }

        @Override
        public void ended() {
            registry.forgetDeparted(name);
        }
    }
}
