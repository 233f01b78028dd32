package dev.ferry.sys;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.ferry.base.ErrorCategory;
import dev.ferry.base.FerryException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag("kernel")
final class RemoteSyscallTest {
    private static final int SIGKILL = 9;

    private int pid;
    private PidFd process;

    @BeforeEach
    void start() {
        pid = Orphan.start("sleep", "300");
        process = PidFd.open(pid);
    }

    @AfterEach
    void end() {
        if (process.isAlive()) {
            process.signal(SIGKILL);
        }
        assertThat(process.awaitExit(10_000)).isTrue();
        process.close();
    }

    @Test
    void shouldRunCallsInTheOtherProcess() {
        try (RemoteSyscall remote = RemoteSyscall.attach(pid)) {
            assertThat(remote.call(Syscalls.GETPID, 0, 0, 0, 0, 0, 0)).isEqualTo(pid);
            assertThat(remote.call(Syscalls.CLOSE, 1000, 0, 0, 0, 0, 0)).isEqualTo(-Errno.EBADF);
            // Six arguments: an anonymous page, which then shows in its maps.
            long address = remote.call(Syscalls.MMAP, 0, PageSize.BASE, 3, 0x22, -1, 0);
            assertThat(address).isPositive();
            assertThat(ProcMaps.read(pid)).anySatisfy(m -> assertThat(address).isBetween(m.start(), m.end() - 1));
            assertThat(remote.call(Syscalls.MUNMAP, address, PageSize.BASE, 0, 0, 0, 0))
                    .isZero();
        }
        assertThat(process.isAlive()).isTrue();
    }

    @Test
    void shouldMakeUserfaultfdThereAndHere() {
        RemoteUserfaultfd.Injected injected = RemoteUserfaultfd.fromSyscall(process);
        try (Userfaultfd uffd = injected.local()) {
            assertThat(ProcFs.descriptors(pid)).containsEntry(injected.remoteFd(), "anon_inode:[userfaultfd]");
            uffd.api(Userfaultfd.FEATURE_MINOR_SHMEM);
            try (Userfaultfd again = RemoteUserfaultfd.take(process, injected.remoteFd())) {
                assertThat(again.isGone()).isFalse();
            }
        }
        RemoteUserfaultfd.closeRemote(process, injected.remoteFd());
        assertThat(ProcFs.descriptors(pid)).doesNotContainKey(injected.remoteFd());
    }

    @Test
    void shouldNotTakeOrCloseAnotherFile() {
        assertThatThrownBy(() -> RemoteUserfaultfd.take(process, 0)).isInstanceOf(FerryException.class);
        assertThatThrownBy(() -> RemoteUserfaultfd.closeRemote(process, 0))
                .isInstanceOfSatisfying(
                        FerryException.class,
                        e -> assertThat(e.category()).isEqualTo(ErrorCategory.FAILED_PRECONDITION))
                .hasMessageContaining("/dev/null");
        assertThat(ProcFs.descriptors(pid)).containsKey(0);
    }

    @Test
    void shouldNoticeEndOfProcess() {
        RemoteUserfaultfd.Injected injected = RemoteUserfaultfd.fromSyscall(process);
        try (Userfaultfd uffd = injected.local()) {
            uffd.api(0);
            process.signal(SIGKILL);
            assertThat(uffd.readEvents(NativeBuffer.allocate(Userfaultfd.EVENT_SIZE_BYTES), 10_000, -1))
                    .isEqualTo(-1);
            assertThat(uffd.continueRange(0x10_0000_0000L, PageSize.BASE)).isEqualTo(-Errno.ESRCH);
        }
    }

    @Test
    void shouldSurviveEndOfProcessWhileAttached() {
        try (RemoteSyscall remote = RemoteSyscall.attach(pid)) {
            process.signal(SIGKILL);
            assertThat(process.awaitExit(10_000)).isTrue();
            assertThatThrownBy(() -> remote.call(Syscalls.GETPID, 0, 0, 0, 0, 0, 0))
                    .isInstanceOfSatisfying(
                            SysException.class, e -> assertThat(e.category()).isEqualTo(ErrorCategory.NOT_FOUND));
        }
    }

    @Test
    void shouldRefuseSecondTracer() {
        try (RemoteSyscall first = RemoteSyscall.attach(pid)) {
            assertThatThrownBy(() -> RemoteSyscall.attach(pid))
                    .isInstanceOfSatisfying(
                            FerryException.class,
                            e -> assertThat(e.category()).isEqualTo(ErrorCategory.PERMISSION_DENIED));
            assertThat(first.call(Syscalls.GETPID, 0, 0, 0, 0, 0, 0)).isEqualTo(pid);
        }
        RemoteSyscall.attach(pid).close();
    }

    @Test
    void shouldRefuseCallsAfterClose() {
        RemoteSyscall remote = RemoteSyscall.attach(pid);
        remote.close();
        remote.close();
        assertThatThrownBy(() -> remote.call(Syscalls.GETPID, 0, 0, 0, 0, 0, 0))
                .isInstanceOf(IllegalStateException.class);
    }

    @Test
    void shouldSayThatProcessIsMissing() {
        process.signal(SIGKILL);
        assertThat(process.awaitExit(10_000)).isTrue();
        assertThatThrownBy(() -> RemoteSyscall.attach(pid)).isInstanceOf(FerryException.class);
    }

    /** 0: nobody traces it. */
    static int tracerOf(int pid) {
        return ProcFiles.text(ProcFiles.path(pid, "status"))
                .lines()
                .filter(line -> line.startsWith("TracerPid:"))
                .map(line ->
                        Integer.valueOf(line.substring("TracerPid:".length()).strip()))
                .findFirst()
                .orElseThrow();
    }
}
