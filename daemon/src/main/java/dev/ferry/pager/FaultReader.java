package dev.ferry.pager;

import dev.ferry.memory.RamBlock;
import dev.ferry.postcopy.ArrivalMemory;
import dev.ferry.postcopy.FaultQueue;
import dev.ferry.qemu.QemuRamBlock;
import dev.ferry.sys.EventFd;
import dev.ferry.sys.Fd;
import dev.ferry.sys.NativeBuffer;
import dev.ferry.sys.Pollable;
import dev.ferry.sys.ThreadPriority;
import dev.ferry.sys.Userfaultfd;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The faults of one userfaultfd, handed page by page to {@link ArrivalMemory#fault}: by a thread of its own, or, while the
 * source is connected, by the event loop of the demand stream, which saves a change of threads on either side of the request.
 * Two readers at once do no harm: each fault is read once. Nothing here is allocated while it serves.
 */
final class FaultReader implements FaultQueue, AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(FaultReader.class);
    private static final int EVENTS = 64;

    private final Userfaultfd uffd;
    private final List<QemuRamBlock> blocks;
    private final ArrivalMemory memory;
    private final EventFd wake = EventFd.create();
    private final Thread thread;
    private final AtomicInteger watchers = new AtomicInteger();

    /** Who waits for {@link #start}; null from then on. */
    private List<Runnable> waiting = new ArrayList<>();

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
        List<Runnable> told;
        synchronized (this) {
            told = waiting;
            waiting = null;
        }
        told.forEach(Runnable::run);
    }

    @Override
    public FaultQueue.Reader lend(Runnable whenServing) {
        Borrower borrower = new Borrower();
        synchronized (this) {
            if (waiting != null) {
                waiting.add(whenServing);
                return borrower;
            }
        }
        whenServing.run();
        return borrower;
    }

    private void run() {
        ThreadPriority.urgent();
        ByteBuffer events = NativeBuffer.allocate(EVENTS * Userfaultfd.EVENT_SIZE_BYTES);
        while (!closed) {
            if (watchers.get() > 0) {
                LockSupport.park(this);
                continue;
            }
            int n = uffd.readEvents(events, -1, wake.raw());
            if (n < 0) {
                LOG.info("userfaultfd of a process that has ended");
                return;
            }
            if (n == 0) {
                wake.clear();
            }
            serve(events, n);
        }
    }

    private void serve(ByteBuffer events, int n) {
        for (int i = 0; i < n; i++) {
            if (Userfaultfd.eventType(events, i) == Userfaultfd.EVENT_PAGEFAULT) {
                serve(Userfaultfd.pagefaultAddress(events, i));
            }
        }
    }

    /** A reader with a descriptor and a buffer of its own. */
    private final class Borrower implements FaultQueue.Reader, Pollable {
        private final Fd fd = uffd.fd().duplicate();
        private final ByteBuffer events = NativeBuffer.allocate(EVENTS * Userfaultfd.EVENT_SIZE_BYTES);
        private boolean watching;

        @Override
        public int descriptor() {
            return fd.raw();
        }

        @Override
        public void watch() {
            watching = true;
            watchers.incrementAndGet();
            if (!closed) {
                wake.signal();
            }
        }

        @Override
        public void drain() {
            if (!closed) {
                serve(events, uffd.readEventsNow(events));
            }
        }

        @Override
        public void close() {
            if (watching) {
                watching = false;
                watchers.decrementAndGet();
                LockSupport.unpark(thread);
            }
            fd.close();
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
                } catch (RuntimeException | Error e) {
                    // The thread must live: others wait. What can fail is kept there and tried again.
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
        LockSupport.unpark(thread);
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
