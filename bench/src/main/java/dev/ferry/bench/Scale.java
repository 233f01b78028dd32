package dev.ferry.bench;

import dev.ferry.base.NanoClock;
import dev.ferry.memory.PageBitmap;
import dev.ferry.memory.RamBlock;
import dev.ferry.migration.PageRuns;
import dev.ferry.postcopy.ArrivalMemory;
import dev.ferry.postcopy.GuestPages;
import dev.ferry.precopy.SentPages;
import dev.ferry.sys.SparseRam;
import dev.ferry.wire.RunMessage;
import java.io.PrintStream;
import java.lang.management.BufferPoolMXBean;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Random;

/**
 * What a guest's size costs, without a guest: the bookkeeping of both sides and the kernel's write tracking, for a small guest,
 * a huge one of which little is populated, and where it can be had a dense one. One thread; a Markdown table.
 */
final class Scale {
    private static final int PAGE = 4096;
    private static final long GIB = 1L << 30;
    private static final int REPEATS = 3;
    private static final int SCATTERED = 100_000;
    private static final int RUN_PAGES = 512;
    private static final int POPULATED_GIB = 2;
    private static final int RUNS_A_GIB = 512;

    private final List<String> rows = new ArrayList<>();
    private final PrintStream progress;
    private String size = "";
    private String populated = "";

    Scale(PrintStream progress) {
        this.progress = progress;
    }

    String markdown() {
        // Twice: the first pass is that of a JVM that has not compiled anything.
        bookkeeping(1, POPULATED_GIB);
        rows.clear();
        bookkeeping(1, 1);
        bookkeeping(1024, POPULATED_GIB);
        bookkeeping(1024, 1024);
        everyOtherPage();
        writeTracking("private", 1, 1);
        writeTracking("private", 1024, POPULATED_GIB);
        writeTracking("private, huge pages", 1024, POPULATED_GIB);
        writeTracking("shared file", 1024, POPULATED_GIB);
        writeTracking("private", 4, 4);
        writeTracking("private, huge pages", 4, 4);
        return "| guest | populated | operation | ms |\n|---|---|---|---|\n" + String.join("\n", rows) + "\n";
    }

    private void guest(int gib, String what) {
        size = gib < 1024 ? gib + " GiB" : gib / 1024 + " TiB";
        populated = what;
        progress.println(size + ", " + populated);
    }

    private void row(String operation, double ms) {
        rows.add(String.format(Locale.ROOT, "| %s | %s | %s | %.3f |", size, populated, operation, ms));
    }

    /** The median of a few times; {@code before} is not counted. */
    private void measure(String operation, Runnable before, Runnable work) {
        double[] ms = new double[REPEATS];
        for (int i = 0; i < REPEATS; i++) {
            before.run();
            ms[i] = msOf(work);
        }
        Arrays.sort(ms);
        row(operation, ms[REPEATS / 2]);
    }

    private void measure(String operation, Runnable work) {
        measure(operation, () -> {}, work);
    }

    private static double msOf(Runnable work) {
        long start = System.nanoTime();
        work.run();
        return (System.nanoTime() - start) / 1e6;
    }

    private void bookkeeping(int gib, int populatedGib) {
        guest(gib, populatedGib == gib ? "all" : populatedGib + " GiB");
        RamBlock block = new RamBlock(0, "pc.ram", gib * GIB, PAGE, true);
        long[] dirty = new Random(1)
                .longs(0, block.pageCount())
                .map(p -> onPopulated(block, populatedGib, p))
                .distinct()
                .limit(SCATTERED)
                .sorted()
                .toArray();
        bitmap(block, dirty);
        source(block, populatedGib, dirty);
        destination(block, populatedGib, dirty);
        System.gc(); // direct memory is given back only with the objects
    }

    /** What both sides hold for the guest, the maps of RunList and the like not counted. */
    private void memory(String what, long heapBefore, long directBefore) {
        System.gc();
        rows.add(String.format(
                Locale.ROOT,
                "| %s | %s | %s: heap %.1f MiB, outside the heap %.1f MiB | |",
                size,
                populated,
                what,
                (heapBytes() - heapBefore) / 1048576.0,
                (directBytes() - directBefore) / 1048576.0));
    }

