package dev.ferry.daemon;

import dev.ferry.memory.PageBitmap;
import dev.ferry.memory.RamBlock;
import dev.ferry.postcopy.ArrivalMemory;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.BitSet;
import java.util.Deque;
import java.util.List;

/**
 * A QEMU process of the simulated guest, with what outlives a daemon: memory, userfaultfd, the page state's file. A page's content is
 * one number, its version; 0 is a page of zeros. It stands at the page's begin and end, so that a page that was torn shows.
 */
final class SimQemu {
    static final String GUEST = "g";

    /** The pages are large so that a batch holds few of them. */
    static final List<RamBlock> BLOCKS = List.of(
            new RamBlock(0, "pc.ram", 22L << 14, 1 << 14, true),
            new RamBlock(1, "pc.ram2", 9L << 16, 1 << 16, true),
            new RamBlock(2, "vga", 3L << 12, 1 << 12, false));

    static final int RAM_BLOCKS = 2;

    /** What a thread is about to do; it sleeps where the page is missing, until it is woken. */
    static final class Access {
        final RamBlock block;
        final int page;
        final boolean write;
        boolean asleep;

        Access(RamBlock block, int page, boolean write) {
            this.block = block;
            this.page = page;
            this.write = write;
        }
    }

    final SimHost host;
    final String migration;
    final int[][] content = new int[BLOCKS.size()][];
    final BitSet[] populated = new BitSet[BLOCKS.size()];
    final BitSet[] dirty = new BitSet[BLOCKS.size()];
    boolean alive = true;
    boolean running;
    boolean tracked;

    /** Of an arrival. */
    boolean uffd;

    boolean loaded;

    /** All of its threads stand where they are. */
    boolean frozen;

    final BitSet[] poisoned = new BitSet[BLOCKS.size()];
    final BitSet[] mapped = new BitSet[BLOCKS.size()];
    final PageBitmap[] valid = new PageBitmap[RAM_BLOCKS];
    final PageBitmap[] written = new PageBitmap[RAM_BLOCKS];
    final Access[] vcpus = new Access[2];

    /** The device state that is being loaded, also a thread that may wait. */
    Access loader;

    /** Faults that nobody has read yet. */
    final Deque<Access> events = new ArrayDeque<>();

    /** Who serves its faults. */
    SimDaemon server;

    ArrivalMemory serving;

    /** @param migration that brings it here; empty: it was born here */
    SimQemu(SimHost host, String migration) {
        this.host = host;
        this.migration = migration;
        for (RamBlock b : BLOCKS) {
            content[b.index()] = new int[(int) b.pageCount()];
            populated[b.index()] = new BitSet();
            dirty[b.index()] = new BitSet();
            mapped[b.index()] = new BitSet();
            poisoned[b.index()] = new BitSet();
        }
        if (!migration.isEmpty()) {
            uffd = true;
            for (int i = 0; i < RAM_BLOCKS; i++) {
                valid[i] = PageBitmap.allocate(BLOCKS.get(i).pageCount());
                written[i] = PageBitmap.allocate(BLOCKS.get(i).pageCount());
            }
        }
    }

    boolean traps(RamBlock block, int page) {
        return uffd && block.guestRam() && !mapped[block.index()].get(page) && !poisoned[block.index()].get(page);
    }

    void write(RamBlock block, int page, int version) {
        content[block.index()][page] = version;
        populated[block.index()].set(page);
        dirty[block.index()].set(page);
    }

    /** UFFDIO_CONTINUE and UFFDIO_ZEROPAGE wake those who wait in the range. */
    void map(RamBlock block, int first, int pages) {
        mapped[block.index()].set(first, first + pages);
        wake(block, first, pages);
    }

    void wake(RamBlock block, int first, int pages) {
        for (Access a : waiting()) {
            if (a != null && a.block.index() == block.index() && a.page >= first && a.page < first + pages) {
                a.asleep = false;
            }
        }
    }

    Access[] waiting() {
        return new Access[] {vcpus[0], vcpus[1], loader};
    }

    void end() {
        alive = false;
        running = false;
        events.clear();
    }

    static void put(RamBlock block, ByteBuffer into, int index, int version) {
        int size = block.pageSizeBytes();
        if (version == 0) {
            for (int i = 0; i < size; i += 8) {
                into.putLong(index + i, 0);
            }
        }
        into.putInt(index, version);
        into.putInt(index + size - 4, version);
    }

    /** −1: torn. */
    static int get(RamBlock block, ByteBuffer from, int index) {
        int version = from.getInt(index);
        return from.getInt(index + block.pageSizeBytes() - 4) == version ? version : -1;
    }
}
