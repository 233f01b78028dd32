package dev.ferry.daemon;

import dev.ferry.api.AuditLog;
import dev.ferry.api.ControlServer;
import dev.ferry.api.DaemonStatus;
import dev.ferry.api.HostIdentity;
import dev.ferry.api.ListenAddress;
import dev.ferry.api.SnapshotMessages;
import dev.ferry.base.NanoClock;
import dev.ferry.migration.Destinations;
import dev.ferry.migration.FaultPoints;
import dev.ferry.migration.Journal;
import dev.ferry.migration.Migrations;
import dev.ferry.net.TlsFiles;
import dev.ferry.pager.DescriptorStore;
import dev.ferry.pager.QemuGuestHost;
import dev.ferry.qemu.GuestLauncher;
import dev.ferry.qemu.GuestRegistry;
import dev.ferry.qemu.HostProfile;
import dev.ferry.qemu.QemuStarter;
import dev.ferry.sys.ThreadPriority;
import dev.ferry.telemetry.MetricsServer;
import dev.ferry.telemetry.Recorder;
import dev.ferry.wire.PeerDialer;
import dev.ferry.wire.PeerServer;
import dev.ferry.wire.PeerTls;
import io.netty.util.concurrent.DefaultThreadFactory;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.ServiceLoader;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Every part of a daemon, put together once and closed in reverse order. Guests outlive it. */
final class Wiring implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Wiring.class);
    private static final long SWEEP_SECONDS = 2;
    private static final long MOST_BETWEEN_SWEEPS_NS = TimeUnit.MINUTES.toNanos(10);

    private final Deque<AutoCloseable> opened = new ArrayDeque<>();
    private final String controlAddresses;
    private final String peerAddress;
    private final Map<String, Watchdog.Part> answers;
    private volatile long sweptNs = System.nanoTime();
    private final String metricsAddress;
    private final List<Reload.Part> changeable;

    /**
     * Listens at once; when anything fails, nothing is left open.
     *
     * @param store for descriptors that outlive this daemon
     * @param step called between the parts; what it throws ends the start
     */
    Wiring(Config config, String version, DescriptorStore store, Runnable step) throws IOException {
        try {
            Path runtime = config.runtimeDir();
            open(RuntimeDirectory.take(runtime));
            // Two daemons with the same guests would both move them.
            Files.createDirectories(config.stateDir());
            if (!Files.isSameFile(config.stateDir(), runtime)) {
                open(DirectoryLock.take("state_dir", config.stateDir()));
            }
            Journal journal = new FileJournal(runtime.resolve("journal"));
            boolean guestsWait = journal.readAll().stream().anyMatch(Wiring::isWaitedFor);
            Optional<TlsFiles> files = tls(config, guestsWait);
            Optional<PeerTls> tls =
                    files.map(f -> new PeerTls(f, config.tls().orElseThrow().allow()));
            Path guestsDir = Files.createDirectories(runtime.resolve("guests"));
            Path migrationsDir = Files.createDirectories(runtime.resolve("migrations"));

            NanoClock clock = NanoClock.system();
            long sinceNs = clock.nanoTime();
            FaultPoints faults = faultPoints();
            Config.Guests guests = config.guests();
            HostProfile profile = new HostProfile(
                    guestsDir, guests.ramDir(), guests.emulator(), guests.user(), guests.values(), guests.paths());
            GuestLauncher launcher = new GuestLauncher(
                    profile,
                    QemuStarter.choose(System.getenv(), ProcessHandle.current().pid()));
            if (!guestsWait) {
                launcher.requireUser();
            }
            GuestRegistry registry = open(new GuestRegistry(config.stateDir(), launcher));
            QemuGuestHost host = new QemuGuestHost(registry, launcher, profile, migrationsDir, store, clock, faults);
            Destinations destinations =
                    new Destinations(host, journal, clock, System::currentTimeMillis, faults, config.moveLimits());
            step.run();
            LeftOvers leftOvers = new LeftOvers(host, destinations, journal);
            registry.reconnect(leftOvers.recoverArrivals());
            step.run();
            leftOvers.settle();
            host.dropForgotten();

            step.run();
            PeerServer peer = open(peerServer(config, destinations, version, tls));
            peerAddress = ListenAddress.text(new InetSocketAddress(config.peer().getAddress(), peer.port()));
            PeerDialer dialer = new PeerDialer(version, config.connectTimeoutSeconds(), "", config.retryLimits(), tls);
            Migrations migrations = new Migrations(
                    host,
                    dialer,
                    destinations,
                    journal,
                    clock,
                    System::currentTimeMillis,
                    new SecureRandom()::nextLong,
                    new DefaultThreadFactory("migration", true),
                    ThreadPriority.URGENCY,
                    config.name() + " " + peerAddress,
                    faults);
            migrations.remember(new FileRequests(runtime.resolve("requests")));
            leftOvers.recoverDepartures(migrations);
            registry.setMoving(migrations::moving);
            Recorder recorder = open(new Recorder(
                    migrations::probes,
                    SnapshotMessages::of,
                    config.name(),
                    version,
                    config.stateDir().resolve("reports"),
                    clock));
            Rehearsal rehearsal =
                    open(new Rehearsal(tls.filter(t -> !t.names().isEmpty()).map(PeerTls::toItself)));
            AuditLog audit = open(new AuditLog(config.control().auditLog()));
            // Its disk may hang, and nothing else may for it.
            repeat("audit", () -> audit.follow(migrations.events()));
            open(() -> audit.follow(migrations.events()));
            repeat("sweep", () -> {
                destinations.sweep();
                leftOvers.retry(migrations);
                if (migrations.list().stream().allMatch(m -> m.state().hasEnded())) {
                    rehearsal.start();
                }
                sweptNs = System.nanoTime();
            });
            ControlServer control = open(new ControlServer(
                    config.control().listen(),
                    migrations,
                    registry,
                    destinations.reservations(),
                    new HostIdentity(config.name(), peerAddress, version),
                    () -> status(config, version, peer, tls, migrations, clock.nanoTime() - sinceNs),
                    files,
                    config.control().roles(),
                    audit,
                    config.policy(),
                    clock,
                    recorder::report,
                    !guestsWait));
            metricsAddress =
                    config.metrics().isPresent() ? metrics(config, recorder, version, peer, control, guestsWait) : "";
            recorder.start();
            controlAddresses = String.join(",", control.addresses());
            if (!leftOvers.someoneWaits()) {
                rehearsal.start();
            }
            changeable = List.of(
                    Reload.part(c -> Logging.level(c.logLevel()), "log.level"),
                    Reload.part(
                            c -> control.roles(c.control().roles()),
                            "control.viewers",
                            "control.clients.operators",
                            "control.clients.viewers"),
                    Reload.part(
                            c -> destinations.limit(c.moveLimits()), "migration.max_outbound", "migration.max_inbound"),
                    Reload.part(c -> control.defaults(c.policy()), Reload.POLICY),
                    Reload.part(
                            c -> dialer.limits(c.connectTimeoutSeconds(), c.retryLimits()),
                            "migration.connect_timeout_seconds",
                            "migration.retry_seconds",
                            "migration.retries"),
                    Reload.part(c -> tls.ifPresent(t -> c.tls().ifPresent(said -> t.allow(said.allow()))), "tls.allow"),
                    Reload.always(c -> tls.ifPresent(PeerTls::lookAgain)));
            answers = Map.of(
                    "connections of peers", peer::ask,
                    "control calls", control::ask,
                    "migrations", migrations::list,
                    "guests", registry::ask,
                    "sweep", this::sayIfNotSwept);
            // The first to close: who watches a migration sees how it ended.
            open(migrations);
        } catch (IOException | RuntimeException | Error e) {
            close();
            throw e;
        }
    }

    private static FaultPoints faultPoints() {
        FaultPoints faults = ServiceLoader.load(FaultPoints.class).findFirst().orElse(FaultPoints.NONE);
        if (faults != FaultPoints.NONE) {
            LOG.warn(
                    "{} is on the class path: this ferryd fails on purpose",
                    faults.getClass().getName());
        }
        return faults;
    }

    private static boolean isWaitedFor(Journal.Entry entry) {
        return switch (entry.step()) {
            case COMMITTED, RESUMED, STOPPED, POISONED, HANDED_OVER, ROLLED_BACK -> true;
            case PREPARING, RENOUNCED, FENCED, SETTLED -> false;
        };
    }

    /** @param guestsWait for what this daemon does even if no other one can be reached */
    private static Optional<TlsFiles> tls(Config config, boolean guestsWait) throws IOException {
        if (config.tls().isEmpty()) {
            LOG.warn("tls.mode is off: peers are neither encrypted nor authenticated");
            return Optional.empty();
        }
        Config.Tls tls = config.tls().get();
        if (guestsWait) {
            return Optional.of(TlsFiles.usableOrLater(tls.ca(), tls.certificate(), tls.key()));
        }
        try {
            return Optional.of(new TlsFiles(tls.ca(), tls.certificate(), tls.key()));
        } catch (IOException e) {
            throw new IOException(
                    "TLS between daemons: " + StartError.text(e)
                            + "; \"ferry tls init\" makes a CA and certificates for trying it out,"
                            + " and [tls] mode = \"off\" in the configuration does without",
                    e);
        }
    }

    private DaemonStatus status(
            Config config,
            String version,
            PeerServer peer,
            Optional<PeerTls> tls,
            Migrations migrations,
            long uptimeNs) {
        return new DaemonStatus(
                version,
                config.name(),
                peerAddress,
                tls.map(t -> new DaemonStatus.Tls(t.names(), t.endsUnixMs(), t.allowed())),
                peer.refused(),
                migrations.limits(),
                migrations.taken(),
                uptimeNs);
    }

    private static PeerServer peerServer(
            Config config, Destinations destinations, String version, Optional<PeerTls> tls) throws IOException {
        try {
            return new PeerServer(config.peer(), destinations, version, config.name(), tls);
        } catch (IOException e) {
            throw new IOException("peer.listen " + ListenAddress.text(config.peer()) + ": " + StartError.text(e), e);
        }
    }

    /** @param guestsWait for what this daemon does without anybody's looking at it */
    private String metrics(
            Config config,
            Recorder recorder,
            String version,
            PeerServer peer,
            ControlServer control,
            boolean guestsWait)
            throws IOException {
        InetSocketAddress listen = config.metrics().orElseThrow();
        try {
            MetricsServer metrics = open(new MetricsServer(
                    listen, recorder, version, System.currentTimeMillis(), peer::refused, control::refused));
            return ListenAddress.text(new InetSocketAddress(listen.getAddress(), metrics.port()));
        } catch (IOException e) {
            String why = "metrics.listen " + ListenAddress.text(listen) + ": " + StartError.text(e);
            if (!guestsWait) {
                throw new IOException(why, e);
            }
            LOG.error("{}: there are no metrics until ferryd is started again", why);
            return "";
        }
    }

    /**
     * Tells that this daemon lives, as long as it does.
     *
     * @param intervalNs within which somebody wants to hear it
     */
    void watch(Runnable alive, long intervalNs) {
        open(new Watchdog(answers, alive, intervalNs));
    }

    /** Every two seconds, on a thread of its own. */
    private void repeat(String name, Runnable task) {
        ScheduledExecutorService timer =
                Executors.newSingleThreadScheduledExecutor(new DefaultThreadFactory(name, true));
        open(timer::shutdownNow);
        timer.scheduleWithFixedDelay(
                () -> {
                    try {
                        task.run();
                    } catch (RuntimeException | Error e) { // a timer does not say that it has ended for one
                        LOG.error("{} failed, tried again in {} s", name, SWEEP_SECONDS, e);
                    }
                },
                SWEEP_SECONDS,
                SWEEP_SECONDS,
                TimeUnit.SECONDS);
    }

    /**
     * A QEMU that hangs holds it up for seconds, and there may be many; a disk that hangs for ever. Faults are served all the same, so this
     * is no reason to end the daemon: the next one would not even start.
     */
    private void sayIfNotSwept() {
        long ageNs = System.nanoTime() - sweptNs;
        if (ageNs > MOST_BETWEEN_SWEEPS_NS) {
            LOG.error(
                    "what was left behind has not been looked after for {} s: does the disk of state_dir or a QEMU hang?",
                    TimeUnit.NANOSECONDS.toSeconds(ageNs));
        }
    }

    private <T extends AutoCloseable> T open(T part) {
        opened.push(part);
        return part;
    }

    /** What can be another while this daemon runs: see {@link Reload}. */
    List<Reload.Part> changeable() {
        return changeable;
    }

    /** Comma-separated, with the ports that were bound. */
    String controlAddresses() {
        return controlAddresses;
    }

    /** With the port that was bound; empty: none. */
    String metricsAddress() {
        return metricsAddress;
    }

    String peerAddress() {
        return peerAddress;
    }

    @Override
    public void close() {
        while (!opened.isEmpty()) {
            AutoCloseable part = opened.pop();
            try {
                part.close();
            } catch (Exception e) {
                LOG.warn("closing {} failed", part, e);
            }
        }
    }
}
