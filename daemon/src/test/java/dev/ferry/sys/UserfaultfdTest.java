package dev.ferry.sys;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** MISSING and MINOR faults of a memfd in this process, touched by system calls only. */
@Tag("kernel")
final class UserfaultfdTest {
    private static final int PAGE = PageSize.BASE;
    private static final int PAGES = 16;
    private static final long MINOR_FLAG = 4;
    private static final int LONG_MS = 10_000;

    private final ByteBuffer events = NativeBuffer.allocate(16 * Userfaultfd.EVENT_SIZE_BYTES);
    private RamFile file;
    private Mapping memory;
    private Userfaultfd uffd;

    @BeforeEach
    void register() {
        file = MemFd.create("uffd-test", PAGES * PAGE);
        memory = file.mapRaw();
        uffd = Userfaultfd.create();
        uffd.api(Userfaultfd.FEATURE_MISSING_SHMEM | Userfaultfd.FEATURE_MINOR_SHMEM | Userfaultfd.FEATURE_THREAD_ID);
        uffd.register(memory.address(), PAGES * PAGE, Userfaultfd.MODE_MISSING | Userfaultfd.MODE_MINOR);
    }

    @AfterEach
    void close() {
        // First of all: whoever still waits goes on.
        uffd.close();
        memory.close();
        file.close();
    }

    @Test
    void shouldAnswerMinorFaultByContinue() throws Exception {
        byte[] content = pattern(3);
        place(3, content);
        CompletableFuture<byte[]> reader = KernelTouch.readLater(page(3), PAGE);
        assertThat(uffd.readEvents(events, LONG_MS, -1)).isEqualTo(1);
        assertThat(Userfaultfd.eventType(events, 0)).isEqualTo(Userfaultfd.EVENT_PAGEFAULT);
        assertThat(Userfaultfd.pagefaultFlags(events, 0)).isEqualTo(MINOR_FLAG);
        assertThat(Userfaultfd.pagefaultAddress(events, 0)).isEqualTo(page(3));
        assertThat(Userfaultfd.pagefaultThread(events, 0)).isPositive();
        assertThat(uffd.continueRange(page(3), PAGE)).isEqualTo(PAGE);
        assertThat(reader.get(10, TimeUnit.SECONDS)).isEqualTo(content);
    }

    @Test
    void shouldAnswerMissingFaultByZeroPage() throws Exception {
        CompletableFuture<byte[]> reader = KernelTouch.readLater(page(5), PAGE);
        assertThat(uffd.readEvents(events, LONG_MS, -1)).isEqualTo(1);
        assertThat(Userfaultfd.pagefaultFlags(events, 0)).isZero();
        assertThat(uffd.zeroPage(page(5), PAGE)).isEqualTo(PAGE);
        assertThat(reader.get(10, TimeUnit.SECONDS)).containsOnly(0);
    }

    @Test
    void shouldAnswerMissingFaultByCopy() throws Exception {
        byte[] content = pattern(7);
        ByteBuffer source = NativeBuffer.allocate(PAGE);
        source.put(0, content);
        CompletableFuture<byte[]> reader = KernelTouch.readLater(page(7), PAGE);
        assertThat(uffd.readEvents(events, LONG_MS, -1)).isEqualTo(1);
        assertThat(uffd.copy(page(7), NativeBuffer.address(source), PAGE)).isEqualTo(PAGE);
        assertThat(reader.get(10, TimeUnit.SECONDS)).isEqualTo(content);
    }

    /** The way of a page that was not valid: written into the alias while somebody waits, then continued. */
    @Test
    void shouldContinueWhatCameAfterTheFault() throws Exception {
        CompletableFuture<byte[]> reader = KernelTouch.readLater(page(2), PAGE);
        assertThat(uffd.readEvents(events, LONG_MS, -1)).isEqualTo(1);
        place(2, pattern(2));
        assertThat(uffd.continueRange(page(2), PAGE)).isEqualTo(PAGE);
        assertThat(reader.get(10, TimeUnit.SECONDS)).isEqualTo(pattern(2));
    }

    @Test
    void shouldStopContinueWhereSomethingIsMapped() {
        for (int i = 0; i < 4; i++) {
            place(i, pattern(i));
        }
        assertThat(uffd.continueRange(page(2), PAGE)).isEqualTo(PAGE);
        assertThat(uffd.continueRange(page(0), 4 * PAGE)).isEqualTo(2 * PAGE);
        assertThat(uffd.continueRange(page(2), 2 * PAGE)).isEqualTo(-Errno.EEXIST);
        assertThat(uffd.continueRange(page(3), PAGE)).isEqualTo(PAGE);
    }

    @Test
    void shouldStopContinueAtHole() {
        place(0, pattern(0));
        assertThat(uffd.continueRange(page(0), 2 * PAGE)).isEqualTo(PAGE);
        assertThat(uffd.continueRange(page(1), PAGE)).isEqualTo(-Errno.EFAULT);
    }

