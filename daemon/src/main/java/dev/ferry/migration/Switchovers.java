package dev.ferry.migration;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.locks.LockSupport;

/**
 * The queue of the guests of this host that are about to switch: one at a time, first come first served, because blackouts that
 * share the CPUs and the link with each other are all long. Whoever waits still runs. It is a courtesy and no lock: the owners
 * go on without their turn when it does not come, so nothing here can hold a migration up for good. Thread-safe.
 */
final class Switchovers {
    private final Deque<Turn> queue = new ArrayDeque<>();

    /** A place in the queue of the calling thread. */
    synchronized Turn queue() {
        Turn turn = new Turn(Thread.currentThread());
        queue.add(turn);
        return turn;
    }

    private synchronized boolean isFirst(Turn turn) {
        return queue.peek() == turn;
    }

    private void leave(Turn turn) {
        Turn next;
        synchronized (this) {
            if (!queue.remove(turn)) {
                return;
            }
            next = queue.peek();
        }
        if (next != null) {
            LockSupport.unpark(next.owner);
        }
    }

    /** Until it is closed, by its owner. */
    final class Turn implements AutoCloseable {
        private final Thread owner;

        private Turn(Thread owner) {
            this.owner = owner;
        }

        /** Its owner is unparked when this becomes true. */
        boolean hasCome() {
            return isFirst(this);
        }

        /** Harmless twice. */
        @Override
        public void close() {
            leave(this);
        }
    }
}
