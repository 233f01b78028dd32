package dev.ferry.sys;

import static org.assertj.core.api.Assertions.assertThat;

import dev.ferry.sys.TestQemu.Accelerator;
import java.nio.ByteBuffer;
import java.util.BitSet;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** The mechanism of a migration, without a migration, on a real and running QEMU. */
@Tag("qemu")
@Tag("kernel")
final class QemuInjectionTest {
    private static final int ROUNDS = 200;
    private static final int PAGE = PageSize.BASE;
    private static final int PAGES = TestQemu.RAM_BYTES / PAGE;

    @ParameterizedTest
    @EnumSource
    void shouldLeaveGuestUnharmed(Accelerator accelerator) throws Exception {
        try (TestQemu qemu = TestQemu.start(accelerator, true)) {
            int threads = ProcFiles.path(qemu.pid, "task").toFile().list().length;
            for (int i = 0; i < ROUNDS; i++) {
                inject(qemu, qemu.pid);
            }
            assertRuns(qemu);
            assertThat(ProcFiles.path(qemu.pid, "task").toFile().list()).hasSize(threads);
        }
    }

    /** Not the thread that we would choose, but one that stands in ioctl(KVM_RUN), or runs guest code under TCG. */
    @ParameterizedTest
    @EnumSource
    void shouldLeaveVirtualCpuUnharmed(Accelerator accelerator) throws Exception {
        try (TestQemu qemu = TestQemu.start(accelerator, true)) {
            int tid = Integer.parseInt(TestQemu.group(qemu.execute("\"query-cpus-fast\""), "\"thread-id\": *([0-9]+)"));
            for (int i = 0; i < ROUNDS; i++) {
                inject(qemu, tid);
            }
            assertRuns(qemu);
        }
    }

    /** Pre-copy in small: what the scans said was written is all that was written, and nothing is left behind in QEMU. */
    @ParameterizedTest
    @CsvSource({"TCG, true", "TCG, false", "KVM, true", "KVM, false"})
    void shouldTrackEveryWriteOfGuest(Accelerator accelerator, boolean shared) throws Exception {
        try (TestQemu qemu = TestQemu.start(accelerator, shared);
                Pagemap pagemap = Pagemap.open(qemu.pid);
                Mapping copy = Mapping.anonymous(TestQemu.RAM_BYTES)) {
            Map<Integer, String> descriptors = ProcFs.descriptors(qemu.pid);
            RemoteUserfaultfd.Injected injected = inject(qemu);
            try (Userfaultfd uffd = injected.local()) {
                uffd.api(Userfaultfd.FEATURE_WP_ASYNC
                        | Userfaultfd.FEATURE_WP_UNPOPULATED
                        | Userfaultfd.FEATURE_WP_HUGETLBFS_SHMEM);
                uffd.register(qemu.ramAddress, TestQemu.RAM_BYTES, Userfaultfd.MODE_WP);
                uffd.writeProtect(qemu.ramAddress, TestQemu.RAM_BYTES, true);
                long end = qemu.ramAddress + TestQemu.RAM_BYTES;
                // The first copy is of pages that are there, like a real one; the rest is zeros on both sides.
                if (shared) {
                    qemu.ram.populated((from, to) -> copyRun(qemu, copy, qemu.ramAddress + from, qemu.ramAddress + to));
                } else {
                    pagemap.populated(qemu.ramAddress, end, (from, to) -> copyRun(qemu, copy, from, to));
                }
                for (int round = 0; round < 5; round++) {
                    qemu.awaitCounterAbove(qemu.counter());
                    BitSet written = new BitSet();
                    pagemap.harvestWritten(qemu.ramAddress, end, (from, to) -> {
                        written.set(pageOf(qemu, from), pageOf(qemu, to));
                        copyRun(qemu, copy, from, to);
                    });
                    assertThat(written.get(TestQemu.COUNTER / PAGE)).isTrue();
                    assertThat(written.cardinality()).isLessThan(PAGES / 2);
                }
                qemu.execute("\"stop\"");
                pagemap.harvestWritten(qemu.ramAddress, end, (from, to) -> copyRun(qemu, copy, from, to));
                assertSameMemory(qemu, copy);
                uffd.unregister(qemu.ramAddress, TestQemu.RAM_BYTES);
            }
            RemoteUserfaultfd.closeRemote(qemu.process, injected.remoteFd());
            assertThat(ProcFs.descriptors(qemu.pid)).isEqualTo(descriptors);
            qemu.execute("\"cont\"");
            assertRuns(qemu);
        }
    }

