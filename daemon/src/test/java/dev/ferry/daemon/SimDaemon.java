package dev.ferry.daemon;

import dev.ferry.base.ErrorCategory;
import dev.ferry.base.FerryException;
import dev.ferry.base.NanoClock;
import dev.ferry.base.Urgency;
import dev.ferry.memory.PageBitmap;
import dev.ferry.migration.ArrivingGuest;
import dev.ferry.migration.CannotMoveException;
import dev.ferry.migration.Destinations;
import dev.ferry.migration.FaultPoint;
import dev.ferry.migration.FaultPoints;
import dev.ferry.migration.GuestHost;
import dev.ferry.migration.IncomingSpec;
import dev.ferry.migration.Journal;
import dev.ferry.migration.MigrationIds;
import dev.ferry.migration.Migrations;
import dev.ferry.migration.Reason;
import dev.ferry.migration.Side;
import dev.ferry.migration.SourceGuest;
import java.util.List;

/**
 * One life of a ferryd: the real state machines, wired as in {@link Wiring}, over simulated ports. Once it is killed, each of its ports
 * throws and does nothing, so that its code has no effect any more, wherever it stands.
 */
final class SimDaemon implements GuestHost, Journal, FaultPoints, NanoClock {
    /** What a daemon's code sees when the daemon was killed. */
    static final class Crash extends Error {
        private static final long serialVersionUID = 1L;

        Crash() {
            super("killed", null, false, false);
        }
    }

    final SimWorld world;
    final SimHost host;
    private final LeftOvers leftOvers;
    final Destinations destinations;
    final Migrations migrations;
    private boolean alive = true;
    private boolean listening;
    long nextSweepNs;

    SimDaemon(SimWorld world, SimHost host) {
        this.world = world;
        this.host = host;
        host.daemon = this;
        destinations = new Destinations(this, this, this, this::unixMs, this);
        migrations = new Migrations(
                this,
                (peer, migration, epoch) -> new SimLink(world, this, world.host(peer), migration, epoch),
                destinations,
                this,
                this,
                this::unixMs,
                world::newId,
                this::thread,
                Urgency.NONE,
                host.name,
                this);
        leftOvers = new LeftOvers(this, destinations, this);
        leftOvers.recoverArrivals();
        leftOvers.settle();
        listening = true;
        leftOvers.recoverDepartures(migrations);
        nextSweepNs = world.nowNs() + 2_000_000_000L;
    }

    boolean isAlive() {
        return alive;
    }

    boolean isListening() {
        return alive && listening;
    }

    /** kill −9. */
    void kill() {
        alive = false;
        if (host.daemon == this) {
            host.daemon = null;
        }
    }

    void sweep() {
        destinations.sweep();
        leftOvers.retry(migrations);
    }

    private long unixMs() {
        return world.nowNs() / 1_000_000;
    }

    /** The one that runs it is the schedule's own thread, in its time. */
    private Thread thread(Runnable work) {
        return new Thread(work, "migration-1") {
            @Override
            public synchronized void start() {
                world.addTask(SimDaemon.this, work);
            }
        };
    }

    /** At every touch of the world: it may go on meanwhile, and this daemon may be killed, before and after it. */
    void port() {
        throwIfKilled();
        world.meanwhile(this);
        throwIfKilled();
    }

    void throwIfKilled() {
        if (!alive || world.isOver()) {
            throw new Crash();
        }
    }

    private void port(SimQemu qemu) {
        port();
        if (!qemu.alive) {
            throw new FerryException(ErrorCategory.UNAVAILABLE, "QEMU has ended");
        }
    }

    // NanoClock

    @Override
    public long nanoTime() {
        return world.nowNs();
    }

    @Override
    public void parkNanos(long ns) {
        world.advance(ns);
        port();
    }

    // FaultPoints

    @Override
    public void at(FaultPoint point) {
        world.trace(host, point.name());
        world.strikeIfRare(this, point);
        try {
            port();
        } catch (Crash e) {
            if (!alive) {
                world.killedAt(point);
            }
            throw e;
        }
    }

