package dev.ferry.sys;

import java.util.BitSet;

/**
 * The write tracking of one range of another process's memory, at the cost of what is populated and not of its size. One thread.
 *
 * <p>Write-protecting a hole makes the kernel fill page tables with markers, 2 GiB of them and seconds for 1 TiB, and every
 * later scan goes through them all. So the range is divided into regions of 2 MiB, what one page table spans:
 *
 * <ul>
 *   <li><em>tracked</em>: had something when we looked. All of it is protected, holes by markers, and harvested exactly
 *   <li>the rest had nothing: neither protected nor scanned. {@link #harvest} looks whether it has something now, and such a
 *       region becomes tracked: protected first, then reported as written, all of it
 * </ul>
 *
 * Nothing is missed: a page of a region that is not tracked was not there when we looked last, so whoever wrote it since has
 * populated it, and it is found now; unless it was discarded again, and then it reads as zero, as we have said of it. A shared
 * page may be swapped out and gone from the page table: there the file is asked what it has, and not the page table.
 */
public final class WriteTracking {
    private static final int REGION_SHIFT = 21;

    private final Userfaultfd uffd;
    private final Pagemap pagemap;
    private final long startAddress;
    private final long endAddress;
    private final RamFile file;
    private final long fileOffset;

    /** By number, counted from the region that {@code startAddress} lies in. Regions never become untracked. */
    private final BitSet tracked = new BitSet();

    private WriteTracking(
            Userfaultfd uffd, Pagemap pagemap, long startAddress, long lengthBytes, RamFile file, long fileOffset) {
        this.uffd = uffd;
        this.pagemap = pagemap;
        this.startAddress = startAddress;
        this.endAddress = startAddress + lengthBytes;
        this.file = file;
        this.fileOffset = fileOffset;
    }

    /** Private memory. The descriptors stay the caller's. */
    public static WriteTracking ofPrivate(Userfaultfd uffd, Pagemap pagemap, long startAddress, long lengthBytes) {
        return new WriteTracking(uffd, pagemap, startAddress, lengthBytes, null, 0);
    }

    /** A shared mapping of this file, from this offset of it on. */
    public static WriteTracking ofFile(
            Userfaultfd uffd, Pagemap pagemap, long startAddress, long lengthBytes, RamFile file, long fileOffset) {
        return new WriteTracking(uffd, pagemap, startAddress, lengthBytes, file, fileOffset);
    }

    /** Registers the range and protects what it has; from here every write is seen by {@link #harvest}. Pages of 4 KiB only. */
    public void start() {
        register();
        track((start, end) -> {});
    }

    /** The same for hugetlbfs, whose page tables are small, and which cannot tell its holes: all of it is tracked. */
    public void startWhole() {
        register();
        uffd.writeProtect(startAddress, endAddress - startAddress, true);
        tracked.set(0, region(endAddress - 1) + 1);
    }

    private void register() {
        uffd.register(startAddress, endAddress - startAddress, Userfaultfd.MODE_WP);
    }

    /**
     * What was written since the last time, as runs of addresses, protected again in the same step; not in order. Too much at
     * times, see {@link Pagemap#harvestWritten}, never too little.
     */
    public void harvest(Pagemap.RegionConsumer consumer) {
        for (int from = tracked.nextSetBit(0); from >= 0; ) {
            int to = tracked.nextClearBit(from);
            pagemap.harvestWritten(address(from), address(to), consumer);
            from = tracked.nextSetBit(to);
        }
        track(consumer);
    }

    /** How much is protected and scanned. */
    public long trackedBytes() {
        return (long) tracked.cardinality() << REGION_SHIFT;
    }

    /** Regions that have something for the first time. */
    private void track(Pagemap.RegionConsumer consumer) {
        int regions = region(endAddress - 1) + 1;
        BitSet found = new BitSet();
        for (int from = tracked.nextClearBit(0); from < regions; ) {
            int next = tracked.nextSetBit(from);
            int to = next < 0 ? regions : next;
            find(from, to, found);
            from = tracked.nextClearBit(to);
        }
        for (int from = found.nextSetBit(0); from >= 0; ) {
            int to = found.nextClearBit(from);
            long start = address(from);
            long end = address(to);
            uffd.writeProtect(start, end - start, true);
            tracked.set(from, to);
            consumer.accept(start, end);
            from = found.nextSetBit(to);
        }
    }

    private void find(int fromRegion, int toRegion, BitSet found) {
        long end = address(toRegion);
        if (file == null) {
            pagemap.occupied(address(fromRegion), end, (from, to) -> found.set(region(from), region(to - 1) + 1));
            return;
        }
        for (long at = address(fromRegion); at < end; ) {
            long data = file.nextData(fileOffset + at - startAddress);
            if (data < 0 || startAddress + data - fileOffset >= end) {
                return;
            }
            int region = region(startAddress + data - fileOffset);
            found.set(region);
            at = address(region + 1);
        }
    }

    private int region(long address) {
        return Math.toIntExact((address >>> REGION_SHIFT) - (startAddress >>> REGION_SHIFT));
    }

    /** Where a region begins, within the range. */
    private long address(int region) {
        long begin = ((startAddress >>> REGION_SHIFT) + region) << REGION_SHIFT;
        return Math.min(Math.max(begin, startAddress), endAddress);
    }
}
