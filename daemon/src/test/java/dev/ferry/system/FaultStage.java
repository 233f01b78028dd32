package dev.ferry.system;

import dev.ferry.migration.FaultPoint;
import dev.ferry.migration.FaultPoints;
import dev.ferry.migration.Side;
import dev.ferry.v1.Migration;
import dev.ferry.v1.MigrationState;
import dev.ferry.v1.Policy;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/**
 * Two hosts with a link that can be cut, and one guest that verifies itself and moves back and forth between them, while at a
 * given boundary of the protocol something fails. What fails and how it must end is {@link Fault} and {@link Verdict}.
 */
final class FaultStage implements AutoCloseable {
    private static final String NAME = "v1";
    private static final String PLAIN = "[tls]\nmode = \"off\"\n";
    private static final long END_LIMIT_MS = 120_000;

    private final CutLink link;
    private final String toml;
    private Path root;
    private Ferryd from;
    private Ferryd to;
    private VerifyingGuest guest;
    private boolean broken;

    private boolean closed;

    /** How a move went: the longest times from the end of a fault to the first fault of the guest that was served; −1: none. */
    record Result(Verdict verdict, boolean twice, long firstFaultMs, long totalMs) {}

    /** @param rate of the link, as tc(8) writes it; empty: as fast as this machine */
    FaultStage(String memory, String rate) throws Exception {
        toml = VerifyingGuest.toml(NAME, "tcg", memory, 1, "rate=5000 write=20 pattern=random", "");
        link = new CutLink(rate);
        try {
            begin();
        } catch (Exception | Error e) {
            close();
            throw e;
        }
    }

    private void begin() throws Exception {
        root = Files.createTempDirectory(Path.of("/dev/shm"), "ferry-test-");
        Path classes = root.resolve("faults");
        provide(classes);
        from = new Ferryd(root.resolve("a"), PLAIN, place("a", classes));
        to = new Ferryd(root.resolve("b"), PLAIN, place("b", classes));
        from.awaitReady();
        to.awaitReady();
        from.run(toml);
        guest = new VerifyingGuest(NAME, from);
        guest.awaitReady();
        broken = false;
    }

    /** A class path with nothing but the provider. */
    static void provide(Path classes) throws IOException {
        String file = ScriptedFaults.class.getName().replace('.', '/') + ".class";
        Files.createDirectories(classes.resolve(file).getParent());
        try (InputStream in = ScriptedFaults.class.getClassLoader().getResourceAsStream(file)) {
            Files.copy(in, classes.resolve(file));
        }
        Files.createDirectories(classes.resolve("META-INF/services"));
        Files.writeString(
                classes.resolve("META-INF/services/" + FaultPoints.class.getName()), ScriptedFaults.class.getName());
    }

    private Ferryd.Place place(String host, Path classes) throws IOException {
        Path faults = Files.createDirectories(root.resolve(host).resolve("faults"));
        return new Ferryd.Place(
                link.prefix(host),
                CutLink.address(host),
                Map.of("FERRYD_CLASS_PATH", classes.toString(), "FERRY_FAULTS", faults.toString()));
    }

    /** Everything anew, for example because the guest has ended. */
    void renew() throws Exception {
        endHosts();
        link.mend();
        begin();
    }

    /** What the daemons have said; for whoever has to find out what happened. */
    String logs() throws IOException {
        return "--- " + from.home + "\n" + from.log() + "\n--- " + to.home + "\n" + to.log();
    }

    Path root() {
        return root;
    }

    /** How the faults follow each other in one move. */
    record Strike(FaultPoint point, int pass, Fault fault) {}