    // Journal

    @Override
    public void write(Entry entry) {
        port();
        if (world.journalFails(host)) {
            throw new FerryException(ErrorCategory.RESOURCE_EXHAUSTED, "journal: no space left");
        }
        world.trace(host, "journal " + entry.id() + " " + entry.side() + " " + entry.step());
        if (world.bug != SimWorld.Bug.HANDED_OVER_IS_NOT_WRITTEN || entry.step() != Step.HANDED_OVER) {
            host.journal.put(entry.id() + entry.side(), entry);
        }
        port();
    }

    @Override
    public void remove(String id, Side side) {
        port();
        host.journal.remove(id + side);
        port();
    }

    @Override
    public List<Entry> readAll() {
        throwIfKilled();
        return List.copyOf(host.journal.values());
    }

    // GuestHost

    @Override
    public SourceGuest openSource(String guest) {
        port();
        if (host.registered == null || !host.registered.alive) {
            throw new FerryException(ErrorCategory.NOT_FOUND, "no guest " + guest);
        }
        return new SimSource(this, host.registered);
    }

    @Override
    public List<Reason> checkIncoming(IncomingSpec spec) {
        port();
        return host.registered == null ? List.of() : List.of(new Reason("GUEST_EXISTS", "it is here"));
    }

    @Override
    public ArrivingGuest prepareIncoming(IncomingSpec spec) {
        List<Reason> against = checkIncoming(spec);
        if (!against.isEmpty()) {
            throw new CannotMoveException(spec.guest(), against);
        }
        String id = MigrationIds.text(spec.migration());
        SimQemu qemu = new SimQemu(host, id);
        host.processes.add(qemu);
        at(FaultPoint.DESTINATION_QEMU_STARTED);
        at(FaultPoint.USERFAULTFD_INJECTED);
        host.arrivals.put(id, qemu);
        return new SimArrival(this, qemu);
    }

    @Override
    public ArrivingGuest recoverArrival(String guest, String migrationId) {
        port();
        SimQemu qemu = host.arrivals.get(migrationId);
        if (qemu == null) {
            throw new IllegalStateException("no record of arrival " + migrationId);
        }
        if (!qemu.alive) {
            throw new FerryException(ErrorCategory.FAILED_PRECONDITION, "its QEMU has ended");
        }
        if (world.bug == SimWorld.Bug.A_RESTART_FORGETS_WHAT_IS_VALID) {
            for (PageBitmap valid : qemu.valid) {
                valid.clearRange(0, valid.pageCount());
            }
        }
        return new SimArrival(this, qemu);
    }

    @Override
    public void forgetArrival(String migrationId) {
        port();
        host.arrivals.remove(migrationId);
    }

    @Override
    public SourceGuest recoverSource(String guest) {
        port();
        if (host.registered == null || !host.registered.alive) {
            return new SimSource(this, null);
        }
        host.registered.tracked = false;
        return new SimSource(this, host.registered);
    }

    @Override
    public void undoDeparture(String guest) {
        port();
        SimQemu qemu = host.registered;
        if (qemu == null || !qemu.alive) {
            return;
        }
        if (!qemu.running) {
            world.resume(qemu);
        }
        port(qemu);
        qemu.tracked = false;
    }

    @Override
    public void undoArrival(String guest, String migrationId) {
        port();
        for (SimQemu qemu : host.processes) {
            if (qemu.migration.equals(migrationId)) {
                world.endArrival(qemu);
            }
        }
        port();
        forgetArrival(migrationId);
    }

    @Override
    public void endLost(String guest, String migrationId) {
        port();
        SimQemu qemu = host.arrivals.get(migrationId);
        if (qemu != null) {
            world.endLost(qemu);
        }
        port();
    }

    @Override
    public void removeLost(String guest, String migrationId) {
        endLost(guest, migrationId);
        host.arrivals.remove(migrationId);
    }

    @Override
    public String toString() {
        return host.name;
    }
}
