package dev.ferry.sys;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.ferry.base.ErrorCategory;
import dev.ferry.base.FerryException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** /proc readers, pidfds and another process's memory, on a child that only sleeps. */
final class ProcTest {
    private static final int SIGKILL = 9;

    @Test
    void shouldParseMaps() {
        String text = """
                55e8c0a00000-55e8c0a02000 r-xp 00001000 fe:01 1234567                    /usr/bin/a name with blanks
                7f0000000000-7f0040000000 rw-s 00000000 00:1a 42                         /dev/shm/ram\\0121 (deleted)
                7ffc0a1e9000-7ffc0a20a000 rw-p 00000000 00:00 0                          [stack]
                7ffc0a30a000-7ffc0a30b000 rw-p 00000000 00:00 0\s
                ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0                  [vsyscall]
                """;
        List<ProcMaps.Mapping> maps = ProcMaps.parse(text);
        assertThat(maps).hasSize(5);
        assertThat(maps.get(0).path()).isEqualTo("/usr/bin/a name with blanks");
        assertThat(maps.get(0).offset()).isEqualTo(0x1000);
        assertThat(maps.get(0).isShared()).isFalse();
        assertThat(maps.get(1))
                .isEqualTo(new ProcMaps.Mapping(
                        0x7f0000000000L, 0x7f0040000000L, "rw-s", 0, "00:1a", 42, "/dev/shm/ram\n1 (deleted)"));
        assertThat(maps.get(1).lengthBytes()).isEqualTo(1L << 30);
        assertThat(maps.get(1).isShared()).isTrue();
        assertThat(maps.get(3).path()).isEmpty();
        assertThat(maps.get(4).lengthBytes()).isEqualTo(4096);
    }

    @Test
    void shouldDescribeProcess(@TempDir Path directory) throws Exception {
        // The name has what confuses readers of /proc/PID/stat; and the binary is gone when we ask.
        Path binary = Files.copy(Path.of("/bin/sleep"), directory.resolve("a) b (c"));
        Process child = new ProcessBuilder(binary.toString(), "300")
                .directory(directory.toFile())
                .start();
        try {
            int childPid = Math.toIntExact(child.pid());
            Files.delete(binary);
            assertThat(ProcFs.commandLine(childPid)).containsExactly(binary.toString(), "300");
            assertThat(ProcFs.executable(childPid)).isEqualTo(binary.toString());
            assertThat(ProcFs.workingDirectory(childPid)).isEqualTo(directory.toString());
            assertThat(ProcFs.startTime(childPid))
                    .isEqualTo(ProcFs.startTime(childPid))
                    .isGreaterThanOrEqualTo(ProcFs.startTime(self()));
            assertThat(ProcFs.descriptors(childPid)).containsKeys(0, 1, 2);
        } finally {
            child.destroyForcibly().waitFor();
        }
    }

    @Test
    void shouldFindMappersOfFile(@TempDir Path directory) throws Exception {
        Path binary = Files.copy(Path.of("/bin/sleep"), directory.resolve("sleeper"));
        Process child = new ProcessBuilder(binary.toString(), "300").start();
        try {
            int pid = Math.toIntExact(child.pid());
            ProcMaps.Mapping mapping = ProcMaps.read(pid).stream()
                    .filter(m -> m.path().equals(binary.toString()))
                    .findFirst()
                    .orElseThrow();
            assertThat(ProcMaps.mappersOf(mapping.device(), mapping.inode())).containsExactly(pid);
            assertThat(ProcMaps.mappersOf(mapping.device(), mapping.inode() + 1_000_000))
                    .isEmpty();
        } finally {
            child.destroyForcibly().waitFor();
        }
    }

    @Test
    void shouldSayNotFoundWhenProcessIsGone() throws Exception {
        Process child = new ProcessBuilder("true").start();
        child.waitFor();
        int pid = Math.toIntExact(child.pid());
        List<Runnable> questions = List.of(
                () -> ProcFs.commandLine(pid),
                () -> ProcFs.executable(pid),
                () -> ProcFs.workingDirectory(pid),
                () -> ProcFs.descriptors(pid),
                () -> ProcFs.descriptorIdentity(pid, 0),
                () -> ProcFs.startTime(pid),
                () -> ProcMaps.read(pid),
                () -> PidFd.open(pid).close(),
                () -> Pagemap.open(pid).close(),
                () -> ProcessMemory.read(pid, 0x1000, 0, 1));
        for (Runnable question : questions) {
            assertThatThrownBy(question::run)
                    .isInstanceOfSatisfying(
                            FerryException.class, e -> assertThat(e.category()).isEqualTo(ErrorCategory.NOT_FOUND));
        }
    }

    @Test
    void shouldReadMemoryAvailable() {
        assertThat(ProcFs.memoryAvailableBytes()).isBetween(1L << 20, 1L << 50);
    }

    @Test
    void shouldAwaitExit() {
        int pid = Orphan.start("sleep", "300");
        try (PidFd process = PidFd.open(pid)) {
            assertThat(process.pid()).isEqualTo(pid);
            assertThat(process.isAlive()).isTrue();
            assertThat(process.awaitExit(20)).isFalse();
            process.signal(SIGKILL);
            assertThat(process.awaitExit(10_000)).isTrue();
            assertThat(process.isAlive()).isFalse();
        }
    }

    @Test
    void shouldCopyMemoryOfAnotherProcess() throws Exception {
        Process child = new ProcessBuilder("sleep", "300").start();
        try {
            int pid = Math.toIntExact(child.pid());
            ProcMaps.Mapping stack = ProcMaps.read(pid).stream()
                    .filter(m -> m.path().equals("[stack]"))
                    .findFirst()
                    .orElseThrow();
            ByteBuffer page = NativeBuffer.allocate(PageSize.BASE);
            // The lowest page of a stack that only sleeps is not in use.
            page.putLong(0, 4711);
            ProcessMemory.write(pid, stack.start(), NativeBuffer.address(page), PageSize.BASE);
            page.putLong(0, 0);
            ProcessMemory.read(pid, stack.start(), NativeBuffer.address(page), PageSize.BASE);
            assertThat(page.getLong(0)).isEqualTo(4711);

            ByteBuffer tooMuch = NativeBuffer.allocate(2 * PageSize.BASE);
            ProcMaps.Mapping last = ProcMaps.read(pid).stream()
                    .filter(m -> m.path().equals("[stack]"))
                    .findFirst()
                    .orElseThrow();
            assertThatThrownBy(() -> ProcessMemory.read(
                            pid, last.end() - PageSize.BASE, NativeBuffer.address(tooMuch), 2 * PageSize.BASE))
                    .isInstanceOfSatisfying(
                            SysException.class, e -> assertThat(e.errno()).isEqualTo(Errno.EFAULT))
                    .hasMessageContaining(Long.toHexString(last.end()));
        } finally {
            child.destroyForcibly().waitFor();
        }
    }

    private static int self() {
        return Math.toIntExact(ProcessHandle.current().pid());
    }
}