    /**
     * Moves the guest to the other host with a fault on the way, and checks everything that must hold afterwards. Throws when
     * something does not.
     *
     * @param again what strikes while it recovers, or null
     */
    Result move(Strike strike, Strike again) throws Exception {
        if (broken) {
            renew();
        }
        broken = true; // until the end says otherwise
        long beganNs = System.nanoTime();
        int sourcePid = guest.pid();
        boolean inFile = !from.ramFiles().isEmpty();
        boolean twice = false;
        try (Witness witness =
                new Witness(guest.serialFile(), to.guestDirectory(NAME).resolve("serial"))) {
            arm(strike);
            String id = startMove(strike.point());
            provoke(strike.point(), id);
            if (!awaitStruck(strike, id)) {
                throw new AssertionError(strike + " was not reached: " + from.get(id));
            }
            witness.look();
            long firstFault = strike(strike, id);
            if (again != null) {
                arm(again);
                if (awaitStruck(again, id)) {
                    twice = true;
                    firstFault = Math.max(firstFault, strike(again, id));
                }
                disarm();
            }
            if (!Verdict.isAfterCommit(strike.point())) {
                firstFault = -1;
            }
            Verdict verdict = awaitVerdict(id, sourcePid);
            check(strike, twice, Verdict.of(strike.point(), strike.fault(), inFile), verdict, sourcePid, witness);
            return new Result(verdict, twice, firstFault, (System.nanoTime() - beganNs) / 1_000_000);
        }
    }

    /** A daemon that dies at one of its first boundaries may not have answered yet; then its journal has the id. */
    private String startMove(FaultPoint point) throws IOException {
        try {
            return from.start(NAME, to, policy(point)).getId();
        } catch (StatusRuntimeException e) {
            if (point.side() != Side.SOURCE || e.getStatus().getCode() != Status.Code.UNAVAILABLE) {
                throw e;
            }
        }
        try (Stream<Path> entries = Files.list(from.home.resolve("run/journal"))) {
            return entries.map(f -> f.getFileName().toString())
                    .filter(f -> f.endsWith(".out.journal"))
                    .map(f -> f.substring(0, f.indexOf('.')))
                    .findFirst()
                    .orElseThrow();
        }
    }

    private static Policy policy(FaultPoint point) {
        Policy.Builder policy = Policy.newBuilder();
        if (Verdict.isUndo(point)) {
            return policy.setBandwidthBytesPerSecond(6 << 20).build();
        }
        if (Verdict.isRecovery(point)) {
            policy.setPostcopyBandwidthBytesPerSecond(20 << 20);
        }
        return policy.setPrecopyRounds(point == FaultPoint.ROUND_ENDED ? 1 : 0).build();
    }

    private Ferryd of(FaultPoint point) {
        return point.side() == Side.SOURCE ? from : to;
    }

    private static Path faults(Ferryd host) {
        return host.home.resolve("faults");
    }

    private void arm(Strike s) throws IOException {
        disarm();
        // The daemon that passes the boundary kills itself there: no later than at that instruction.
        boolean itself = s.fault().kills(s.point().side() == Side.SOURCE);
        Path fresh = faults(of(s.point())).resolve("fresh");
        Files.writeString(fresh, s.point() + " " + s.pass() + " " + (itself ? "HALT" : "WAIT") + "\n");
        Files.move(fresh, fresh.resolveSibling("armed"), StandardCopyOption.ATOMIC_MOVE);
    }

    private void disarm() throws IOException {
        for (Ferryd host : List.of(from, to)) {
            for (String file : List.of("armed", "struck", "go")) {
                Files.deleteIfExists(faults(host).resolve(file));
            }
        }
    }

    /** Some boundaries are only passed when something went wrong before. */
    private void provoke(FaultPoint point, String id) throws Exception {
        if (Verdict.isUndo(point)) {
            from.awaitState(id, MigrationState.PRECOPY);
            Ferryd source = from;
            Thread canceller = new Thread(() -> {
                try {
                    source.cancel(id);
                } catch (StatusRuntimeException e) {
                    // Its daemon is what is killed.
                }
            });
            canceller.setDaemon(true);
            canceller.start();
        } else if (Verdict.isRecovery(point)) {
            from.awaitState(id, MigrationState.POSTCOPY);
            to.kill9();
            to.start();
        }
    }

    /** Until it has struck; false if the move ended without. */
    private boolean awaitStruck(Strike s, String id) throws Exception {
        Path struck = faults(of(s.point())).resolve("struck");
        long endNs = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(END_LIMIT_MS);
        while (System.nanoTime() < endNs) {
            for (int i = 0; i < 50; i++) {
                if (Files.exists(struck)) {
                    return true;
                }
                TimeUnit.MILLISECONDS.sleep(1);
            }
            Migration now = get(from, id);
            if (now == null || (hasEnded(now) && of(s.point()) == from)) {
                return Files.exists(struck);
            }
            if (hasEnded(now)) {
                TimeUnit.MILLISECONDS.sleep(200); // the destination may pass its last boundaries a moment later
                return Files.exists(struck);
            }
        }
        return false;
    }

