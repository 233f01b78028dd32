package dev.ferry.migration;

import dev.ferry.memory.PageBitmap;
import dev.ferry.memory.RamBlock;
import dev.ferry.postcopy.ArrivalMemory;
import dev.ferry.postcopy.FaultQueue;
import dev.ferry.postcopy.GuestPages;
import java.nio.ByteBuffer;
import java.util.List;

/**
 * A destination for fuzz tests: the real state machine and page memory, one thread, a clock that stands still, and a guest in
 * arrays that tells everything that must never happen. One arrival, prepared.
 */
public final class FuzzedArrival {
    public static final long ID = 77;
    public static final long EPOCH = 1;
    public static final int PAGE = 4096;
    public static final int RAM_PAGES = 64;
    public static final int SMALL_PAGES = 16;

    private static final RamBlock RAM = new RamBlock(0, "pc.ram", RAM_PAGES * (long) PAGE, PAGE, true);
    private static final RamBlock SMALL = new RamBlock(1, "vga", SMALL_PAGES * (long) PAGE, PAGE, false);

    private final Guest guest = new Guest();
    private final Destinations destinations;
    private long nowNs;

    public FuzzedArrival() {
        destinations = new Destinations(new Host(), new MemoryJournal(), () -> nowNs, () -> 0);
        destinations.prepare(new IncomingSpec(
                ID, EPOCH, "db1", "{}", "7.2.22", "pc-q35-7.2", guest.blocks(), "there", LostPagePolicy.defaults()));
    }

    public Arrivals arrivals() {
        return destinations;
    }

    /** A vCPU touches a page, once faults are served. */
    public void touch(long page) {
        if (guest.serving) {
            guest.memory.fault(RAM, page);
        }
    }

    /** Time passes, and the daemon looks after its arrivals as it does now and then. */
    public void sweep(long ns) {
        nowNs += ns;
        destinations.sweep();
    }

    public boolean hasRun() {
        return guest.ran;
    }

    public boolean isFenced() {
        return guest.fenced;
    }

    public long refusedMessages() {
        return destinations.records().get(0).snapshot().refusedMessages();
    }

    /** @param refused something of this migration was refused before it was committed */
    public void check(boolean refused) {
        require(!(guest.ran && guest.fenced), "the guest ran and was ended");
        require(!(refused && guest.ran), "the guest runs after a message that was refused");
        require(guest.state.length() == 0 || guest.serving, "device state before faults were served");
        for (long page = guest.mapped.nextSet(0); page >= 0; page = guest.mapped.nextSet(page + 1)) {
            require(guest.valid.get(page), "page " + page + " is mapped and not valid");
        }
        require(
                guest.memory.missingPages() == RAM_PAGES - guest.valid.cardinality()
                        && guest.memory.missingPages() >= 0,
                "counts");
    }

    private static void require(boolean holds, String what) {
        if (!holds) {
            throw new AssertionError(what);
        }
    }

    private final class Guest implements ArrivingGuest, GuestPages {
        final byte[] ram = new byte[RAM_PAGES * PAGE];
        final byte[] small = new byte[SMALL_PAGES * PAGE];
        final PageBitmap mapped = PageBitmap.allocate(RAM_PAGES);
        final PageBitmap valid = PageBitmap.allocate(RAM_PAGES);
        final ArrivalMemory memory = new ArrivalMemory(
                List.of(RAM),
                new PageBitmap[] {valid},
                new PageBitmap[] {PageBitmap.allocate(RAM_PAGES)},
                this,
                () -> nowNs);
        final StringBuilder state = new StringBuilder();
        boolean serving;
        boolean ran;
        boolean fenced;

        @Override
        public String name() {
            return "db1";
        }

        @Override
        public List<RamBlock> blocks() {
            return List.of(RAM, SMALL);
        }

        @Override
        public ArrivalMemory memory() {
            return memory;
        }

        @Override
        public void write(RamBlock block, long firstPage, int pages, ByteBuffer data, int index) {
            requireUnmapped(firstPage, pages);
            data.get(index, ram, (int) firstPage * PAGE, pages * PAGE);
        }

        @Override
        public void writeZeros(RamBlock block, long firstPage, long pages) {
            requireUnmapped(firstPage, pages);
            java.util.Arrays.fill(ram, (int) firstPage * PAGE, (int) (firstPage + pages) * PAGE, (byte) 0);
        }

        private void requireUnmapped(long firstPage, long pages) {
            require(mapped.nextSet(firstPage, firstPage + pages) < 0, "a page that the guest has is written again");
        }

        @Override
        public void map(RamBlock block, long firstPage, int pages) {
            mapped.setRange(firstPage, pages);
        }

        @Override
        public void mapAhead(RamBlock block, long firstPage, int pages) {
            mapped.setRange(firstPage, pages);
        }

        @Override
        public void mapZero(RamBlock block, long page) {
            mapped.set(page);
        }

        @Override
        public void writeSmall(RamBlock block, long firstPage, int pages, ByteBuffer data, int index) {
            require(!block.guestRam(), "small pages of guest RAM");
            require(!ran, "small pages after the switch");
            data.get(index, small, (int) firstPage * PAGE, pages * PAGE);
        }

        @Override
        public void zeroSmall(RamBlock block, long firstPage, long pages) {
            require(!block.guestRam(), "small pages of guest RAM");
            require(!ran, "small pages after the switch");
            java.util.Arrays.fill(small, (int) firstPage * PAGE, (int) (firstPage + pages) * PAGE, (byte) 0);
        }

        @Override
        public FaultQueue faults() {
            return FaultQueue.NONE;
        }

        @Override
        public void serveFaults() {
            require(!serving, "faults are served twice");
            serving = true;
        }

        @Override
        public void loadDeviceState(byte[] stream) {
            require(state.length() == 0, "device state is loaded twice");
            state.append(stream.length).append(' ');
        }

        @Override
        public void cont() {
            require(state.length() > 0, "runs without its device state");
            ran = true;
        }

        @Override
        public void settle() {
            require(ran && memory.isComplete(), "settled while pages are missing");
        }

        @Override
        public void forget() {}

        @Override
        public void poison(RamBlock block, long firstPage, long pages) {
            requireUnmapped(firstPage, pages);
        }

        @Override
        public void freeze() {}

        @Override
        public void thaw() {}

        @Override
        public void end() {
            fenced = true;
        }

        @Override
        public void remove() {}

        @Override
        public void fence(String reason) {
            fenced = true;
        }

        @Override
        public boolean isAlive() {
            return !fenced;
        }
    }

    private final class Host implements GuestHost {
        @Override
        public SourceGuest openSource(String name) {
            throw new AssertionError("nobody leaves");
        }

        @Override
        public List<Reason> checkIncoming(IncomingSpec spec) {
            return List.of();
        }

        @Override
        public ArrivingGuest prepareIncoming(IncomingSpec spec) {
            return guest;
        }

        @Override
        public ArrivingGuest recoverArrival(String name, String migrationId) {
            throw new AssertionError("no daemon was restarted");
        }

        @Override
        public void forgetArrival(String migrationId) {}

        @Override
        public SourceGuest recoverSource(String name) {
            throw new AssertionError("no daemon was restarted");
        }

        @Override
        public void undoDeparture(String name) {}

        @Override
        public void undoArrival(String name, String migrationId) {}

        @Override
        public void removeLost(String name, String migrationId) {}

        @Override
        public void endLost(String name, String migrationId) {}
    }
}
