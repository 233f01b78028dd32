package dev.ferry.qemu;

import dev.ferry.base.ErrorCategory;
import dev.ferry.base.FerryException;
import java.util.Optional;

/** Whom a QEMU runs as that is started here. */
record QemuUser(String name, int group) {
    /**
     * Asks the host, as chown(1) and systemd will.
     *
     * @param name empty: whoever the daemon runs as. INVALID_ARGUMENT: there is nobody of that name
     */
    static Optional<QemuUser> of(String name) {
        if (name.isEmpty()) {
            return Optional.empty();
        }
        String group = EmulatorOutput.of("id", "-g", "--", name).strip();
        try {
            return Optional.of(new QemuUser(name, Integer.parseInt(group)));
        } catch (NumberFormatException e) {
            throw new FerryException(ErrorCategory.INVALID_ARGUMENT, "guests.user: " + group, e);
        }
    }
}
