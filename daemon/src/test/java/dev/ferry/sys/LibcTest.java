package dev.ferry.sys;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

final class LibcTest {
    private static final int ROUNDS = 10_000;

    /** jnr-ffi's own x86 stubs pass garbage as the sixth argument: mmap's offset would be refused, or point elsewhere. */
    @Test
    void shouldPassSixthArgument() {
        try (RamFile file = MemFd.create("sixth", 2 * PageSize.BASE)) {
            ByteBuffer page = NativeBuffer.allocate(PageSize.BASE);
            page.putLong(0, 0x1122334455667788L);
            file.write(0, NativeBuffer.address(page), PageSize.BASE);
            for (int i = 0; i < ROUNDS; i++) {
                try (Mapping mapping = file.mapRaw()) {
                    ByteBuffer view = NativeBuffer.over(mapping.address(), PageSize.BASE);
                    assertThat(view.getLong(0)).isEqualTo(0x1122334455667788L);
                }
            }
        }
    }

    /** The signature that the stubs get wrong: six longs. Its last is the flags, and every value but 0 is EINVAL. */
    @Test
    void shouldPassSixthOfSixArguments() {
        assertThat(System.getProperty("jnr.ffi.x86asm.enabled")).isEqualTo("false");
        int self = Math.toIntExact(ProcessHandle.current().pid());
        ByteBuffer from = NativeBuffer.allocate(64);
        ByteBuffer to = NativeBuffer.allocate(64);
        for (int i = 1; i <= ROUNDS; i++) {
            from.putInt(0, i);
            ProcessMemory.read(self, NativeBuffer.address(from), NativeBuffer.address(to), 64);
            assertThat(to.getInt(0)).isEqualTo(i);
        }
    }

    @Test
    void shouldAnswerErrnoOfThisThread() throws InterruptedException {
        AtomicInteger wrong = new AtomicInteger();
        Runnable badDescriptor = () -> expect(Syscalls.CLOSE, -1, Errno.EBADF, wrong);
        Runnable badPid = () -> expect(Syscalls.PIDFD_OPEN, -1, Errno.EINVAL, wrong);
        Thread one = new Thread(badDescriptor);
        Thread other = new Thread(badPid);
        one.start();
        other.start();
        one.join();
        other.join();
        assertThat(wrong).hasValue(0);
    }

    private static void expect(int number, long argument, int errno, AtomicInteger wrong) {
        for (int i = 0; i < ROUNDS; i++) {
            if (Syscalls.call(number, argument) != -errno) {
                wrong.incrementAndGet();
            }
        }
    }
}