    private static long heapBytes() {
        return ManagementFactory.getMemoryMXBean().getHeapMemoryUsage().getUsed();
    }

    private static long directBytes() {
        return ManagementFactory.getPlatformMXBeans(BufferPoolMXBean.class).stream()
                .mapToLong(BufferPoolMXBean::getMemoryUsed)
                .sum();
    }

    private void bitmap(RamBlock block, long[] set) {
        PageBitmap[] bitmap = new PageBitmap[1];
        row("bitmap: allocate", msOf(() -> bitmap[0] = PageBitmap.allocate(block.pageCount())));
        for (long page : set) {
            bitmap[0].set(page);
        }
        measure("bitmap: count all bits", () -> bitmap[0].cardinality());
        measure(
                "bitmap: visit 100,000 scattered pages",
                () -> bitmap[0].forEachSetRun(0, block.pageCount(), block.pageCount(), (p, n) -> {}));
    }

    private void source(RamBlock block, int populatedGib, long[] dirty) {
        System.gc();
        long heap = heapBytes();
        long direct = directBytes();
        SentPages sent = new SentPages(List.of(block));
        memory("source: bitmaps", heap, direct);
        row("source, once: holes announced, the rest sent", msOf(() -> {
            forEachHole(block, populatedGib, (first, pages) -> sent.markSent(block, first, pages));
            forEachPopulated(block, populatedGib, (first, pages) -> sent.markSent(block, first, pages));
        }));
        Runnable markAll = () -> {
            for (long page : dirty) {
                sent.markDirty(block, page, 1);
            }
        };
        Runnable sendAll = () -> {
            for (long page : dirty) {
                sent.markSent(block, page, 1);
            }
        };
        measure("source, dirty sync: 100,000 scattered pages marked", sendAll, markAll);
        sendAll.run();
        measure("source, blackout: nothing is stale", () -> stale(sent, block));
        measure("source, blackout: 100,000 stale runs gathered", markAll, () -> stale(sent, block));
        PageRuns runs = stale(sent, block);
        int[] bytes = new int[1];
        double ms = msOf(() -> bytes[0] = RunMessage.roundTrip(runs));
        row(String.format(Locale.ROOT, "100,000 runs as a message, written and read: %,d bytes", bytes[0]), ms);
        measure("source, every 100 ms: unsentBytes", sent::unsentBytes);
        measure("source, push: all unsent runs visited", () -> sent.forEachUnsent(block, (p, n) -> {}));
    }

    /** The worst set there is: 2^27 runs. */
    private void everyOtherPage() {
        guest(1024, "all");
        RamBlock block = new RamBlock(0, "pc.ram", 1024 * GIB, PAGE, true);
        PageRuns[] runs = new PageRuns[1];
        double ms = msOf(() -> {
            runs[0] = new PageRuns(0);
            for (long page = 0; page < block.pageCount(); page += 2) {
                runs[0].add(page, 1);
            }
        });
        row("every other page stale: " + runs[0].size() / 2 + " runs gathered", ms);
        PageRuns far = new PageRuns(0);
        for (long page = 0; page < block.pageCount(); page += 512) {
            far.add(page, 1);
        }
        int[] bytes = new int[1];
        double farMs = msOf(() -> bytes[0] = RunMessage.roundTrip(far));
        row(
                String.format(
                        Locale.ROOT,
                        "as many runs as a message may have (%,d), written and read: %,d bytes",
                        far.size() / 2,
                        bytes[0]),
                farMs);
    }

    private static PageRuns stale(SentPages sent, RamBlock block) {
        PageRuns runs = new PageRuns(0);
        sent.forEachStale(block, runs::add);
        return runs;
    }

