package dev.ferry.postcopy;

import dev.ferry.memory.RamBlock;
import java.util.concurrent.atomic.AtomicLongArray;

/**
 * The demand faults under way and when each was seen. A fixed table: fault readers add, whoever places the page removes;
 * nothing is allocated. Faults beyond its size are served all the same, only not timed.
 */
final class PendingFaults {
    private static final int SLOTS = 4096;
    private static final int PROBES = 64;

    /** (block + 1) << 48 | page; 0: free; −1: being filled. */
    private final AtomicLongArray keys = new AtomicLongArray(SLOTS);

    private final long[] startNs = new long[SLOTS];

    void add(RamBlock block, long page, long nowNs) {
        long key = key(block, page);
        int at = slot(key);
        for (int i = 0; i < PROBES; i++) {
            int s = (at + i) & (SLOTS - 1);
            if (keys.compareAndSet(s, 0, -1)) {
                startNs[s] = nowNs;
                keys.set(s, key);
                return;
            }
        }
    }

    /** When the fault was seen; −1 if it is not in the table. */
    long remove(RamBlock block, long page) {
        long key = key(block, page);
        int at = slot(key);
        for (int i = 0; i < PROBES; i++) {
            int s = (at + i) & (SLOTS - 1);
            if (keys.get(s) == key) {
                long start = startNs[s];
                return keys.compareAndSet(s, key, 0) ? start : -1;
            }
        }
        return -1;
    }

    private static long key(RamBlock block, long page) {
        return ((block.index() + 1L) << 48) | page;
    }

    private static int slot(long key) {
        return (int) ((key * 0x9E3779B97F4A7C15L) >>> 52);
    }
}
