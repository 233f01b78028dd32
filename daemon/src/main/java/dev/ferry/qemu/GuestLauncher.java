package dev.ferry.qemu;

import java.nio.file.Path;
import java.util.List;

/** Starts QEMU processes outside the daemon's process tree (they are never its children) and cleans up after them. */
public final class GuestLauncher {
    public GuestLauncher(HostProfile host) {
        throw new UnsupportedOperationException("skeleton");
    }

    /** Starts and runs a guest. The error carries the end of QEMU's own output. */
    public QemuGuest run(GuestDefinition definition) {
        throw new UnsupportedOperationException("skeleton");
    }

    /** A destination QEMU: -S, -incoming defer, every RAM block a new shared file in the host's ramDir. */
    public Incoming startIncoming(GuestDefinition definition, String migrationId) {
        throw new UnsupportedOperationException("skeleton");
    }

    /** @param ramFiles to unlink when the guest has ended */
    public record Incoming(QemuGuest guest, List<Path> ramFiles) {}

    /** Removes a guest's directory and the RAM files that this launcher made for it; only when its QEMU has ended. */
    public void cleanUp(String guestName) {
        throw new UnsupportedOperationException("skeleton");
    }
}
