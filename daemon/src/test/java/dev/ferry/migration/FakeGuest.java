package dev.ferry.migration;

import dev.ferry.base.NanoClock;
import dev.ferry.memory.PageBitmap;
import dev.ferry.memory.RamBlock;
import dev.ferry.postcopy.ArrivalMemory;
import dev.ferry.postcopy.FaultQueue;
import dev.ferry.postcopy.GuestPages;
import dev.ferry.precopy.SourceMemory;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;

/**
 * A guest without a machine: one RAM block and one small block in Java arrays, a thread that writes versions into its pages,
 * and on arrival a thread that faults. Page content is the version, repeated; {@link #expected} is what must be there.
 */
final class FakeGuest implements SourceGuest {
    static final int PAGE = 4096;
    final RamBlock ram;
    final RamBlock rom = new RamBlock(1, "vga", 16 * PAGE, PAGE, false);
    final byte[] memory;
    final byte[] small = new byte[16 * PAGE];
    final int[] expected;
    final PageBitmap dirty;
    final PageBitmap smallDirty = PageBitmap.allocate(16);
    private final PageBitmap populated;
    private final PageBitmap smallPopulated = PageBitmap.allocate(16);
    final List<String> calls = new ArrayList<>();
    private final Random random;
    private final AtomicBoolean running = new AtomicBoolean(true);
    private final Thread writer;
    private boolean tracking;
    volatile RuntimeException failStop;
    volatile boolean ended;

    /** Between two writes: where there are many guests, they leave some of the CPUs to others. */
    volatile long restNs;

    volatile Runnable whenStopped = () -> {};
    volatile Runnable whenContinued = () -> {};

    private final String name;

    FakeGuest(int pages, long seed) {
        this("db1", pages, seed);
    }

    FakeGuest(String name, int pages, long seed) {
        this.name = name;
        ram = new RamBlock(0, "pc.ram", (long) pages * PAGE, PAGE, true);
        memory = new byte[pages * PAGE];
        expected = new int[pages];
        dirty = PageBitmap.allocate(pages);
        populated = PageBitmap.allocate(pages);
        random = new Random(seed);
        for (int p = 0; p < pages; p += 2) {
            write(p, 1 + p);
        }
        writer = new Thread(this::work, "guest");
        writer.setDaemon(true);
        writer.start();
    }

    private void work() {
        while (!ended) {
            synchronized (memory) {
                if (running.get()) {
                    int page = random.nextInt(expected.length / 2);
                    write(page, random.nextInt(8) == 0 ? 0 : random.nextInt());
                }
            }
            if (restNs > 0) {
                LockSupport.parkNanos(restNs);
            }
            Thread.onSpinWait();
        }
    }

    private void write(int page, int version) {
        synchronized (memory) {
            ByteBuffer b = ByteBuffer.wrap(memory, page * PAGE, PAGE);
            for (int i = 0; i < PAGE / 4; i++) {
                b.putInt(version);
            }
            expected[page] = version;
            dirty.set(page);
            populated.set(page);
            small[page % small.length] = (byte) version;
            smallDirty.set(page % small.length / PAGE);
            smallPopulated.set(page % small.length / PAGE);
        }
    }

    boolean isRunning() {
        synchronized (memory) {
            return running.get() && !ended;
        }
    }

