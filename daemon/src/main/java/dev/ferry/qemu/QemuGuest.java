package dev.ferry.qemu;

import com.fasterxml.jackson.databind.JsonNode;
import dev.ferry.sys.PidFd;
import dev.ferry.sys.RemoteUserfaultfd;
import java.time.Duration;
import java.util.List;

/**
 * One running QEMU process and its QMP connection, started by us or adopted. Thread-safe; commands are serialised. Holds the
 * QMP connection and a pidfd; closing it leaves QEMU running.
 */
public final class QemuGuest implements AutoCloseable {
    /**
     * Connects to a QMP socket, negotiates, finds the process (SO_PEERCRED), its version, machine type and RAM blocks.
     * Errors say whether the path is missing, nobody listens, it is not QMP, or another client has it (no greeting in time).
     */
    public static QemuGuest connect(String name, String qmpSocket, Duration limit) {
        throw new UnsupportedOperationException("skeleton");
    }

    public String name() {
        throw new UnsupportedOperationException("skeleton");
    }

    public String qmpSocket() {
        throw new UnsupportedOperationException("skeleton");
    }

    public PidFd process() {
        throw new UnsupportedOperationException("skeleton");
    }

    /** For example "7.2.22". */
    public String version() {
        throw new UnsupportedOperationException("skeleton");
    }

    /** The versioned name, without "-machine": "pc-q35-7.2". */
    public String machine() {
        throw new UnsupportedOperationException("skeleton");
    }

    /** Guest RAM first, in the order of guest physical addresses, then the small blocks by name; indices count up from 0. */
    public List<QemuRamBlock> blocks() {
        throw new UnsupportedOperationException("skeleton");
    }

    /** query-status: running, paused, inmigrate, postmigrate, ... */
    public String status() {
        throw new UnsupportedOperationException("skeleton");
    }

    /** Any other command; a QMP error becomes a FerryException with its class and description as they came. */
    public JsonNode execute(String command, JsonNode arguments, Duration limit) {
        throw new UnsupportedOperationException("skeleton");
    }

    /** Makes a userfaultfd inside QEMU: /dev/userfaultfd by getfd and an injected ioctl, else userfaultfd(2). Leaves no other descriptor behind. */
    public RemoteUserfaultfd.Injected injectUserfaultfd() {
        throw new UnsupportedOperationException("skeleton");
    }

    /** Everything that saveDeviceState needs and that can be done before the guest is stopped. */
    public void prepareDeviceState() {
        throw new UnsupportedOperationException("skeleton");
    }

    /** QMP stop; returns when the vCPUs stand and disk requests are drained. */
    public void stop(Duration limit) {
        throw new UnsupportedOperationException("skeleton");
    }

    /** QMP cont; returns at RESUME. Also undoes saveDeviceState (takes the disks again). */
    public void cont(Duration limit) {
        throw new UnsupportedOperationException("skeleton");
    }

    /** Of the stopped guest: a complete migration stream without RAM, for {@link #loadDeviceState}; gives the disks away. */
    public byte[] saveDeviceState(Duration limit) {
        throw new UnsupportedOperationException("skeleton");
    }

    /** Destination: capabilities, migrate-incoming on a private socket, so that only bytes are missing. */
    public void prepareIncoming() {
        throw new UnsupportedOperationException("skeleton");
    }

    /** Destination: feeds the stream and waits until it is loaded and the guest is paused. Touches guest RAM: the pager must serve. */
    public void loadDeviceState(byte[] stream, Duration limit) {
        throw new UnsupportedOperationException("skeleton");
    }

    /** QMP quit, then SIGTERM, then SIGKILL by pidfd; returns when the process has ended. */
    public void quit(Duration limit) {
        throw new UnsupportedOperationException("skeleton");
    }

    /** SIGKILL by pidfd, no QMP; returns when the process has ended. For fencing. */
    public void kill(Duration limit) {
        throw new UnsupportedOperationException("skeleton");
    }

    @Override
    public void close() {
        throw new UnsupportedOperationException("skeleton");
    }
}
