package dev.ferry.migration;

/**
 * Messages of pages with a wrong checksum, over all connections of a migration. One is bad luck and its pages are fetched
 * again; several in a row are a host or a link that breaks bytes. Each kind of stream counts for itself. Thread-safe.
 */
final class DamagedMessages {
    /** So many and nothing whole in between: nothing is trusted any more. */
    static final int IN_A_ROW = 4;

    private volatile int demandInARow;
    private volatile int bulkInARow;

    /** @return whether that is one too many */
    synchronized boolean oneMore(boolean demand) {
        return (demand ? ++demandInARow : ++bulkInARow) >= IN_A_ROW;
    }

    /** Of every message that was placed, on its event loop: it writes only when there is something to forget. */
    void intact(boolean demand) {
        if ((demand ? demandInARow : bulkInARow) != 0 && !isTooMuch()) {
            forget(demand);
        }
    }

    private synchronized void forget(boolean demand) {
        if (demand) {
            demandInARow = 0;
        } else {
            bulkInARow = 0;
        }
    }

    /** For good. */
    boolean isTooMuch() {
        return demandInARow >= IN_A_ROW || bulkInARow >= IN_A_ROW;
    }
}
