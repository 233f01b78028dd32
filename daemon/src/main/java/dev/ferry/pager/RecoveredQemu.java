package dev.ferry.pager;

import dev.ferry.base.ErrorCategory;
import dev.ferry.base.FerryException;
import dev.ferry.base.NanoClock;
import dev.ferry.memory.PageBitmap;
import dev.ferry.memory.RamBlock;
import dev.ferry.migration.ArrivingGuest;
import dev.ferry.postcopy.ArrivalMemory;
import dev.ferry.postcopy.FaultQueue;
import dev.ferry.qemu.QemuGuest;
import dev.ferry.qemu.QemuRamBlock;
import dev.ferry.qemu.QemuRamBlock.Backing;
import dev.ferry.qemu.QemuRamBlock.Kind;
import dev.ferry.sys.MappedFile;
import dev.ferry.sys.PidFd;
import dev.ferry.sys.ProcFs;
import dev.ferry.sys.ProcMaps;
import dev.ferry.sys.RamFile;
import dev.ferry.sys.RemoteUserfaultfd;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * A committed guest whose daemon died, taken up by the next one: the userfaultfd out of the process, the bitmaps, the RAM
 * files. QEMU is not asked anything before its faults are served.
 */
final class RecoveredQemu implements ArrivingGuest {
    private static final Duration LIMIT = Duration.ofSeconds(10);
    private static final int SIGKILL = 9;

    /** The guest's place on this host, which needs QEMU to answer. */
    interface Home {
        QemuGuest qemu();

        /** It is an ordinary guest from now on. Harmless twice. */
        void settled();

        /** It has ended: nothing of it stays here. Harmless twice. */
        void lost();
    }

    private final ArrivalRecord record;
    private final PidFd process;
    private final Home home;
    private final PageStateFile pageState;
    private final ArrivalMemory memory;

    /** Null: an earlier daemon had taken the userfaultfd out again, every page is valid. */
    private final ArrivalPager pager;

    RecoveredQemu(ArrivalRecord record, Path directory, Home home, DescriptorStore store, NanoClock clock) {
        this.record = record;
        this.home = home;
        KeptUserfaultfd kept = new KeptUserfaultfd(store, directory, record.pid(), record.startTime());
        this.process = living(record);
        try {
            this.pageState = PageStateFile.open(directory, record.ram());
            Optional<RemoteUserfaultfd.Injected> found = userfaultfd(kept);
            if (found.isPresent()) {
                this.pager = pager(found.get(), kept, clock);
                this.memory = pager.memory();
            } else {
                this.pager = null;
                this.memory = unpaged(clock);
                requireComplete();
                kept.drop();
            }
        } catch (RuntimeException e) {
            process.close();
            throw e;
        }
    }

    private static PidFd living(ArrivalRecord record) {
        String ended = "its QEMU (pid " + record.pid() + ") has ended";
        PidFd process;
        try {
            process = PidFd.open(record.pid());
        } catch (FerryException e) {
            throw e.category() == ErrorCategory.NOT_FOUND
                    ? new FerryException(ErrorCategory.FAILED_PRECONDITION, ended, e)
                    : e;
        }
        if (!process.isAlive() || ProcFs.startTime(record.pid()) != record.startTime()) {
            process.close();
            throw new FerryException(ErrorCategory.FAILED_PRECONDITION, ended);
        }
        return process;
    }

    /** QEMU's own; what was kept counts only where that one is gone and pages are missing. */
    private Optional<RemoteUserfaultfd.Injected> userfaultfd(KeptUserfaultfd kept) {
        if (hasUserfaultfd()) {
            return Optional.of(new RemoteUserfaultfd.Injected(
                    record.remoteFd(), RemoteUserfaultfd.take(process, record.remoteFd())));
        }
        return unpaged(NanoClock.system()).isComplete()
                ? Optional.empty()
                : kept.take().map(local -> new RemoteUserfaultfd.Injected(ArrivalPager.NOT_THERE, local));
    }

    private ArrivalMemory unpaged(NanoClock clock) {
        return new ArrivalMemory(record.ram(), pageState.valid(), pageState.written(), new NoPages(), clock);
    }

    private boolean hasUserfaultfd() {
        String link = ProcFs.descriptors(record.pid()).get(record.remoteFd());
        return RemoteUserfaultfd.isOne(Optional.ofNullable(link).orElse(""));
    }

    private void requireComplete() {
        if (!memory.isComplete()) {
            throw new FerryException(
                    ErrorCategory.FAILED_PRECONDITION,
                    "descriptor " + record.remoteFd() + " of its QEMU (pid " + record.pid()
                            + ") is not the userfaultfd any more and " + memory.missingPages()
                            + " pages are missing: it may have read zeros there");
        }
    }

