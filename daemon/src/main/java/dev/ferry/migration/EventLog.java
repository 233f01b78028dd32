package dev.ferry.migration;

import dev.ferry.base.ErrorCategory;
import dev.ferry.base.FerryException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.LongSupplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The last events of all migrations of this daemon, numbered without gaps. A position is a token: the daemon's epoch and the number
 * of the last event that was seen. Thread-safe; appending waits for nobody.
 */
public final class EventLog {
    public static final int CAPACITY = 4096;
    private static final Pattern TOKEN = Pattern.compile("([0-9a-f]{1,16})-([0-9]{1,18})");
    private static final String AGAIN = ": start again from MigrationService.List, which gives a token to go on from";

    private final String epoch;
    private final int capacity;
    private final LongSupplier unixMs;
    private final ArrayDeque<Event> events = new ArrayDeque<>();
    private final List<Runnable> listeners = new CopyOnWriteArrayList<>();
    private long lastSequence;

    public enum Kind {
        /** Begun, or its state has changed. */
        STATE,
        /** The guest is paused on the source and about to run at the destination. */
        NETWORKS
    }

    /** @param sequence from 1 */
    public record Event(long sequence, long unixMs, Kind kind, MigrationSnapshot migration) {}

    /** @param epoch another one for each daemon */
    public EventLog(long epoch, int capacity, LongSupplier unixMs) {
        this.epoch = Long.toHexString(epoch);
        this.capacity = capacity;
        this.unixMs = unixMs;
    }

    /** Listeners are called on the thread that appends. */
    public void append(Kind kind, MigrationSnapshot migration) {
        add(kind, migration);
        listeners.forEach(Runnable::run);
    }

    private synchronized void add(Kind kind, MigrationSnapshot migration) {
        events.add(new Event(++lastSequence, unixMs.getAsLong(), kind, migration));
        if (events.size() > capacity) {
            events.remove();
        }
    }

    /**
     * Each change of this record's state from now on, and the state that it has. Another reason for the same state is none: while
     * a peer is away there are several a second, and they would push everything else out.
     */
    void follow(MigrationRecord record) {
        MigrationSnapshot first = record.snapshot();
        AtomicReference<MigrationState> last = new AtomicReference<>(first.state());
        append(Kind.STATE, first);
        record.onStateChange(() -> {
            // Two threads may change the state of an arrival: the later look is the later event.
            synchronized (last) {
                MigrationSnapshot now = record.snapshot();
                if (last.getAndSet(now.state()) == now.state()) {
                    return;
                }
                add(Kind.STATE, now);
            }
            listeners.forEach(Runnable::run);
        });
    }

    /** The listener must not wait. */
    public MigrationControl.Listening onAppend(Runnable listener) {
        listeners.add(listener);
        return () -> listeners.remove(listener);
    }

    /** After the newest event. */
    public synchronized long last() {
        return lastSequence;
    }

    public String token(long sequence) {
        return epoch + "-" + sequence;
    }

    /**
     * The position that a token means.
     *
     * @throws FerryException INVALID_ARGUMENT: no token; ABORTED: of an earlier daemon
     */
    public synchronized long position(String token) {
        Matcher m = TOKEN.matcher(token);
        if (!m.matches()) {
            throw noToken();
        }
        if (!m.group(1).equals(epoch)) {
            throw new FerryException(
                    ErrorCategory.ABORTED,
                    "EVENTS_OF_EARLIER_DAEMON",
                    Map.of(),
                    "resume_token: it is of a ferryd that ran here before, and its events are gone" + AGAIN);
        }
        long position = Long.parseLong(m.group(2));
        if (position > lastSequence) {
            throw noToken();
        }
        return position;
    }

    private static FerryException noToken() {
        return new FerryException(
                ErrorCategory.INVALID_ARGUMENT,
                "BAD_RESUME_TOKEN",
                Map.of("field", "resume_token"),
                "resume_token: not one that this API returned");
    }

    /**
     * Up to {@code most} events that come after this position.
     *
     * @throws FerryException ABORTED: some of them are gone
     */
    public synchronized List<Event> after(long position, int most) {
        long oldest = lastSequence - events.size() + 1;
        if (position + 1 < oldest) {
            throw new FerryException(
                    ErrorCategory.ABORTED,
                    "EVENTS_TOO_OLD",
                    Map.of("oldest_sequence", Long.toString(oldest)),
                    "resume_token: events " + (position + 1) + " to " + (oldest - 1) + " are no longer kept, the last "
                            + capacity + " are" + AGAIN);
        }
        List<Event> found = new ArrayList<>();
        for (Event e : events) {
            if (e.sequence() > position && found.size() < most) {
                found.add(e);
            }
        }
        return found;
    }
}