    boolean isTracked() {
        return tracking;
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public String qemuVersion() {
        return "7.2.22";
    }

    @Override
    public String machine() {
        return "pc-q35-7.2";
    }

    @Override
    public String definitionJson() {
        return "{}";
    }

    @Override
    public List<RamBlock> blocks() {
        return List.of(ram, rom);
    }

    @Override
    public List<Reason> preflight() {
        return List.of();
    }

    @Override
    public SourceMemory memory() {
        return new SourceMemory() {
            @Override
            public void startTracking() {
                synchronized (memory) {
                    tracking = true;
                    dirty.clearRange(0, expected.length);
                    smallDirty.clearRange(0, 16);
                }
            }

            @Override
            public void forEachPopulated(RamBlock block, PageBitmap.RunConsumer consumer) {
                // Others may be written from now on; they are dirty then.
                synchronized (memory) {
                    (block.guestRam() ? populated : smallPopulated)
                            .forEachSetRun(0, block.pageCount(), block.pageCount(), consumer);
                }
            }

            @Override
            public void harvest(RamBlock block, PageBitmap.RunConsumer consumer) {
                synchronized (memory) {
                    PageBitmap bits = block.guestRam() ? dirty : smallDirty;
                    List<long[]> runs = new ArrayList<>();
                    bits.forEachSetRun(0, block.pageCount(), 7, (p, n) -> runs.add(new long[] {p, n}));
                    bits.clearRange(0, block.pageCount());
                    runs.forEach(r -> consumer.accept(r[0], r[1]));
                }
            }

            @Override
            public void read(RamBlock block, long firstPage, int pages, ByteBuffer into, int index) {
                synchronized (memory) {
                    into.put(index, block.guestRam() ? memory : small, (int) firstPage * PAGE, pages * PAGE);
                }
            }

            @Override
            public void stopTracking() {
                tracking = false;
            }
        };
    }

    @Override
    public boolean usesDirectIo() {
        return false;
    }

    @Override
    public void prepareDeviceState() {}

    @Override
    public void warmUp() {}

    @Override
    public void stop() {
        if (failStop != null) {
            throw failStop;
        }
        synchronized (memory) {
            running.set(false);
        }
        whenStopped.run();
    }

    @Override
    public byte[] saveDeviceState() {
        return new byte[] {1, 2, 3};
    }

    @Override
    public void cont() {
        synchronized (memory) {
            whenContinued.run();
            calls.add("cont");
            running.set(true);
        }
    }

    @Override
    public void depart(boolean keep) {
        calls.add("depart");
        ended = true;
    }

    @Override
    public boolean isAlive() {
        return !ended;
    }

    @Override
    public boolean hasMemory() {
        return !ended;
    }

    @Override
    public void close() {}

    /** The other half: arrives with empty memory, faults once it runs. */
    static class Arriving implements ArrivingGuest, GuestPages {
        final List<RamBlock> blocks;
        final byte[] memory;
        final byte[] small = new byte[16 * PAGE];
        final PageBitmap mapped;
        final PageBitmap poisoned;
        final ArrivalMemory arrival;
        final List<String> calls = new ArrayList<>();
        volatile boolean alive = true;
        volatile RuntimeException failLoad;
        volatile RuntimeException failCont;
        volatile boolean serving;
        volatile boolean running;
        volatile boolean settled;

        private final String name;

        Arriving(List<RamBlock> blocks) {
            this("db1", blocks);
        }

        Arriving(String name, List<RamBlock> blocks) {
            this.name = name;
            this.blocks = blocks;
            int pages = (int) blocks.get(0).pageCount();
            memory = new byte[pages * PAGE];
            mapped = PageBitmap.allocate(pages);
            poisoned = PageBitmap.allocate(pages);
            arrival = new ArrivalMemory(
                    List.of(blocks.get(0)),
                    new PageBitmap[] {PageBitmap.allocate(pages)},
                    new PageBitmap[] {PageBitmap.allocate(pages)},
                    this,
                    NanoClock.system());
        }

        /** A vCPU touches a page: waits until it is mapped, and returns its first word. */
        int touch(int page) throws InterruptedException {
            synchronized (this) {
                if (!mapped.get(page) && !settled) {
                    if (!serving) {
                        throw new IllegalStateException("fault before the pager serves");
                    }
                    arrival.fault(blocks.get(0), page);
                }
                while (!mapped.get(page) && !poisoned.get(page) && !settled && alive) {
                    wait();
                }
                if (!alive) {
                    throw new IllegalStateException("QEMU has ended");
                }
                if (poisoned.get(page)) {
                    throw new IllegalStateException("memory error at page " + page);
                }
                return ByteBuffer.wrap(memory, page * PAGE, PAGE).getInt();
            }
        }

        @Override
        public String name() {
            return name;
        }

        @Override
        public List<RamBlock> blocks() {
            return blocks;
        }

        @Override
        public ArrivalMemory memory() {
            return arrival;
        }

        @Override
        public void writeSmall(RamBlock block, long firstPage, int pages, ByteBuffer data, int index) {
            data.get(index, small, (int) firstPage * PAGE, pages * PAGE);
        }

        @Override
        public void zeroSmall(RamBlock block, long firstPage, long pages) {
            for (long i = firstPage * PAGE; i < (firstPage + pages) * PAGE; i++) {
                small[(int) i] = 0;
            }
        }

        @Override
        public FaultQueue faults() {
            return FaultQueue.NONE;
        }

        @Override
        public void serveFaults() {
            serving = true;
        }

        @Override
        public void loadDeviceState(byte[] stream) {
            if (failLoad != null) {
                throw failLoad;
            }
            calls.add("load " + stream.length);
            try {
                touch(0);
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
        }

        @Override
        public void cont() {
            if (failCont != null) {
                RuntimeException e = failCont;
                failCont = null;
                throw e;
            }
            calls.add("cont");
            running = true;
        }

        @Override
        public synchronized void settle() {
            calls.add("settle");
            settled = true;
            notifyAll();
        }

        @Override
        public void forget() {
            calls.add("forget");
        }

        @Override
        public void fence(String reason) {
            calls.add("fence");
            alive = false;
        }

        @Override
        public void freeze() {
            calls.add("freeze");
        }

        @Override
        public void thaw() {
            calls.add("thaw");
        }

        @Override
        public synchronized void end() {
            calls.add("end");
            alive = false;
            notifyAll();
        }

        @Override
        public void remove() {
            calls.add("remove");
        }

        @Override
        public boolean isAlive() {
            return alive;
        }

        @Override
        public void write(RamBlock block, long firstPage, int pages, ByteBuffer data, int index) {
            for (int i = 0; i < pages; i++) {
                if (mapped.get(firstPage + i)) {
                    calls.add("WROTE OVER A MAPPED PAGE " + (firstPage + i));
                }
            }
            data.get(index, memory, (int) firstPage * PAGE, pages * PAGE);
        }

        @Override
        public void writeZeros(RamBlock block, long firstPage, long pages) {
            for (long i = firstPage * PAGE; i < (firstPage + pages) * PAGE; i++) {
                memory[(int) i] = 0;
            }
        }

        @Override
        public synchronized void map(RamBlock block, long firstPage, int pages) {
            mapped.setRange(firstPage, pages);
            notifyAll();
        }

        @Override
        public void mapAhead(RamBlock block, long firstPage, int pages) {}

        @Override
        public synchronized void poison(RamBlock block, long firstPage, long pages) {
            poisoned.setRange(firstPage, pages);
            notifyAll();
        }

        @Override
        public synchronized void mapZero(RamBlock block, long page) {
            mapped.set(page);
            notifyAll();
        }
    }
}