    private ArrivalPager pager(RemoteUserfaultfd.Injected taken, KeptUserfaultfd kept, NanoClock clock) {
        List<RamFile> files = new ArrayList<>();
        try {
            List<QemuRamBlock> ram = blocksInProcess();
            for (QemuRamBlock b : ram) {
                RamFile file = MappedFile.open(
                        record.pid(),
                        b.hostAddress(),
                        b.backing().openPath(),
                        identity -> record.isFileOf(b.block(), identity));
                files.add(file);
                markWritten(b, file);
            }
            ArrivalPager made = new ArrivalPager(record.guest(), process, taken, kept, ram, files, pageState, clock);
            made.keep();
            return made;
        } catch (RuntimeException e) {
            taken.local().close();
            files.forEach(RamFile::close);
            throw e;
        }
    }

    private List<QemuRamBlock> blocksInProcess() {
        List<ProcMaps.Mapping> maps = ProcMaps.read(record.pid());
        List<QemuRamBlock> ram = new ArrayList<>();
        for (RamBlock block : record.ram()) {
            long address = record.hostAddresses().get(block.index());
            ProcMaps.Mapping under = maps.stream()
                    .filter(m -> m.start() <= address && address < m.end() && m.isShared())
                    .findFirst()
                    .orElseThrow(() -> new FerryException(
                            ErrorCategory.FAILED_PRECONDITION,
                            "RAM block " + block.name() + " is not mapped at " + Long.toHexString(address)
                                    + " in its QEMU (pid " + record.pid() + ") any more"));
            String path = "/proc/" + record.pid() + "/map_files/" + Long.toHexString(under.start()) + "-"
                    + Long.toHexString(under.end());
            Backing backing = new Backing(Kind.FILE, path, under.offset() + (address - under.start()), false);
            ram.add(new QemuRamBlock(block, address, backing));
        }
        return ram;
    }

    /**
     * A page that the earlier daemon was writing when it died is in the file, though no bitmap says so. It is not valid, so it
     * was never mapped and comes again; should it come as zeros, they must be written over it. A page that was mapped as a zero
     * page is in the file too by now, with what the guest wrote there: it is mapped as it is.
     */
    private void markWritten(QemuRamBlock at, RamFile file) {
        RamBlock block = at.block();
        PageBitmap written = pageState.written()[block.index()];
        long from = at.backing().offsetBytes();
        file.populated((start, end) -> {
            long first = Math.max(start, from) - from;
            long last = Math.min(end, from + block.lengthBytes()) - from;
            if (first < last) {
                long page = block.pageAt(first);
                written.setRange(page, block.pageAt(last - 1) + 1 - page);
            }
        });
    }

    @Override
    public String name() {
        return record.guest();
    }

    @Override
    public List<RamBlock> blocks() {
        return record.blocks();
    }

    @Override
    public ArrivalMemory memory() {
        return memory;
    }

    @Override
    public void writeSmall(RamBlock block, long firstPage, int pages, ByteBuffer data, int index) {
        throw late("RAM block " + block.name());
    }

    @Override
    public void zeroSmall(RamBlock block, long firstPage, long pages) {
        throw late("RAM block " + block.name());
    }

    @Override
    public FaultQueue faults() {
        return pager == null ? FaultQueue.NONE : pager.reader();
    }

    @Override
    public void serveFaults() {
        if (pager != null) {
            pager.reader().start();
            pager.wakeAll();
        }
    }

    @Override
    public void loadDeviceState(byte[] stream) {
        throw late("device state");
    }

    /** Whether the earlier daemon had come so far is not known. */
    @Override
    public void cont() {
        QemuGuest qemu = home.qemu();
        if (!qemu.status().equals("running")) {
            qemu.cont(LIMIT);
        }
    }

    @Override
    public void settle() {
        home.qemu(); // while another try is still possible
        if (pager != null) {
            pager.unhook();
        }
        home.settled();
    }

    @Override
    public void forget() {
        pageState.remove();
        process.close();
    }

    @Override
    public void fence(String reason) {
        throw late("an end");
    }

    @Override
    public void freeze() {
        process.signal(ArrivingQemu.SIGSTOP);
    }

    @Override
    public void thaw() {
        process.signal(ArrivingQemu.SIGCONT);
    }

    @Override
    public void end() {
        if (process.isAlive()) {
            process.signal(SIGKILL);
        }
        if (!process.awaitExit(LIMIT.toMillis())) {
            throw new FerryException(
                    ErrorCategory.DEADLINE_EXCEEDED,
                    "QEMU " + record.pid() + " of guest " + name() + " did not end within " + LIMIT.toSeconds()
                            + " s of SIGKILL");
        }
    }

    @Override
    public void remove() {
        if (pager != null) {
            pager.abandon();
        }
        home.lost();
        pageState.remove();
    }

    @Override
    public boolean isAlive() {
        return process.isAlive();
    }

    private FerryException late(String what) {
        return new FerryException(
                ErrorCategory.FAILED_PRECONDITION, what + " for guest " + name() + ", which runs already");
    }
}
