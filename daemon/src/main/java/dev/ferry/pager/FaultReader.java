package dev.ferry.pager;

import dev.ferry.memory.RamBlock;
import dev.ferry.postcopy.ArrivalMemory;
import dev.ferry.qemu.QemuRamBlock;
import dev.ferry.sys.EventFd;
import dev.ferry.sys.NativeBuffer;
import dev.ferry.sys.Userfaultfd;
import java.nio.ByteBuffer;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Reads the faults of one userfaultfd on its own thread and hands each page to {@link ArrivalMemory#fault}. The thread holds
 * no lock and allocates nothing while it serves.
 */
final class FaultReader implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(FaultReader.class);
    private static final int EVENTS = 64;
    private static final int EVENT_BYTES = 32;

    private final Userfaultfd uffd;
    private final List<QemuRamBlock> blocks;
    private final ArrivalMemory memory;
    private final EventFd wake = EventFd.create();
    private final Thread thread;
    private volatile boolean closed;

    FaultReader(String guest, Userfaultfd uffd, List<QemuRamBlock> blocks, ArrivalMemory memory) {
        this.uffd = uffd;
        this.blocks = List.copyOf(blocks);
        this.memory = memory;
        this.thread = new Thread(this::run, "faults-" + guest);
        thread.setDaemon(true);
    }

    void start() {
        thread.start();
    }

    private void run() {
        ByteBuffer events = NativeBuffer.allocate(EVENTS * EVENT_BYTES);
        while (!closed) {
            int n = uffd.readEvents(events, -1, wake.raw());
            if (n < 0) {
                LOG.info("userfaultfd of a process that has ended");
                return;
            }
            for (int i = 0; i < n; i++) {
                if (Userfaultfd.eventType(events, i) == Userfaultfd.EVENT_PAGEFAULT) {
                    serve(Userfaultfd.pagefaultAddress(events, i));
                }
            }
        }
    }

    private void serve(long address) {
        for (int i = 0; i < blocks.size(); i++) {
            QemuRamBlock at = blocks.get(i);
            long offset = address - at.hostAddress();
            RamBlock block = at.block();
            if (offset >= 0 && offset < block.lengthBytes()) {
                try {
                    memory.fault(block, block.pageAt(offset));
                } catch (RuntimeException e) {
                    // The thread must live: others wait. The waiter of this page is asked for again after a reconnect.
                    LOG.error("fault at page {} of {} could not be served", block.pageAt(offset), block.name(), e);
                }
                return;
            }
        }
        LOG.error("fault at {} in no RAM block", Long.toHexString(address));
    }

    /** Returns when the thread has ended. */
    @Override
    public void close() {
        if (closed) {
            return;
        }
        closed = true;
        wake.signal();
        boolean interrupted = false;
        while (thread.isAlive() && thread != Thread.currentThread()) {
            try {
                thread.join();
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        wake.close();
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
