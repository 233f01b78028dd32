package dev.ferry.qemu;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.ferry.base.ErrorCategory;
import dev.ferry.base.FerryException;
import dev.ferry.sys.Fd;
import dev.ferry.sys.PidFd;
import dev.ferry.sys.ProcFs;
import dev.ferry.sys.RemoteUserfaultfd;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.OptionalInt;
import java.util.Set;
import java.util.concurrent.TimeUnit;

/**
 * One running QEMU process and its QMP connection, started by us or adopted. Thread-safe; commands are serialised. Holds the
 * QMP connection and a pidfd; closing it leaves QEMU running.
 */
public final class QemuGuest implements AutoCloseable {
    private static final Duration SHORT = Duration.ofSeconds(5);
    private static final int O_RDWR = 2;
    private static final int SIGTERM = 15;
    private static final int SIGKILL = 9;

    private final String name;
    private final String qmpSocket;
    private final QmpConnection qmp;
    private final PidFd process;
    private final String version;
    private final String machine;
    private final DeviceStateFile deviceState;
    private final IncomingSocket incoming;
    private RamBlockFinder.Found ram;

    private QemuGuest(String name, String qmpSocket, QmpConnection qmp, PidFd process) {
        this.name = name;
        this.qmpSocket = qmpSocket;
        this.qmp = qmp;
        this.process = process;
        JsonNode v = qmp.execute("query-version", null, SHORT).path("qemu");
        this.version = number(v, "major") + "." + number(v, "minor") + "." + number(v, "micro");
        String type = qmp.execute("qom-get", arguments("path", "/machine").put("property", "type"), SHORT)
                .asText();
        this.machine = type.endsWith("-machine") ? type.substring(0, type.length() - "-machine".length()) : type;
        this.deviceState = new DeviceStateFile(qmp);
        this.incoming = new IncomingSocket(qmp, qmpSocket);
    }

    /**
     * Connects to a QMP socket, negotiates, finds the process (SO_PEERCRED), its version, machine type and RAM blocks.
     * Errors say whether the path is missing, nobody listens, it is not QMP, or another client has it (no greeting in time).
     */
    public static QemuGuest connect(String name, String qmpSocket, Duration limit) {
        return connect(name, qmpSocket, limit, OptionalInt.empty());
    }

    /**
     * The same, of one that is known. FAILED_PRECONDITION: another process answers there, and was asked nothing. The socket may
     * lie where QEMU itself can put a link to another guest's.
     */
    public static QemuGuest connect(String name, String qmpSocket, int pid, Duration limit) {
        return connect(name, qmpSocket, limit, OptionalInt.of(pid));
    }

    private static QemuGuest connect(String name, String qmpSocket, Duration limit, OptionalInt pid) {
        QmpConnection qmp = QmpConnection.connect(qmpSocket, limit, pid);
        PidFd process = null;
        try {
            process = PidFd.open(qmp.pid());
            return new QemuGuest(name, qmpSocket, qmp, process);
        } catch (RuntimeException e) {
            if (process != null) {
                process.close();
            }
            qmp.close();
            throw e;
        }
    }

    public String name() {
        return name;
    }

    public String qmpSocket() {
        return qmpSocket;
    }

    public PidFd process() {
        return process;
    }

    /** For example "7.2.22". */
    public String version() {
        return version;
    }

    /** The versioned name, without "-machine": "pc-q35-7.2". */
    public String machine() {
        return machine;
    }

    /** Guest RAM first, in the order of guest physical addresses, then the small blocks by name; indices count up from 0. */
    public List<QemuRamBlock> blocks() {
        return ram().blocks();
    }

    /** Names of blocks that would have to travel and whose address this QEMU does not tell. */
    public List<String> blocksWithoutAddress() {
        return ram().withoutAddress();
    }

    private synchronized RamBlockFinder.Found ram() {
        if (ram == null) {
            Set<String> memdevs = new HashSet<>();
            qmp.execute("query-memdev", null, SHORT)
                    .forEach(m -> memdevs.add(m.path("id").asText()));
            ram = new RamBlockFinder(process.pid(), this::monitor, memdevs).find();
        }
        return ram;
    }

    /** query-status: running, paused, inmigrate, postmigrate, ... */
    public String status() {
        return qmp.execute("query-status", null, SHORT).path("status").asText();
    }

    /** Whether a disk bypasses the page cache (cache.direct): its DMA may write pages behind the write protection. */
    public boolean usesDirectIo() {
        for (JsonNode node : qmp.execute("query-named-block-nodes", arguments("flat", true), SHORT)) {
            if (node.path("cache").path("direct").asBoolean(false)) {
                return true;
            }
        }
        return false;
    }

    /** Whether the QMP connection and the process are there. */
    public boolean isAlive() {
        return qmp.isOpen() && process.isAlive();
    }

    /** Any other command; a QMP error becomes a FerryException with its class and description as they came. */
    public JsonNode execute(String command, JsonNode arguments, Duration limit) {
        return qmp.execute(command, arguments, limit);
    }

    private String monitor(String line) {
        return qmp.execute("human-monitor-command", arguments("command-line", line), SHORT)
                .asText();
    }

