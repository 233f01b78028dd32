package dev.ferry.api;

import dev.ferry.migration.StartOptions;
import dev.ferry.v1.StartRequest;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.concurrent.TimeUnit;

/** What a scheduler says with a start, beside the policy. */
final class Starts {
    /** The guest stands still for so long at most. */
    private static final long LONGEST_HOLD_MS = 10_000;

    private Starts() {}

    static StartOptions options(StartRequest request) {
        long holdMs = Input.between("network_hold_ms", request.getNetworkHoldMs(), 0, LONGEST_HOLD_MS);
        if (request.getNetworkRequired() && holdMs == 0) {
            throw ApiStatus.invalid("network_required: needs a network_hold_ms, how long the paused guest may wait");
        }
        return new StartOptions(
                fingerprint(request),
                Input.reservation(request.getReservationId()),
                TimeUnit.MILLISECONDS.toNanos(holdMs),
                request.getNetworkRequired());
    }

    /** Of what was said, not of what it means: the daemon's defaults may be others when it is said again. */
    private static String fingerprint(StartRequest request) {
        byte[] bytes = request.toBuilder().clearRequestId().build().toByteArray();
        try {
            return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java has SHA-256", e);
        }
    }
}
