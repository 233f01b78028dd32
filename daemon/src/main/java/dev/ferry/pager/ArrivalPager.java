package dev.ferry.pager;

import dev.ferry.base.NanoClock;
import dev.ferry.memory.RamBlock;
import dev.ferry.postcopy.ArrivalMemory;
import dev.ferry.qemu.QemuRamBlock;
import dev.ferry.sys.PidFd;
import dev.ferry.sys.RamFile;
import dev.ferry.sys.RemoteUserfaultfd;
import java.util.List;

/**
 * What serves the memory of an arriving QEMU: its userfaultfd, its RAM files and the reader of its faults. Owns them, but not
 * the bitmaps. Calls are its guest's, serialised by it.
 */
final class ArrivalPager {
    /** QEMU has no userfaultfd of its own any more. */
    static final int NOT_THERE = -1;

    private final PidFd process;
    private final RemoteUserfaultfd.Injected injected;
    private final KeptUserfaultfd kept;
    private final List<QemuRamBlock> ram;
    private final List<RamFile> files;
    private final ArrivalMemory memory;
    private final FaultReader reader;
    private final MapAhead mapAhead;
    private boolean unhooked;

    /**
     * @param injected registered; owned from here on. Its number may be {@link #NOT_THERE}
     * @param kept what the service manager holds of it from {@link #keep} on
     * @param ram with the source's numbers
     * @param files one a block; owned from here on
     */
    ArrivalPager(
            String guest,
            PidFd process,
            RemoteUserfaultfd.Injected injected,
            KeptUserfaultfd kept,
            List<QemuRamBlock> ram,
            List<RamFile> files,
            PageStateFile pageState,
            NanoClock clock) {
        this.process = process;
        this.injected = injected;
        this.kept = kept;
        this.ram = List.copyOf(ram);
        this.files = List.copyOf(files);
        List<RamBlock> blocks = ram.stream().map(QemuRamBlock::block).toList();
        this.memory = new ArrivalMemory(
                blocks, pageState.valid(), pageState.written(), new UffdPages(injected.local(), ram, files), clock);
        this.reader = new FaultReader(guest, injected.local(), ram, memory);
        this.mapAhead = new MapAhead(guest, memory);
    }

    ArrivalMemory memory() {
        return memory;
    }

    FaultReader reader() {
        return reader;
    }

    /** The guest runs. Harmless twice. */
    void resumed() {
        mapAhead.start();
    }

    /** So that there is one more descriptor of it, whatever becomes of QEMU's. */
    void keep() {
        kept.keep(injected.local());
    }

    int remoteFd() {
        return injected.remoteFd();
    }

    /** Whoever waits faults again: the messages that an earlier daemon had read are lost with it. */
    void wakeAll() {
        for (QemuRamBlock b : ram) {
            injected.local().wake(b.hostAddress(), b.block().lengthBytes());
        }
    }

    /** Every page is valid, or none was ever mapped: nothing of it stays in the process. Harmless twice. */
    void unhook() {
        if (unhooked) {
            return;
        }
        mapAhead.close();
        // The reader goes after that: should something stay registered, its faults are served until another try.
        UffdPages.unregister(injected.local(), ram);
        reader.close();
        // QEMU's own copy goes last: while a range is registered it is what keeps waiting threads from reading zeros.
        if (injected.remoteFd() != NOT_THERE) {
            RemoteUserfaultfd.closeRemote(process, injected.remoteFd());
        }
        unhooked = true;
        release();
    }

    /** The process has ended. Harmless twice. */
    void abandon() {
        mapAhead.close();
        reader.close();
        release();
    }

    private void release() {
        injected.local().close();
        kept.drop();
        files.forEach(RamFile::close);
    }
}
