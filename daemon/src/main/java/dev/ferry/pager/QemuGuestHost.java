package dev.ferry.pager;

import dev.ferry.base.NanoClock;
import dev.ferry.migration.ArrivingGuest;
import dev.ferry.migration.CannotMoveException;
import dev.ferry.migration.GuestHost;
import dev.ferry.migration.IncomingSpec;
import dev.ferry.migration.MigrationIds;
import dev.ferry.migration.Reason;
import dev.ferry.migration.SourceGuest;
import dev.ferry.qemu.GuestDefinition;
import dev.ferry.qemu.GuestLauncher;
import dev.ferry.qemu.GuestRegistry;
import dev.ferry.qemu.HostProfile;
import dev.ferry.qemu.Preflight;
import dev.ferry.qemu.QemuGuest;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** The guests of this host as migrations see them: the registry's, and new QEMUs for those that arrive. Thread-safe. */
public final class QemuGuestHost implements GuestHost {
    private static final Duration LIMIT = Duration.ofSeconds(10);

    private final GuestRegistry registry;
    private final GuestLauncher launcher;
    private final HostProfile profile;
    private final Path migrationsDirectory;
    private final NanoClock clock;

    /** @param migrationsDirectory on tmpfs; a directory for each migration that arrives */
    public QemuGuestHost(
            GuestRegistry registry,
            GuestLauncher launcher,
            HostProfile profile,
            Path migrationsDirectory,
            NanoClock clock) {
        this.registry = registry;
        this.launcher = launcher;
        this.profile = profile;
        this.migrationsDirectory = migrationsDirectory;
        this.clock = clock;
    }

    @Override
    public SourceGuest openSource(String guest) {
        return new SourceQemu(registry, guest);
    }

    @Override
    public List<Reason> checkIncoming(IncomingSpec spec) {
        Optional<QemuGuest> waiting = registry.incoming(spec.guest());
        if (waiting.isPresent()) {
            return Preflight.incoming(waiting.get(), spec.blocks(), spec.machine());
        }
        List<Reason> reasons = new ArrayList<>();
        if (registry.knows(spec.guest())) {
            reasons.add(new Reason(
                    "GUEST_EXISTS",
                    "the destination has a guest " + spec.guest() + " already: detach or rename one of the two"));
        }
        reasons.addAll(
                Preflight.destination(profile, definition(spec), spec.blocks(), spec.qemuVersion(), spec.machine()));
        return reasons;
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
            return arriving(waiting.get(), spec, id, new Attached(spec.guest()));
        }
        GuestDefinition definition = definition(spec);
        GuestLauncher.Incoming started = launcher.startIncoming(definition, id);
        ArrivingQemu.Fate fate = new Started(started, definition);
        try {
            List<Reason> against = Preflight.incoming(started.guest(), spec.blocks(), spec.machine());
            if (!against.isEmpty()) {
                throw new CannotMoveException(spec.guest(), against);
            }
            return arriving(started.guest(), spec, id, fate);
        } catch (RuntimeException e) {
            started.guest().kill(LIMIT);
            fate.ended();
            throw e;
        }
    }

    /** By what is found in its process, not by what was planned: a userfaultfd of ours, a descriptor set, a pause. */
    @Override
    public void undoDeparture(String name) {
        QemuGuest guest = registry.guest(name);
        guest.removeTraces();
        if (guest.status().equals("paused")) {
            guest.cont(LIMIT);
        }
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
        PageStateFile.removeIfPresent(migrationsDirectory.resolve(migrationId + ".in"));
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

    private ArrivingGuest arriving(QemuGuest guest, IncomingSpec spec, String id, ArrivingQemu.Fate fate) {
        return new ArrivingQemu(guest, spec.blocks(), migrationsDirectory.resolve(id + ".in"), fate, clock);
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
            started.guest().close();
            launcher.cleanUp(definition.name(), started.ramFiles());
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
