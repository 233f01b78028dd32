package dev.ferry.qemu;

import java.nio.file.Path;
import java.util.Map;

/** Hosts that argument lists are built for; nothing of them exists. */
final class TestProfiles {
    private TestProfiles() {}

    static HostProfile plain() {
        return of(Map.of(), Map.of());
    }

    static HostProfile of(Map<String, String> values, Map<String, String> paths) {
        return new HostProfile(Path.of("/run/ferry/guests"), Path.of("/dev/shm"), "", "", values, paths);
    }
}