    private void destination(RamBlock block, int populatedGib, long[] dirty) {
        System.gc();
        long heap = heapBytes();
        long direct = directBytes();
        PageBitmap valid = PageBitmap.allocate(block.pageCount());
        PageBitmap written = PageBitmap.allocate(block.pageCount());
        ArrivalMemory[] memory = new ArrivalMemory[1];
        row(
                "destination: prepare",
                msOf(() -> memory[0] = new ArrivalMemory(
                        List.of(block),
                        new PageBitmap[] {valid},
                        new PageBitmap[] {written},
                        new Nowhere(),
                        NanoClock.system())));
        ArrivalMemory m = memory[0];
        memory("destination: bitmaps, half of them in a file", heap, direct);
        ByteBuffer data = ByteBuffer.allocateDirect(PAGE);
        row("destination, pre-copy: holes and pages marked as arrived", msOf(() -> {
            forEachHole(block, populatedGib, (first, pages) -> m.arrivedZero(block, first, pages, false));
            forEachPopulated(block, populatedGib, (first, pages) -> {
                for (long page = first; page < first + pages; page += 64) {
                    m.arrived(block, page, 64, data, 0, false);
                }
            });
        }));
        row("destination, blackout: 100,000 stale runs applied", msOf(() -> {
            for (long page : dirty) {
                m.invalidate(block, page, 1);
            }
        }));
        measure("destination, blackout: missingPages", m::missingPages);
        row("destination, blackout: arm", msOf(m::arm));
        measure("destination, every progress: missingBytes", m::missingBytes);
        measure("destination, reconcile: all missing runs visited", () -> m.forEachMissing(block, (p, n) -> {}));
        measure("destination, reconnect: who waits is asked for again", () -> m.connect((b, p, n) -> {}));
        for (long page : dirty) {
            m.arrived(block, page, 1, data, 0, false);
        }
        measure("destination, finish: isComplete", () -> {
            if (!m.isComplete()) {
                throw new BenchException("pages are missing that have arrived");
            }
        });
    }

    private void writeTracking(String kind, int gib, int populatedGib) {
        guest(gib, (populatedGib == gib ? "all" : populatedGib + " GiB") + ", " + kind);
        int runs = populatedGib * RUNS_A_GIB;
        try (SparseRam ram = kind.startsWith("shared")
                ? SparseRam.sharedFile(gib * GIB)
                : SparseRam.privateMemory(gib * GIB, kind.contains("huge"))) {
            ram.populate(runs);
            long before = SparseRam.pageTableBytes();
            row("kernel: tracking on", msOf(ram::start));
            row(
                    String.format(
                            Locale.ROOT,
                            "kernel: first scan; its page tables grew by %,d MiB",
                            (SparseRam.pageTableBytes() - before) >> 20),
                    msOf(() -> ram.harvest((p, n) -> {})));
            measure("kernel: populated pages", () -> ram.forEachPopulated((p, n) -> {}));
            measure("kernel, blackout: scan, nothing written", () -> ram.harvest((p, n) -> {}));
            measure(
                    "kernel, blackout: scan, " + runs + " pages written",
                    () -> ram.dirty(runs),
                    () -> ram.harvest((p, n) -> {}));
            row("kernel: unregister", msOf(ram::unregister));
        }
    }

    /** The populated pages lie in runs of 2 MiB at equal distances. */
    private static void forEachPopulated(RamBlock block, int populatedGib, PageBitmap.RunConsumer consumer) {
        long distance = distance(block, populatedGib);
        for (long first = 0; first < block.pageCount(); first += distance) {
            consumer.accept(first, RUN_PAGES);
        }
    }

    private static void forEachHole(RamBlock block, int populatedGib, PageBitmap.RunConsumer consumer) {
        long distance = distance(block, populatedGib);
        if (distance > RUN_PAGES) {
            for (long first = 0; first < block.pageCount(); first += distance) {
                consumer.accept(first + RUN_PAGES, distance - RUN_PAGES);
            }
        }
    }

    private static long distance(RamBlock block, int populatedGib) {
        return Math.max(RUN_PAGES, block.pageCount() / populatedGib / RUNS_A_GIB);
    }

    private static long onPopulated(RamBlock block, int populatedGib, long page) {
        long distance = distance(block, populatedGib);
        return page / distance * distance + page % RUN_PAGES;
    }

    /** Only the bookkeeping is measured. */
    private static final class Nowhere implements GuestPages {
        @Override
        public void write(RamBlock block, long firstPage, int pages, ByteBuffer data, int index) {}

        @Override
        public void writeZeros(RamBlock block, long firstPage, long pages) {}

        @Override
        public void map(RamBlock block, long firstPage, int pages) {}

        @Override
        public void mapAhead(RamBlock block, long firstPage, int pages) {}

        @Override
        public void poison(RamBlock block, long firstPage, long pages) {}

        @Override
        public void mapZero(RamBlock block, long page) {}
    }
}