    /** Makes a userfaultfd inside QEMU: /dev/userfaultfd by getfd and an injected ioctl, else userfaultfd(2). Leaves no other descriptor behind. */
    public synchronized RemoteUserfaultfd.Injected injectUserfaultfd() {
        Fd device;
        try {
            device = Fd.open("/dev/userfaultfd", O_RDWR, 0);
        } catch (FerryException e) {
            return RemoteUserfaultfd.fromSyscall(process);
        }
        try (device) {
            Set<Integer> before = ProcFs.descriptors(process.pid()).keySet();
            qmp.execute("getfd", arguments("fdname", "ferry-uffd-device"), SHORT, device);
            try {
                List<Integer> fresh = ProcFs.descriptors(process.pid()).entrySet().stream()
                        .filter(e ->
                                !before.contains(e.getKey()) && e.getValue().contains("userfaultfd"))
                        .map(e -> e.getKey())
                        .toList();
                if (fresh.size() != 1) {
                    throw new FerryException(
                            ErrorCategory.INTERNAL,
                            "guest " + name + ": the descriptor passed by getfd is not found in /proc/" + process.pid()
                                    + "/fd (" + fresh + ")");
                }
                return RemoteUserfaultfd.fromDevice(process, fresh.get(0));
            } finally {
                qmp.execute("closefd", arguments("fdname", "ferry-uffd-device"), SHORT);
            }
        }
    }

    /**
     * Takes away what a daemon that is gone left in this process: userfaultfds that only tracked writes (nobody waits on
     * those), and descriptor sets. Never for a guest that arrives: there closing a userfaultfd lets waiters read zeros.
     */
    public synchronized void removeTraces() {
        ProcFs.descriptors(process.pid()).forEach((fd, target) -> {
            if (target.equals("anon_inode:[userfaultfd]")) {
                RemoteUserfaultfd.closeRemote(process, fd);
            }
        });
        for (JsonNode set : qmp.execute("query-fdsets", null, SHORT)) {
            boolean ours = false;
            for (JsonNode fd : set.path("fds")) {
                ours |= fd.path("opaque").asText().equals(DeviceStateFile.OPAQUE);
            }
            if (ours) {
                long id = set.path("fdset-id").asLong();
                qmp.execute("remove-fd", QmpConnection.JSON.createObjectNode().put("fdset-id", id), SHORT);
            }
        }
    }

    /** Everything that saveDeviceState needs and that can be done before the guest is stopped. */
    public void prepareDeviceState() {
        deviceState.prepare();
    }

    /** Undoes {@link #prepareDeviceState}; harmless twice. */
    public void releaseDeviceState() {
        deviceState.release();
    }

    /** QMP stop; returns when the vCPUs stand and disk requests are drained. */
    public void stop(Duration limit) {
        qmp.execute("stop", null, limit);
    }

    /** QMP cont; returns at RESUME. Also undoes saveDeviceState (takes the disks again). */
    public void cont(Duration limit) {
        qmp.execute("cont", null, limit);
    }

    /** Of the stopped guest: a complete migration stream without RAM, for {@link #loadDeviceState}; gives the disks away. */
    public byte[] saveDeviceState(Duration limit) {
        return DeviceStateStream.toMigration(deviceState.save(limit), machine);
    }

    /** Destination: capabilities, migrate-incoming on a private socket, so that only bytes are missing. */
    public void prepareIncoming() {
        incoming.prepare();
    }

    /** Destination: feeds the stream and waits until it is loaded and the guest is paused. Touches guest RAM: the pager must serve. */
    public void loadDeviceState(byte[] stream, Duration limit) {
        incoming.load(stream, limit);
    }

    /** QMP quit, then SIGTERM, then SIGKILL by pidfd; returns when the process has ended. */
    public void quit(Duration limit) {
        try {
            qmp.execute("quit", null, limit);
        } catch (FerryException e) {
            // It may have ended before it could answer.
            if (process.isAlive()) {
                process.signal(SIGTERM);
            }
        }
        if (!process.awaitExit(limit.toMillis())) {
            kill(limit);
        }
    }

    /** SIGKILL by pidfd, no QMP; returns when the process has ended. For fencing. */
    public void kill(Duration limit) {
        if (process.isAlive()) {
            process.signal(SIGKILL);
        }
        if (!process.awaitExit(limit.toMillis())) {
            throw new FerryException(
                    ErrorCategory.DEADLINE_EXCEEDED,
                    "QEMU " + process.pid() + " of guest " + name + " did not end within "
                            + TimeUnit.MILLISECONDS.toSeconds(limit.toMillis()) + " s of SIGKILL");
        }
    }

    @Override
    public void close() {
        qmp.close();
        process.close();
    }

    private int number(JsonNode version, String key) {
        JsonNode number = version.path(key);
        if (!number.isInt() || number.intValue() < 0) {
            throw new FerryException(
                    ErrorCategory.INTERNAL,
                    "QEMU at " + qmpSocket + " does not say its version: " + key + " is missing");
        }
        return number.intValue();
    }

    static ObjectNode arguments(String key, String value) {
        return QmpConnection.JSON.createObjectNode().put(key, value);
    }

    static ObjectNode arguments(String key, boolean value) {
        return QmpConnection.JSON.createObjectNode().put(key, value);
    }
}
