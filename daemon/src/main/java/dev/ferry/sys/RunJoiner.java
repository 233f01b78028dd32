package dev.ferry.sys;

/** Joins runs that touch: the kernel cuts them where its buffers end. */
final class RunJoiner {
    private final Pagemap.RegionConsumer consumer;
    private long start;
    private long end;

    RunJoiner(Pagemap.RegionConsumer consumer) {
        this.consumer = consumer;
    }

    void add(long runStart, long runEnd) {
        if (runStart != end) {
            flush();
            start = runStart;
        }
        end = runEnd;
    }

    /** To be called after the last one. */
    void flush() {
        if (end > start) {
            consumer.accept(start, end);
        }
        start = end;
    }
}
