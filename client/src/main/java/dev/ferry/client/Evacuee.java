package dev.ferry.client;

import dev.ferry.v1.CheckResponse;
import dev.ferry.v1.Migration;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.Map;

/** A guest of a host that is emptied: where it stands. Changed by {@link Evacuation} only. */
final class Evacuee {
    /** After so many failures at one destination it is not tried there again. */
    private static final int MOST_FAILURES = 2;

    /**
     * Who stalls least goes first: most guests are safe soonest, and the longest stalls come when little else moves. Guests of
     * which nothing is predicted are last.
     */
    static final Comparator<Evacuee> ORDER = Comparator.comparingDouble(Evacuee::predictedStallMs)
            .thenComparingLong(e -> e.memoryBytes)
            .thenComparing(e -> e.guest);

    enum State {
        /** To be moved. */
        WAITING,
        MOVING,
        /** On its way to this host: it can only move when it is here. */
        ARRIVING,
        MOVED,
        /** Its QEMU has ended, or somebody has detached it: nothing to do. */
        GONE,
        /** Not moved, and not tried any more. */
        LEFT
    }

    final String guest;
    final long memoryBytes;

    /** By destination: why it does not take this guest, for good. */
    private final Map<String, String> refusals = new LinkedHashMap<>();

    private final Map<String, Integer> failures = new LinkedHashMap<>();
    private State state = State.WAITING;
    private String destination = "";
    private String why = "";
    private String todo = "";
    private CheckResponse prediction = CheckResponse.getDefaultInstance();
    private Migration migration = Migration.getDefaultInstance();

    /** Not tried again before. */
    long notBeforeNs = System.nanoTime();

    Evacuee(String guest, long memoryBytes) {
        this.guest = guest;
        this.memoryBytes = memoryBytes;
    }

    State state() {
        return state;
    }

    /** HOST:PORT; empty while it has none. */
    String destination() {
        return destination;
    }

    /** What it waits for, or why it is left. */
    String why() {
        return why;
    }

    /** LEFT: what a person can do. */
    String todo() {
        return todo;
    }

    /** The last one; without an id: none. */
    Migration migration() {
        return migration;
    }

    CheckResponse prediction() {
        return prediction;
    }

    void predicted(CheckResponse checked) {
        if (checked.hasPredictedDowntimeMs()) {
            prediction = checked;
        }
    }

    double predictedStallMs() {
        return prediction.hasPredictedDowntimeMs()
                ? prediction.getPredictedDowntimeMs() + prediction.getPredictedPostcopyMs()
                : Double.POSITIVE_INFINITY;
    }

    void waits(String what) {
        state = State.WAITING;
        destination = "";
        why = what;
    }

    void waitsUntil(long ns, String what) {
        waits(what);
        notBeforeNs = ns;
    }

    /** It waits still, and would go there. */
    void planned(String host) {
        destination = host;
    }

    void moves(Migration m) {
        state = State.MOVING;
        migration = m;
        destination = m.getPeer();
        why = "";
    }

    void arrives(Migration m) {
        state = State.ARRIVING;
        migration = m;
        why = "arrives here by migration " + m.getId();
    }

    void moved(Migration m) {
        state = State.MOVED;
        migration = m;
        why = "";
    }

    void gone(String what) {
        state = State.GONE;
        why = what;
    }

    void left(String reason, String whatToDo) {
        state = State.LEFT;
        why = reason;
        todo = whatToDo;
    }

    void refusedBy(String host, String reason) {
        refusals.put(host, reason);
    }

    void failedAt(String host, String reason) {
        if (failures.merge(host, 1, Integer::sum) >= MOST_FAILURES) {
            refusedBy(host, reason);
        }
    }

    int failuresAt(String host) {
        return failures.getOrDefault(host, 0);
    }

    boolean isRefusedBy(String host) {
        return refusals.containsKey(host);
    }

    Map<String, String> refusals() {
        return refusals;
    }
}
