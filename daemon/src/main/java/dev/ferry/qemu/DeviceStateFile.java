package dev.ferry.qemu;

import com.fasterxml.jackson.databind.JsonNode;
import dev.ferry.base.ErrorCategory;
import dev.ferry.base.FerryException;
import dev.ferry.sys.Fd;
import dev.ferry.sys.NativeBuffer;
import dev.ferry.sys.RamFile;
import java.nio.ByteBuffer;
import java.time.Duration;

/**
 * Where a source QEMU writes its device state: an unnamed file that it gets as a descriptor (add-fd), because it may not be able to
 * open a path of ours. QEMU asks a set for a descriptor of just its access mode, so it is opened write-only.
 */
final class DeviceStateFile {
    /** Marks our descriptor sets, so that nobody else's is ever removed. */
    static final String OPAQUE = "ferry-device-state";

    private static final Duration LIMIT = Duration.ofSeconds(5);
    /** It travels in one message, beside stale runs and small pages; 80 to 170 KB are usual. */
    private static final long MAX_BYTES = 32L << 20;

    private static final int O_WRONLY = 1;
    private static final int O_RDWR = 2;
    private static final int O_TMPFILE = 0x410000;

    private final QmpConnection qmp;
    private Fd file;
    private long fdset = -1;

    DeviceStateFile(QmpConnection qmp) {
        this.qmp = qmp;
    }

    synchronized void prepare() {
        release();
        file = Fd.open("/dev/shm", O_TMPFILE | O_RDWR, 0600);
        try (Fd writer = Fd.open("/proc/self/fd/" + file.raw(), O_WRONLY, 0)) {
            JsonNode added = qmp.execute("add-fd", QemuGuest.arguments("opaque", OPAQUE), LIMIT, writer);
            fdset = added.path("fdset-id").asLong(-1);
            if (fdset < 0) {
                throw new FerryException(ErrorCategory.INTERNAL, "add-fd was answered without a descriptor set");
            }
        }
    }

    synchronized byte[] save(Duration limit) {
        if (fdset < 0) {
            throw new FerryException(ErrorCategory.INTERNAL, "the device state was not prepared");
        }
        qmp.execute("xen-save-devices-state", QemuGuest.arguments("filename", "/dev/fdset/" + fdset), limit);
        try (RamFile written = RamFile.open("/proc/self/fd/" + file.raw(), false)) {
            if (written.lengthBytes() > MAX_BYTES) {
                throw new FerryException(
                        ErrorCategory.RESOURCE_EXHAUSTED,
                        "a device state of " + written.lengthBytes() + " bytes: Ferry moves up to " + MAX_BYTES);
            }
            int length = Math.toIntExact(written.lengthBytes());
            ByteBuffer bytes = ByteBuffer.allocateDirect(length);
            written.read(0, NativeBuffer.address(bytes), length);
            byte[] state = new byte[length];
            bytes.get(0, state);
            return state;
        }
    }

    /** Harmless twice, and when QEMU has ended. */
    synchronized void release() {
        long set = fdset;
        fdset = -1;
        try {
            if (set >= 0 && qmp.isOpen()) {
                qmp.execute("remove-fd", QmpConnection.JSON.createObjectNode().put("fdset-id", set), LIMIT);
            }
        } catch (FerryException e) {
            // A QEMU that ends at this moment takes the set with it; one that lives must not keep it unnoticed.
            if (e.category() != ErrorCategory.UNAVAILABLE) {
                throw e;
            }
        } finally {
            if (file != null) {
                file.close();
                file = null;
            }
        }
    }
}