    @Test
    void shouldStopZeroPageAndCopyAtFirstPresentPage() {
        place(2, pattern(2));
        assertThat(uffd.zeroPage(page(0), 4 * PAGE)).isEqualTo(2 * PAGE);
        assertThat(uffd.zeroPage(page(2), 2 * PAGE)).isEqualTo(-Errno.EEXIST);
        ByteBuffer source = NativeBuffer.allocate(4 * PAGE);
        assertThat(uffd.copy(page(2), NativeBuffer.address(source), 2 * PAGE)).isEqualTo(-Errno.EEXIST);
        assertThat(uffd.copy(page(3), NativeBuffer.address(source), 2 * PAGE)).isEqualTo(2 * PAGE);
    }

    @Test
    void shouldRefuseWhatIsNotRegistered() {
        assertThat(uffd.continueRange(0x10_0000_0000L, PAGE)).isEqualTo(-Errno.ENOENT);
        assertThat(uffd.continueRange(page(0) + 1, PAGE)).isEqualTo(-Errno.EINVAL);
        assertThatThrownBy(() -> uffd.register(0x10_0000_0000L, PAGE, Userfaultfd.MODE_MISSING))
                .isInstanceOf(SysException.class)
                .hasMessageContaining("UFFDIO_REGISTER")
                .hasMessageContaining("0x1000000000");
    }

    @Test
    void shouldBringLostEventBackByWake() throws Exception {
        CompletableFuture<byte[]> reader = KernelTouch.readLater(page(9), PAGE);
        assertThat(uffd.readEvents(events, LONG_MS, -1)).isEqualTo(1);
        assertThat(uffd.readEvents(events, 20, -1)).isZero();
        uffd.wake(memory.address(), PAGES * PAGE);
        assertThat(uffd.readEvents(events, LONG_MS, -1)).isEqualTo(1);
        assertThat(Userfaultfd.pagefaultAddress(events, 0)).isEqualTo(page(9));
        uffd.unregister(memory.address(), PAGES * PAGE);
        assertThat(reader.get(10, TimeUnit.SECONDS)).containsOnly(0);
    }

    @Test
    void shouldReadSeveralEventsAtOnce() throws Exception {
        CompletableFuture<byte[]> one = KernelTouch.readLater(page(1), 1);
        CompletableFuture<byte[]> other = KernelTouch.readLater(page(11), 1);
        int seen = 0;
        while (seen < 2) {
            seen += uffd.readEvents(events, LONG_MS, -1);
        }
        assertThat(uffd.zeroPage(page(1), PAGE)).isEqualTo(PAGE);
        assertThat(uffd.zeroPage(page(11), PAGE)).isEqualTo(PAGE);
        one.get(10, TimeUnit.SECONDS);
        other.get(10, TimeUnit.SECONDS);
    }

    @Test
    void shouldEndWaitByEventFd() throws Exception {
        try (EventFd wake = EventFd.create()) {
            CompletableFuture<Integer> waiting =
                    CompletableFuture.supplyAsync(() -> uffd.readEvents(events, -1, wake.raw()));
            wake.signal();
            assertThat(waiting.get(10, TimeUnit.SECONDS)).isZero();
            assertThat(wake.clear()).isTrue();
            assertThat(wake.clear()).isFalse();
        }
    }

    @Test
    void shouldKeepTimeLimit() {
        long start = System.nanoTime();
        assertThat(uffd.readEvents(events, 30, -1)).isZero();
        assertThat(System.nanoTime() - start).isGreaterThan(29_000_000L);
    }

    @Test
    void shouldReportKernelFeaturesOnce() {
        try (Userfaultfd fresh = Userfaultfd.create()) {
            long features = fresh.api(Userfaultfd.FEATURE_MINOR_SHMEM);
            assertThat(features & Userfaultfd.FEATURE_WP_ASYNC).isNotZero();
            assertThat(features & Userfaultfd.FEATURE_WP_UNPOPULATED).isNotZero();
        }
        try (Userfaultfd fresh = Userfaultfd.create()) {
            assertThatThrownBy(() -> fresh.api(1L << 62))
                    .isInstanceOf(SysException.class)
                    .hasMessageContaining("0x4000000000000000");
        }
    }

    @Test
    void shouldRefuseUseAfterClose() {
        uffd.close();
        uffd.close();
        assertThatThrownBy(() -> uffd.continueRange(page(0), PAGE)).isInstanceOf(IllegalStateException.class);
    }

    private long page(int index) {
        return memory.address() + (long) index * PAGE;
    }

    private void place(int index, byte[] content) {
        ByteBuffer copy = NativeBuffer.allocate(PAGE);
        copy.put(0, content);
        file.write((long) index * PAGE, NativeBuffer.address(copy), PAGE);
    }

    private static byte[] pattern(int seed) {
        byte[] bytes = new byte[PAGE];
        Arrays.fill(bytes, (byte) (seed + 100));
        return bytes;
    }
}
