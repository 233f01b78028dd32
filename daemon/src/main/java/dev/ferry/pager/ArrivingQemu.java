package dev.ferry.pager;

import dev.ferry.base.NanoClock;
import dev.ferry.memory.RamBlock;
import dev.ferry.migration.ArrivingGuest;
import dev.ferry.postcopy.ArrivalMemory;
import dev.ferry.postcopy.FaultQueue;
import dev.ferry.qemu.QemuGuest;
import dev.ferry.qemu.QemuRamBlock;
import dev.ferry.sys.MappedFile;
import dev.ferry.sys.NativeBuffer;
import dev.ferry.sys.ProcFs;
import dev.ferry.sys.ProcessMemory;
import dev.ferry.sys.RamFile;
import dev.ferry.sys.RemoteUserfaultfd;
import dev.ferry.sys.Userfaultfd;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A destination QEMU with its userfaultfd: everything that must be right before the first page comes. What was opened is closed
 * in reverse order, by {@link #settle} and {@link #forget}, or by {@link #fence}.
 */
final class ArrivingQemu implements ArrivingGuest {
    private static final Logger LOG = LoggerFactory.getLogger(ArrivingQemu.class);
    private static final Duration LOAD_LIMIT = Duration.ofSeconds(25);
    private static final Duration LIMIT = Duration.ofSeconds(10);

    /** Not QMP stop: QEMU's main loop waits for a vCPU that waits for a page. See docs/decisions. */
    static final int SIGSTOP = 19;

    static final int SIGCONT = 18;

    /** What happens to the guest when it has settled or was ended. One that failed is repeated. */
    interface Fate {
        void settled();

        void ended();
    }

    private final QemuGuest guest;
    private final List<RamBlock> blocks;
    private final List<QemuRamBlock> ram;
    private final Fate fate;
    private final PageStateFile pageState;
    private final ArrivalPager pager;
    private final List<String> identities;
    private boolean contTried;

    /** Everything was done that {@link #settle} or {@link #fence} does: set last, so that one that failed goes on when repeated. */
    private boolean over;

    /**
     * Injects, registers, punches. On an error everything made here is undone; the QEMU is the caller's to end.
     *
     * @param sourceBlocks the source's layout, which the guest was checked against
     * @param ramIdentities which files its RAM may be
     * @param directory on tmpfs, for the bitmaps
     */
    ArrivingQemu(
            QemuGuest guest,
            List<RamBlock> sourceBlocks,
            Predicate<String> ramIdentities,
            Path directory,
            Fate fate,
            DescriptorStore store,
            NanoClock clock) {
        this.guest = guest;
        this.blocks = List.copyOf(sourceBlocks);
        this.fate = fate;
        this.ram = guest.blocks().stream().filter(b -> b.block().guestRam()).toList();
        List<RamBlock> ramBlocks = blocks.stream().filter(RamBlock::guestRam).toList();
        List<RamFile> files = new ArrayList<>();
        RemoteUserfaultfd.Injected injected = null;
        PageStateFile state = null;
        ArrivalPager made = null;
        try {
            for (QemuRamBlock b : ram) {
                files.add(MappedFile.open(
                        guest.process().pid(), b.hostAddress(), b.backing().openPath(), ramIdentities));
            }
            state = PageStateFile.create(directory, ramBlocks);
            injected = guest.injectUserfaultfd();
            Userfaultfd uffd = injected.local();
            uffd.api(features(ramBlocks));
            for (QemuRamBlock b : ram) {
                uffd.register(
                        b.hostAddress(), b.block().lengthBytes(), Userfaultfd.MODE_MISSING | Userfaultfd.MODE_MINOR);
            }
            // QEMU may have touched pages while it started, and a page that is mapped never faults.
            for (int i = 0; i < ram.size(); i++) {
                files.get(i)
                        .punch(
                                ram.get(i).backing().offsetBytes(),
                                ram.get(i).block().lengthBytes());
            }
            int pid = guest.process().pid();
            KeptUserfaultfd kept = new KeptUserfaultfd(store, directory, pid, ProcFs.startTime(pid));
            made = new ArrivalPager(
                    guest.name(), guest.process(), injected, kept, sourceNumbered(), files, state, clock);
            guest.prepareIncoming();
        } catch (RuntimeException | Error e) {
            if (injected != null) {
                letGo(injected, e);
            }
            if (made != null) {
                attempt(e, made::abandon);
            }
            if (state != null) {
                attempt(e, state::remove);
            }
            files.forEach(RamFile::close);
            throw e;
        }
        this.pageState = state;
        this.pager = made;
        this.identities = files.stream().map(RamFile::identity).toList();
    }

    /**
     * A QEMU that was attached lives on: nothing of ours may stay in it. It has not run and no device state was loaded, so
     * nobody waits for a page, and closing the userfaultfd is right even if it could not be unregistered.
     */
    private void letGo(RemoteUserfaultfd.Injected injected, Throwable why) {
        attempt(why, () -> UffdPages.unregister(injected.local(), ram));
        attempt(why, () -> RemoteUserfaultfd.closeRemote(guest.process(), injected.remoteFd()));
        injected.local().close();
    }

    private static void attempt(Throwable why, Runnable step) {
        try {
            step.run();
        } catch (RuntimeException e) {
            why.addSuppressed(e);
        }
    }

    /** For a later daemon, before anything arrives. */
    void writeDown(Path directory, boolean attached, String definition, List<Path> ramFiles) {
        int pid = guest.process().pid();
        try {
            // It may have ended since.
            new ArrivalRecord(
                            guest.name(),
                            pid,
                            ProcFs.startTime(pid),
                            guest.qmpSocket(),
                            attached,
                            definition,
                            ramFiles.stream().map(Path::toString).toList(),
                            pager.remoteFd(),
                            blocks,
                            ram.stream().map(QemuRamBlock::hostAddress).toList(),
                            identities)
                    .write(directory);
            pager.keep();
        } catch (RuntimeException e) {
            attempt(e, pager::unhook);
            attempt(e, pager::abandon);
            attempt(e, pageState::remove);
            throw e;
        }
    }

    /** Our blocks under the source's numbers and sizes, which the preflight found to be the same. */
    private List<QemuRamBlock> sourceNumbered() {
        List<QemuRamBlock> numbered = new ArrayList<>();
        for (int i = 0; i < ram.size(); i++) {
            numbered.add(new QemuRamBlock(
                    blocks.get(i), ram.get(i).hostAddress(), ram.get(i).backing()));
        }
        return numbered;
    }

    private static long features(List<RamBlock> blocks) {
        long features = 0;
        for (RamBlock block : blocks) {
            features |= block.pageSizeBytes() > 4096
                    ? Userfaultfd.FEATURE_MISSING_HUGETLBFS | Userfaultfd.FEATURE_MINOR_HUGETLBFS
                    : Userfaultfd.FEATURE_MISSING_SHMEM | Userfaultfd.FEATURE_MINOR_SHMEM;
        }
        return features;
    }

    @Override
    public String name() {
        return guest.name();
    }

    @Override
    public List<RamBlock> blocks() {
        return blocks;
    }

    @Override
    public ArrivalMemory memory() {
        return pager.memory();
    }

    @Override
    public void writeSmall(RamBlock block, long firstPage, int pages, ByteBuffer data, int index) {
        ProcessMemory.write(
                guest.process().pid(),
                smallAddress(block, firstPage),
                NativeBuffer.address(data) + index,
                (long) pages * block.pageSizeBytes());
    }

    /** Only what is not zero yet is written, so that an empty video memory stays unpopulated. */
    @Override
    public void zeroSmall(RamBlock block, long firstPage, long pages) {
        ByteBuffer page = NativeBuffer.allocate(block.pageSizeBytes());
        ByteBuffer zero = NativeBuffer.allocate(block.pageSizeBytes());
        for (long p = firstPage; p < firstPage + pages; p++) {
            ProcessMemory.read(
                    guest.process().pid(), smallAddress(block, p), NativeBuffer.address(page), block.pageSizeBytes());
            if (page.mismatch(zero) >= 0) {
                writeSmall(block, p, 1, zero, 0);
            }
        }
    }

    private long smallAddress(RamBlock block, long page) {
        return guest.blocks().get(block.index()).hostAddress() + block.offsetOf(page);
    }

    @Override
    public FaultQueue faults() {
        return pager.reader();
    }

    @Override
    public void serveFaults() {
        pager.reader().start();
    }

    @Override
    public void loadDeviceState(byte[] stream) {
        guest.loadDeviceState(stream, LOAD_LIMIT);
    }

    @Override
    public void cont() {
        // One that failed may have had its effect all the same.
        if (!contTried || !guest.status().equals("running")) {
            contTried = true;
            guest.cont(LIMIT);
        }
        pager.resumed();
    }

    @Override
    public synchronized void settle() {
        if (over) {
            return;
        }
        pager.unhook();
        fate.settled();
        over = true;
    }

    @Override
    public synchronized void forget() {
        pageState.remove();
    }

    @Override
    public synchronized void fence(String reason) {
        if (over) {
            return;
        }
        LOG.info("ending the destination QEMU of {}: {}", guest.name(), reason);
        guest.kill(LIMIT);
        pager.abandon();
        pageState.remove();
        fate.ended();
        over = true;
    }

    @Override
    public void freeze() {
        guest.process().signal(SIGSTOP);
    }

    @Override
    public void thaw() {
        guest.process().signal(SIGCONT);
    }

    @Override
    public void end() {
        guest.kill(LIMIT);
    }

    @Override
    public synchronized void remove() {
        if (over) {
            return;
        }
        pager.abandon();
        fate.ended();
        pageState.remove();
        over = true;
    }

    @Override
    public boolean isAlive() {
        return guest.process().isAlive();
    }
}
