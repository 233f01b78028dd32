package dev.ferry.qemu;

import dev.ferry.base.ErrorCategory;
import dev.ferry.base.FerryException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;

/**
 * The QEMU binary for a guest that comes. Without one in the configuration the peer says which, and of an attached guest the peer
 * knows it from QEMU itself: so it is only run where nobody but root could have put it.
 */
final class EmulatorFile {
    private static final int ROOT = 0;
    private static final int WRITABLE_BY_OTHERS = 0022;
    private static final int PERMISSIONS = 07777;

    private EmulatorFile() {}

    /** NOT_FOUND, or PERMISSION_DENIED when it is not to be trusted; both say what to do. */
    static Path of(HostProfile host, GuestDefinition definition) {
        return host.emulator().isEmpty() ? trusted(find(definition.emulator())) : find(host.emulator());
    }

    private static Path find(String emulator) {
        if (emulator.contains("/")) {
            if (Files.isExecutable(Path.of(emulator))) {
                return Path.of(emulator);
            }
        } else {
            for (String directory :
                    System.getenv().getOrDefault("PATH", "/usr/bin:/bin").split(":", -1)) {
                Path candidate = Path.of(directory.isEmpty() ? "." : directory, emulator);
                if (Files.isExecutable(candidate)) {
                    return candidate;
                }
            }
        }
        throw new FerryException(
                ErrorCategory.NOT_FOUND,
                "there is no QEMU binary " + emulator + " on this host: install it, or set guests.emulator");
    }

    /** Without links: what is run later is what was looked at here. */
    private static Path trusted(Path file) {
        try {
            Path real = file.toRealPath();
            int self = (Integer) Files.getAttribute(Path.of("/proc/self"), "unix:uid");
            for (Path at = real; at != null; at = at.getParent()) {
                Map<String, Object> attributes = Files.readAttributes(at, "unix:uid,mode");
                int owner = (Integer) attributes.get("uid");
                int mode = (Integer) attributes.get("mode");
                if (owner != ROOT && owner != self) {
                    throw distrusted(real, at + " belongs to the user with the id " + owner);
                }
                if ((mode & WRITABLE_BY_OTHERS) != 0) {
                    throw distrusted(
                            real,
                            at + " may be written by others than its owner (mode "
                                    + Integer.toOctalString(mode & PERMISSIONS) + ")");
                }
            }
            return real;
        } catch (IOException e) {
            throw new FerryException(ErrorCategory.NOT_FOUND, "QEMU " + file + " cannot be run: " + e.getMessage(), e);
        }
    }

    private static FerryException distrusted(Path real, String why) {
        return new FerryException(
                ErrorCategory.PERMISSION_DENIED,
                "QEMU " + real + ", which the guest's definition names, is not run here: " + why
                        + ". Install QEMU where only root may write, or set guests.emulator");
    }
}