    /** Post-copy in small: the whole RAM is taken away under the stopped guest and comes back page by page as it asks. */
    @ParameterizedTest
    @EnumSource
    void shouldServeFaultsOfGuest(Accelerator accelerator) throws Exception {
        try (TestQemu qemu = TestQemu.start(accelerator, true);
                Mapping copy = Mapping.anonymous(TestQemu.RAM_BYTES)) {
            qemu.execute("\"stop\"");
            copyRun(qemu, copy, qemu.ramAddress, qemu.ramAddress + TestQemu.RAM_BYTES);
            long before = qemu.counter();
            RemoteUserfaultfd.Injected injected = inject(qemu);
            try (Userfaultfd uffd = injected.local()) {
                uffd.api(Userfaultfd.FEATURE_MISSING_SHMEM | Userfaultfd.FEATURE_MINOR_SHMEM);
                uffd.register(qemu.ramAddress, TestQemu.RAM_BYTES, Userfaultfd.MODE_MISSING | Userfaultfd.MODE_MINOR);
                qemu.ram.punch(0, TestQemu.RAM_BYTES);
                qemu.execute("\"cont\"");
                BitSet valid;
                try (EventFd enough = EventFd.create()) {
                    CompletableFuture<BitSet> server =
                            CompletableFuture.supplyAsync(() -> serve(qemu, uffd, copy, enough));
                    try {
                        qemu.awaitCounterAbove(before + 1000);
                    } finally {
                        enough.signal();
                        valid = server.join();
                    }
                }
                assertThat(valid.get(TestQemu.COUNTER / PAGE)).isTrue();
                assertThat(valid.cardinality()).isBetween(65, PAGES / 2);
                pushRest(qemu, copy, valid);
                // Wakes whoever asked since, too; what it finds now is all there.
                uffd.unregister(qemu.ramAddress, TestQemu.RAM_BYTES);
            }
            RemoteUserfaultfd.closeRemote(qemu.process, injected.remoteFd());
            assertRuns(qemu);
        }
    }

    /** Until it is told that it is enough; the pages that were asked for. */
    private static BitSet serve(TestQemu qemu, Userfaultfd uffd, Mapping copy, EventFd enough) {
        ByteBuffer events = NativeBuffer.allocate(64 * Userfaultfd.EVENT_SIZE_BYTES);
        BitSet valid = new BitSet();
        while (true) {
            int count = uffd.readEvents(events, -1, enough.raw());
            if (count <= 0) {
                return valid;
            }
            for (int i = 0; i < count; i++) {
                assertThat(Userfaultfd.eventType(events, i)).isEqualTo(Userfaultfd.EVENT_PAGEFAULT);
                place(qemu, uffd, copy, valid, Userfaultfd.pagefaultAddress(events, i));
            }
        }
    }

    private static void place(TestQemu qemu, Userfaultfd uffd, Mapping copy, BitSet valid, long address) {
        int page = pageOf(qemu, address);
        if (!valid.get(page)) {
            qemu.ram.write((long) page * PAGE, copy.address() + (long) page * PAGE, PAGE);
            valid.set(page);
        }
        long done = uffd.continueRange(address, PAGE);
        // Two threads may wait for one page: the second finds it mapped.
        if (done == -Errno.EEXIST) {
            uffd.wake(address, PAGE);
        } else {
            assertThat(done).isEqualTo(PAGE);
        }
    }

    private static void pushRest(TestQemu qemu, Mapping copy, BitSet valid) {
        for (int page = valid.nextClearBit(0); page < PAGES; page = valid.nextClearBit(page + 1)) {
            qemu.ram.write((long) page * PAGE, copy.address() + (long) page * PAGE, PAGE);
        }
    }

    private static RemoteUserfaultfd.Injected inject(TestQemu qemu) {
        Map<Integer, String> before = ProcFs.descriptors(qemu.pid);
        try (Fd device = Fd.open("/dev/userfaultfd", 2, 0)) {
            qemu.execute("\"getfd\",\"arguments\":{\"fdname\":\"uffd\"}", device);
        }
        int number = ProcFs.descriptors(qemu.pid).entrySet().stream()
                .filter(e -> e.getValue().equals("/dev/userfaultfd") && !before.containsKey(e.getKey()))
                .findFirst()
                .orElseThrow()
                .getKey();
        long start = System.nanoTime();
        RemoteUserfaultfd.Injected injected = RemoteUserfaultfd.fromDevice(qemu.process, number);
        System.out.printf("userfaultfd injected in %d us%n", (System.nanoTime() - start) / 1000);
        qemu.execute("\"closefd\",\"arguments\":{\"fdname\":\"uffd\"}");
        return injected;
    }

    private static void inject(TestQemu qemu, int tid) {
        try (RemoteSyscall remote = RemoteSyscall.attachThread(qemu.pid, tid)) {
            assertThat(remote.call(Syscalls.GETPID, 0, 0, 0, 0, 0, 0)).isEqualTo(qemu.pid);
        }
    }

    private static void copyRun(TestQemu qemu, Mapping copy, long from, long to) {
        ProcessMemory.read(qemu.pid, from, copy.address() + (from - qemu.ramAddress), to - from);
    }

    private static int pageOf(TestQemu qemu, long address) {
        return Math.toIntExact((address - qemu.ramAddress) / PAGE);
    }

    private static void assertSameMemory(TestQemu qemu, Mapping copy) {
        try (Mapping now = Mapping.anonymous(TestQemu.RAM_BYTES)) {
            copyRun(qemu, now, qemu.ramAddress, qemu.ramAddress + TestQemu.RAM_BYTES);
            ByteBuffer ours = NativeBuffer.over(copy.address(), TestQemu.RAM_BYTES);
            ByteBuffer theirs = NativeBuffer.over(now.address(), TestQemu.RAM_BYTES);
            assertThat(ours.mismatch(theirs)).as("first byte that differs").isEqualTo(-1);
        }
    }

    private static void assertRuns(TestQemu qemu) {
        assertThat(qemu.execute("\"query-status\"")).contains("\"running\"");
        qemu.awaitCounterAbove(qemu.counter() + 100);
    }
}
