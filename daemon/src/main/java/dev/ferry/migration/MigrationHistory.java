package dev.ferry.migration;

import dev.ferry.migration.MigrationEvent.Kind;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.TimeUnit;

/**
 * What happened to one migration, in order, found by comparing it with what it was before. Of very many events the first and
 * the last are kept. Guarded by its {@link MigrationRecord}.
 */
final class MigrationHistory {
    static final int FIRST = 64;
    static final int LAST = 192;

    /** So close to each other, peers' offences are one event. */
    private static final long TOGETHER_NS = TimeUnit.SECONDS.toNanos(1);

    private static final double BYTES_PER_MIB = 1 << 20;

    private final List<MigrationEvent> first = new ArrayList<>();
    private final Deque<MigrationEvent> last = new ArrayDeque<>();
    private int dropped;

    private MigrationState state;
    private String reason = "";
    private int rounds;
    private String stopReason = "";
    private Limits limits;
    private int recoveries;
    private long damaged;
    private long refused;
    private boolean guestStopped;
    private long poisoned;

    /** Called with every change; most are none of these. */
    void look(MigrationRecord.Fields f, long atNs) {
        if (f.state != state) {
            add(f, atNs, Kind.STATE, f.reason, 1);
        } else if (!f.reason.equals(reason)) {
            add(f, atNs, Kind.REASON, f.reason, 1);
        }
        if (f.precopy.rounds() != rounds && f.precopy.rounds() > 0) {
            String toSend = (f.memoryRemainingBytes >> 20) + " MiB to send";
            add(f, atNs, Kind.ROUND, "round " + f.precopy.rounds() + ": " + toSend, 1);
        }
        if (!f.precopy.stopReason().equals(stopReason)
                && !f.precopy.stopReason().isEmpty()) {
            add(f, atNs, Kind.PRECOPY_ENDED, "pre-copy ends: " + f.precopy.stopReason(), 1);
        }
        if (limits != null && !f.limits.equals(limits)) {
            add(f, atNs, Kind.LIMITS, text(f.limits), 1);
        }
        if (f.recoveries > recoveries) {
            add(f, atNs, Kind.RECOVERY, "recovery " + f.recoveries, f.recoveries - recoveries);
        }
        if (f.damagedMessages > damaged) {
            add(f, atNs, Kind.DAMAGED, "wrong checksum: fetched again", f.damagedMessages - damaged);
        }
        if (f.refusedMessages > refused) {
            add(f, atNs, Kind.REFUSED, "the peer broke the protocol", f.refusedMessages - refused);
        }
        if (f.guestStopped != guestStopped) {
            add(
                    f,
                    atNs,
                    f.guestStopped ? Kind.GUEST_STOPPED : Kind.GUEST_RESUMED,
                    f.guestStopped ? "by the policy of lost pages" : "the guest goes on",
                    1);
        }
        if (f.poisonedPages > poisoned) {
            add(f, atNs, Kind.POISONED, f.poisonedPages + " pages are lost for good", 1);
        }
        state = f.state;
        reason = f.reason;
        rounds = f.precopy.rounds();
        stopReason = f.precopy.stopReason();
        limits = f.limits;
        recoveries = f.recoveries;
        damaged = f.damagedMessages;
        refused = f.refusedMessages;
        guestStopped = f.guestStopped;
        poisoned = f.poisonedPages;
    }

    private static String text(Limits limits) {
        return "pre-copy " + text(limits.bandwidthBytesPerSecond()) + ", background push "
                + text(limits.postcopyBandwidthBytesPerSecond());
    }

    private static String text(long bytesPerSecond) {
        return bytesPerSecond == 0
                ? "without limit"
                : String.format(Locale.ROOT, "at most %.1f MiB/s", bytesPerSecond / BYTES_PER_MIB);
    }

    private void add(MigrationRecord.Fields f, long atNs, Kind kind, String text, long times) {
        MigrationEvent before = !last.isEmpty() ? last.getLast() : first.isEmpty() ? null : first.get(first.size() - 1);
        boolean repeats = kind == Kind.DAMAGED || kind == Kind.REFUSED;
        if (repeats && before != null && before.kind() == kind && atNs - before.atNs() < TOGETHER_NS) {
            replaceLast(new MigrationEvent(before.atNs(), kind, f.state, text, before.times() + times));
            return;
        }
        MigrationEvent event = new MigrationEvent(atNs, kind, f.state, text, times);
        if (first.size() < FIRST) {
            first.add(event);
            return;
        }
        if (last.size() == LAST) {
            last.removeFirst();
            dropped++;
        }
        last.addLast(event);
    }

    private void replaceLast(MigrationEvent event) {
        if (last.isEmpty()) {
            first.set(first.size() - 1, event);
        } else {
            last.removeLast();
            last.addLast(event);
        }
    }

    /** From the middle. */
    int dropped() {
        return dropped;
    }

    List<MigrationEvent> all() {
        List<MigrationEvent> all = new ArrayList<>(first);
        all.addAll(last);
        return all;
    }
}