    /** @return ms from the fault's end until a fault of the guest was served; −1: none was */
    private long strike(Strike s, String id) throws Exception {
        Ferryd there = of(s.point());
        long demanded = demandPages(id);
        long overNs;
        switch (s.fault()) {
            case KILL_SOURCE, KILL_DESTINATION, KILL_BOTH -> {
                List<Ferryd> killed = s.fault() == Fault.KILL_BOTH
                        ? List.of(from, to)
                        : List.of(s.fault() == Fault.KILL_SOURCE ? from : to);
                for (Ferryd host : killed) {
                    host.kill9();
                }
                demanded = killed.contains(to) ? 0 : demanded;
                goOn(there);
                overNs = System.nanoTime();
                for (Ferryd host : killed) {
                    Files.deleteIfExists(faults(host).resolve("go"));
                    host.launch();
                }
                for (Ferryd host : killed) {
                    host.awaitReady();
                }
            }
            case STOP_SOURCE, STOP_DESTINATION -> {
                Ferryd stopped = s.fault() == Fault.STOP_SOURCE ? from : to;
                signal("STOP", stopped.pid());
                goOn(there);
                s.fault().hold();
                overNs = System.nanoTime();
                signal("CONT", stopped.pid());
            }
            case CUT_SHORT, CUT, CUT_LONG, CUT_TWICE -> {
                link.cut();
                goOn(there);
                s.fault().hold();
                if (s.fault() == Fault.CUT_TWICE) {
                    link.mend();
                    TimeUnit.MILLISECONDS.sleep(300); // time enough to begin a recovery, not to end it
                    link.cut();
                    s.fault().hold();
                }
                demanded = demandPages(id);
                overNs = System.nanoTime();
                link.mend();
            }
            case KILL_SOURCE_QEMU, KILL_DESTINATION_QEMU -> {
                Guests.end((s.fault() == Fault.KILL_SOURCE_QEMU ? from : to)
                        .guestDirectory(NAME)
                        .resolve("pid"));
                goOn(there);
                return -1;
            }
            default -> throw new AssertionError(s.fault());
        }
        return firstFault(id, demanded, overNs);
    }

    private static void goOn(Ferryd host) throws IOException {
        Files.createFile(faults(host).resolve("go"));
    }

    private static void signal(String name, long pid) throws Exception {
        int status = new ProcessBuilder("kill", "-" + name, Long.toString(pid))
                .inheritIO()
                .start()
                .waitFor();
        if (status != 0) {
            throw new IOException("kill -" + name + " " + pid + ": " + status);
        }
    }

    private long demandPages(String id) {
        Migration now = get(to, id);
        return now == null ? 0 : now.getPostcopy().getDemandPages();
    }

    private long firstFault(String id, long before, long overNs) throws InterruptedException {
        while (true) {
            Migration there = get(to, id);
            if (there == null || hasEnded(there) || there.getRunsOn() == dev.ferry.v1.Side.SOURCE) {
                return -1;
            }
            if (there.getPostcopy().getDemandPages() > before) {
                return (System.nanoTime() - overNs) / 1_000_000;
            }
            if (System.nanoTime() - overNs > 30_000_000_000L) {
                return -1; // it may wait for ever, and be right
            }
            TimeUnit.MILLISECONDS.sleep(5);
        }
    }

    private static boolean hasEnded(Migration m) {
        return switch (m.getState()) {
            case COMPLETED, FAILED, CANCELLED -> true;
            default -> false;
        };
    }

    /** Null: it does not know it, or does not answer. */
    private static Migration get(Ferryd host, String id) {
        try {
            return host.isAlive() ? host.get(id) : null;
        } catch (StatusRuntimeException e) {
            Status.Code code = e.getStatus().getCode();
            if (code == Status.Code.NOT_FOUND || code == Status.Code.UNAVAILABLE) {
                return null;
            }
            throw e;
        }
    }

