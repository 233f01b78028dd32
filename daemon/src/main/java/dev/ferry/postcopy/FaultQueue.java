package dev.ferry.postcopy;

/**
 * The faults of an arriving guest that nobody has looked at yet. A thread of its own reads them, unless somebody who can do it
 * without a change of threads, the event loop of the demand stream, has borrowed it.
 */
public interface FaultQueue {
    /** Nothing to borrow. */
    FaultQueue NONE = whenServing -> new Reader() {
        @Override
        public void watch() {}

        @Override
        public void drain() {}

        @Override
        public void close() {}
    };

    /** @param whenServing told once, on any thread, when faults are served (at once, if they are already): not before may it be read */
    Reader lend(Runnable whenServing);

    /** One who reads. Its calls belong to one thread. */
    interface Reader extends AutoCloseable {
        /** From here on this reader waits for faults, and the queue's own thread does not. */
        void watch();

        /** Hands what is there to {@link ArrivalMemory#fault}; does not wait. */
        void drain();

        /** The queue's own thread reads again, if no other reader is left. */
        @Override
        void close();
    }
}
