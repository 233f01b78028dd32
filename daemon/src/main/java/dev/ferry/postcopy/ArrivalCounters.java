package dev.ferry.postcopy;

import java.util.concurrent.atomic.LongAdder;

/** What happened to the pages of an arriving guest. */
public final class ArrivalCounters {
    public final LongAdder remoteFaults = new LongAdder();
    public final LongAdder localFaults = new LongAdder();
    public final LongAdder zeroFaults = new LongAdder();
    public final LongAdder pushedPages = new LongAdder();
    public final LongAdder demandPages = new LongAdder();
    public final LongAdder duplicatePages = new LongAdder();
}
