package dev.ferry.migration;

import dev.ferry.base.NanoClock;
import java.util.concurrent.TimeUnit;

/**
 * Since when a destination has been without its source, and whether that is for longer than the policy of lost pages allows.
 * Thread-safe: streams end on event loops, the sweep looks.
 */
final class SourceAbsence {
    private final NanoClock clock;
    private final long limitNs;

    /** Meaningful while {@link #away}. */
    private long sinceNs;

    private String why = "";
    private boolean away;
    private String lost;

    /** Before that nothing is too long: an operator has said so. */
    private long patientUntilNs;

    private boolean patient;

    SourceAbsence(NanoClock clock, long limitNs) {
        this.clock = clock;
        this.limitNs = limitNs;
    }

    synchronized void begins(String reason) {
        if (!away) {
            away = true;
            sinceNs = clock.nanoTime();
        }
        why = reason;
    }

    synchronized void ends() {
        away = false;
    }

    /** The source says that pages are gone: no return of it changes that. @return whether that is news */
    synchronized boolean isForGood(String reason) {
        boolean news = lost == null;
        lost = reason;
        return news;
    }

    /** The limit again, from now on. */
    synchronized void forgive() {
        patient = true;
        patientUntilNs = clock.nanoTime() + limitNs;
    }

    /** Why nobody is to wait for pages any longer, for people; null: they may come. */
    synchronized String tooLong() {
        long now = clock.nanoTime();
        if (patient && now - patientUntilNs < 0) {
            return null;
        }
        if (lost != null) {
            return lost;
        }
        return away && now - sinceNs >= limitNs
                ? "the source has been away for " + TimeUnit.NANOSECONDS.toSeconds(now - sinceNs) + " s: " + why
                : null;
    }
}
