package dev.ferry.sys;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** The calls on the way of a fault make no garbage. */
@Tag("kernel")
final class AllocationTest {
    private static final int ROUNDS = 20_000;
    private static final int PAGE = PageSize.BASE;
    private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

    @Test
    void shouldPlacePagesWithoutAllocating() {
        try (RamFile file = MemFd.create("ram", 4 * PAGE);
                Mapping memory = file.mapRaw();
                Userfaultfd uffd = Userfaultfd.create()) {
            uffd.api(Userfaultfd.FEATURE_MISSING_SHMEM | Userfaultfd.FEATURE_MINOR_SHMEM);
            uffd.register(memory.address(), 4 * PAGE, Userfaultfd.MODE_MISSING | Userfaultfd.MODE_MINOR);
            ByteBuffer page = NativeBuffer.allocate(PAGE);
            long source = NativeBuffer.address(page);
            ByteBuffer events = NativeBuffer.allocate(Userfaultfd.EVENT_SIZE_BYTES);
            assertAllocatesNothing("continue", () -> uffd.continueRange(memory.address(), PAGE));
            assertAllocatesNothing("zero page", () -> uffd.zeroPage(memory.address() + PAGE, PAGE));
            assertAllocatesNothing("copy", () -> uffd.copy(memory.address() + 2 * PAGE, source, PAGE));
            assertAllocatesNothing("wake", () -> uffd.wake(memory.address(), PAGE));
            assertAllocatesNothing("read events", () -> uffd.readEvents(events, 0, -1));
            assertAllocatesNothing("write", () -> file.write(0, source, PAGE));
            assertAllocatesNothing("read", () -> file.read(0, source, PAGE));
        }
    }

    @Test
    void shouldReadProcessMemoryWithoutAllocating() {
        int self = Math.toIntExact(ProcessHandle.current().pid());
        ByteBuffer from = NativeBuffer.allocate(PAGE);
        ByteBuffer to = NativeBuffer.allocate(PAGE);
        long source = NativeBuffer.address(from);
        long target = NativeBuffer.address(to);
        assertAllocatesNothing("process memory", () -> ProcessMemory.read(self, source, target, PAGE));
    }

    private static void assertAllocatesNothing(String what, Runnable call) {
        for (int i = 0; i < ROUNDS; i++) {
            call.run();
        }
        long start = System.nanoTime();
        long before = THREADS.getThreadAllocatedBytes(Thread.currentThread().getId());
        for (int i = 0; i < ROUNDS; i++) {
            call.run();
        }
        long bytes = THREADS.getThreadAllocatedBytes(Thread.currentThread().getId()) - before;
        long nanos = (System.nanoTime() - start) / ROUNDS;
        System.out.println(what + ": " + nanos + " ns, " + bytes + " bytes in " + ROUNDS + " calls");
        // Asking allocates a little itself; one object per call would be 320,000 bytes and more.
        assertThat(bytes).as(what).isLessThan(ROUNDS);
    }
}
