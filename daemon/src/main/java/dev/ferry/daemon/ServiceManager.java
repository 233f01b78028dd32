package dev.ferry.daemon;

import dev.ferry.base.FerryException;
import dev.ferry.pager.DescriptorStore;
import dev.ferry.sys.Fd;
import dev.ferry.sys.NotifySocket;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Tells systemd how the daemon is, and has it keep descriptors while there is no daemon: sd_notify(3), sd_listen_fds(3). Says and
 * keeps nothing where NOTIFY_SOCKET is not set; never fails. Thread-safe.
 */
final class ServiceManager implements DescriptorStore {
    private static final Logger LOG = LoggerFactory.getLogger(ServiceManager.class);
    private static final Duration LIMIT = Duration.ofMillis(500);

    /** SD_LISTEN_FDS_START. */
    private static final int FIRST_PASSED = 3;

    private final String socket;
    private final Map<String, Fd> passed;
    private final Set<String> kept = new TreeSet<>();

    /** @param socket NOTIFY_SOCKET: a path, or an abstract name behind {@code @}; null: nobody listens */
    ServiceManager(String socket) {
        this(socket, Map.of());
    }

    private ServiceManager(String socket, Map<String, Fd> passed) {
        this.socket = socket;
        this.passed = new TreeMap<>(passed);
        this.kept.addAll(passed.keySet());
    }

    /** Of this process, once: takes the descriptors that were passed to it. */
    static ServiceManager of(Map<String, String> environment, long pid) {
        Map<String, Fd> passed = new TreeMap<>();
        if (environment.getOrDefault("LISTEN_PID", "").equals(Long.toString(pid))) {
            String[] names = environment.getOrDefault("LISTEN_FDNAMES", "").split(":", -1);
            String said = environment.getOrDefault("LISTEN_FDS", "");
            int count = said.matches("[0-9]{1,6}") ? Integer.parseInt(said) : 0;
            for (int i = 0; i < count; i++) {
                Fd fd = Fd.own(FIRST_PASSED + i);
                // The same name twice is the same descriptor twice.
                Fd twin = i < names.length ? passed.putIfAbsent(names[i], fd) : fd;
                if (twin != null) {
                    fd.close();
                }
            }
            LOG.info("an earlier daemon had these descriptors kept: {}", passed.keySet());
        }
        return new ServiceManager(environment.get("NOTIFY_SOCKET"), passed);
    }

    void ready() {
        send("READY=1\n");
    }

    /** Until {@link #reloaded}. */
    void reloading() {
        // Which clock it is is said there: CLOCK_MONOTONIC, which is what System.nanoTime is on Linux.
        send("RELOADING=1\nMONOTONIC_USEC=" + TimeUnit.NANOSECONDS.toMicros(System.nanoTime()) + "\n");
    }

    /** @param what became of it */
    void reloaded(String what) {
        send("READY=1\nSTATUS=" + what.replace('\n', ' ') + "\n");
    }

    void alive() {
        send("WATCHDOG=1\n");
    }

    void stopping() {
        send("STOPPING=1\n");
    }

    /** FDPOLL=0: it is dropped by us, and not when its other end hangs up. */
    @Override
    public synchronized void keep(String name, Fd fd) {
        // One that an earlier daemon has kept is still there.
        if (!kept.contains(name) && send("FDSTORE=1\nFDNAME=" + name + "\nFDPOLL=0\n", fd)) {
            kept.add(name);
        }
    }

    @Override
    public synchronized Optional<Fd> take(String name) {
        return Optional.ofNullable(passed.get(name)).map(Fd::duplicate);
    }

    @Override
    public synchronized void drop(String name) {
        Fd ours = passed.remove(name);
        if (ours != null) {
            ours.close();
        }
        if (kept.remove(name)) {
            send("FDSTOREREMOVE=1\nFDNAME=" + name + "\n");
        }
    }

    @Override
    public synchronized List<String> names() {
        return List.copyOf(kept);
    }

    /**
     * How often it wants to hear that this process lives, in ns; empty: not at all. sd_watchdog_enabled(3).
     *
     * @param environment has WATCHDOG_USEC, and WATCHDOG_PID if it is meant for one process only
     */
    static OptionalLong watchdogNs(Map<String, String> environment, long pid) {
        String usec = environment.getOrDefault("WATCHDOG_USEC", "");
        String meant = environment.getOrDefault("WATCHDOG_PID", "");
        if (usec.isEmpty() || !(meant.isEmpty() || meant.equals(Long.toString(pid)))) {
            return OptionalLong.empty();
        }
        try {
            return OptionalLong.of(TimeUnit.MICROSECONDS.toNanos(Long.parseUnsignedLong(usec)));
        } catch (NumberFormatException e) {
            LOG.warn("WATCHDOG_USEC is no number: {}", usec);
            return OptionalLong.empty();
        }
    }

    private boolean send(String state, Fd... descriptors) {
        if (socket == null || socket.isEmpty()) {
            return false;
        }
        try {
            NotifySocket.send(socket, state, LIMIT, descriptors);
            return true;
        } catch (FerryException e) {
            LOG.warn("cannot tell {} {}: {}", socket, state.strip(), e.getMessage());
            return false;
        }
    }
}
