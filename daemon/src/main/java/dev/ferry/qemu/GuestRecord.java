package dev.ferry.qemu;

import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import java.util.List;

/**
 * What is remembered of a guest across restarts of the daemon, as JSON in the state directory.
 *
 * @param startTime of /proc/PID/stat: with the pid it names the process for good
 * @param adopted somebody else started its QEMU
 * @param incoming it was attached to receive a migration
 * @param definition JSON of its definition; empty: derived from the command line of its QEMU
 * @param ramFiles that Ferry made and removes
 */
@JsonIgnoreProperties(ignoreUnknown = true)
record GuestRecord(
        String name,
        String qmpSocket,
        int pid,
        long startTime,
        boolean adopted,
        boolean incoming,
        String definition,
        List<String> ramFiles) {
    GuestRecord {
        GuestNames.check(name);
        ramFiles = ramFiles == null ? List.of() : List.copyOf(ramFiles);
    }

    GuestRecord arrived() {
        return new GuestRecord(name, qmpSocket, pid, startTime, adopted, false, definition, ramFiles);
    }
}