    private Verdict awaitVerdict(String id, int sourcePid) throws Exception {
        long endNs = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(END_LIMIT_MS);
        Migration source = null;
        while (System.nanoTime() < endNs) {
            source = get(from, id);
            if (source == null || hasEnded(source)) {
                // One that ended with a daemon that is gone is not known any more: then the processes say it.
                boolean moved = Guests.hasEnded(sourcePid);
                if (!moved) {
                    return Verdict.ON_THE_SOURCE;
                }
                return livesAt(to) ? Verdict.MOVED : Verdict.ENDED;
            }
            if (source.getState() == MigrationState.RECOVERING) {
                if (source.getReason().contains("source's QEMU has ended")) {
                    return Verdict.WAITS;
                }
                if (source.getReason().contains("is lost")) {
                    return Verdict.ENDED;
                }
            }
            TimeUnit.MILLISECONDS.sleep(20);
        }
        throw new AssertionError("it does not end: " + source + "\n" + logs());
    }

    private static boolean livesAt(Ferryd host) throws IOException {
        Path pid = host.guestDirectory(NAME).resolve("pid");
        return Files.exists(pid)
                && !Guests.hasEnded(Long.parseLong(Files.readString(pid).strip()));
    }

    private void check(
            Strike strike, boolean twice, Set<Verdict> right, Verdict verdict, int sourcePid, Witness witness)
            throws Exception {
        // Nothing that strikes a second time changes the end: it strikes after the commit.
        if (!right.contains(verdict)) {
            throw new AssertionError(strike + (twice ? ", and again," : "") + " ended " + verdict + ", must be " + right
                    + "\n" + logs());
        }
        switch (verdict) {
            case ON_THE_SOURCE -> {
                require(guest.status().equals("running"), "the guest is " + guest.status());
                empty(to);
                witness.requireNothingAtTheDestination();
            }
            case MOVED -> {
                require(Guests.hasEnded(sourcePid), "the source QEMU lives");
                guest.movedTo(to);
                Ferryd was = from;
                from = to;
                to = was;
                empty(to);
                require(guest.status().equals("running"), "the guest is " + guest.status());
            }
            case ENDED, WAITS -> {
                boolean sourceRuns =
                        !Guests.hasEnded(sourcePid) && guest.status().equals("running");
                require(!sourceRuns, "a stale guest runs on the source");
                if (verdict == Verdict.ENDED && !Verdict.isAfterCommit(strike.point())) {
                    eventually("the destination is clean", () -> !livesAt(to));
                }
                require(!witness.serials().contains("BAD "), witness.serials());
                return;
            }
        }
        guest.verify();
        witness.requireOneAfterTheOther(verdict, guest.serialFile());
        require(guest.tracesInProcess().isEmpty(), "left in QEMU: " + guest.tracesInProcess());
        eventually("no journal is left on the source", () -> Lab.journals(from).isEmpty());
        eventually(
                "no journal is left on the other host", () -> Lab.journals(to).isEmpty());
        broken = false;
    }

    private void empty(Ferryd host) throws IOException {
        eventually(
                host.home + " has nothing of the guest any more",
                () -> !livesAt(host)
                        && !Files.exists(host.guestDirectory(NAME))
                        && host.ramFiles().isEmpty());
    }

    private void require(boolean condition, String what) throws IOException {
        if (!condition) {
            throw new AssertionError(what + "\n" + logs());
        }
    }

    private void eventually(String what, Callable<Boolean> condition) throws IOException {
        try {
            Await.until(what, condition);
        } catch (RuntimeException e) {
            throw new AssertionError(what + ": not\n" + logs(), e);
        }
    }

    /** The guest verified from outside too; between moves. */
    void verifyFromOutside() throws Exception {
        if (!broken) {
            guest.verifyFromOutside();
        }
    }

    private void endHosts() throws Exception {
        for (Ferryd host : new Ferryd[] {from, to}) {
            if (host != null) {
                if (host.isAlive()) {
                    signal("CONT", host.pid());
                }
                host.close();
            }
        }
        if (root != null) {
            Guests.removeTree(root);
        }
    }

    @Override
    public synchronized void close() throws Exception {
        if (closed) {
            return;
        }
        closed = true;
        try {
            endHosts();
        } finally {
            link.close();
        }
    }
}
