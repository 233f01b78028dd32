package dev.ferry.migration;

import dev.ferry.base.ErrorCategory;
import dev.ferry.base.FerryException;
import dev.ferry.base.NanoClock;
import dev.ferry.memory.RamBlock;
import dev.ferry.precopy.SentPages;
import dev.ferry.precopy.SourceMemory;
import dev.ferry.precopy.ZeroPages;
import java.nio.ByteBuffer;

/**
 * Answers page requests from the stopped guest's memory, on the demand connection's event loop, and leaves word for the push:
 * where the guest is at work, and that somebody waits.
 */
final class SourcePages implements DemandSource {
    private static final long RECENT_NS = 5_000_000;

    private final SourceMemory memory;
    private final SentPages sent;
    private final NanoClock clock;
    private volatile long lastRequestNs;
    private final PushOrder order;

    SourcePages(SourceMemory memory, SentPages sent, NanoClock clock) {
        this.memory = memory;
        this.sent = sent;
        this.clock = clock;
        this.order = new PushOrder(sent);
        this.lastRequestNs = clock.nanoTime() - RECENT_NS;
    }

    @Override
    public RamBlock block(int index) {
        if (index < 0
                || index >= sent.blocks().size()
                || !sent.blocks().get(index).guestRam()) {
            throw new FerryException(ErrorCategory.INVALID_ARGUMENT, "no guest RAM block " + index);
        }
        return sent.blocks().get(index);
    }

    @Override
    public boolean read(RamBlock block, long firstPage, int count, ByteBuffer into) {
        lastRequestNs = clock.nanoTime();
        memory.read(block, firstPage, count, into, 0);
        sent.markSent(block, firstPage, count);
        order.fault(block, firstPage + count - 1);
        return !ZeroPages.isZero(into, 0, count * block.pageSizeBytes());
    }

    /** Whether a fault came in the last milliseconds: the push keeps little under way then. */
    boolean isBusy() {
        return clock.nanoTime() - lastRequestNs < RECENT_NS;
    }

    PushOrder order() {
        return order;
    }
}
