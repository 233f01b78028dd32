package dev.ferry.sys;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.ferry.base.ErrorCategory;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

final class FdTest {
    @Test
    void shouldCloseOnceOnly() {
        Fd fd = Fd.open("/dev/null", 0, 0);
        int number = fd.raw();
        fd.close();
        Fd next = Fd.open("/dev/zero", 0, 0);
        assertThat(next.raw()).isEqualTo(number);
        fd.close();
        assertThat(ProcFs.descriptors(self())).containsEntry(number, "/dev/zero");
        next.close();
        assertThat(fd.isOpen()).isFalse();
        assertThatThrownBy(fd::raw).isInstanceOf(IllegalStateException.class);
        assertThatThrownBy(() -> fd.call(Syscalls.READ, 0, 0, 0)).isInstanceOf(IllegalStateException.class);
    }

    @Test
    void shouldKeepNumberUntilLastCallReturned() {
        Fd fd = Fd.open("/dev/null", 0, 0);
        int number = fd.acquire();
        fd.close();
        assertThat(ProcFs.descriptors(self())).containsEntry(number, "/dev/null");
        fd.release();
        assertThat(ProcFs.descriptors(self())).doesNotContain(Map.entry(number, "/dev/null"));
    }

    @Test
    void shouldNotSurviveExec() throws Exception {
        try (Fd fd = Fd.open("/dev/null", 0, 0)) {
            List<String> numbers = CProgram.run("ls", "/proc/self/fd").lines().toList();
            // 0, 1, 2 and the directory itself.
            assertThat(numbers).doesNotContain(Integer.toString(fd.raw()));
        }
    }

    @Test
    void shouldNamePathWhenMissing() {
        assertThatThrownBy(() -> Fd.open("/nowhere/at/all", 0, 0))
                .isInstanceOfSatisfying(SysException.class, e -> {
                    assertThat(e.errno()).isEqualTo(Errno.ENOENT);
                    assertThat(e.category()).isEqualTo(ErrorCategory.NOT_FOUND);
                })
                .hasMessageContaining("/nowhere/at/all");
    }

    private static int self() {
        return Math.toIntExact(ProcessHandle.current().pid());
    }
}
