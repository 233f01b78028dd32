package dev.ferry.api;

import dev.ferry.migration.MigrationSnapshot;
import dev.ferry.migration.Side;

/** A migration's status in the words of OpenStack Nova's server migrations; docs/openstack.md has the table. */
final class NovaStatus {
    private NovaStatus() {}

    static String of(MigrationSnapshot s) {
        return switch (s.state()) {
            case PREPARING -> "preparing";
            case PRECOPY -> "running";
            // From HANDED_OVER on there is no way back, as after libvirt's switch.
            case SWITCHOVER, POSTCOPY, RECOVERING -> s.runsOn() == Side.SOURCE ? "running" : "running (post-copy)";
            case COMPLETED -> "completed";
            case CANCELLED -> "cancelled";
            // Where the guest runs on as if nothing had happened it is only the move that failed.
            case FAILED -> s.runsOn() == Side.SOURCE ? "failed" : "error";
        };
    }
}
