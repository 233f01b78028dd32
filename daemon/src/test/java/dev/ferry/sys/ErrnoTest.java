package dev.ferry.sys;

import static org.assertj.core.api.Assertions.assertThat;

import dev.ferry.base.ErrorCategory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class ErrnoTest {
    @ParameterizedTest
    @CsvSource({
        "1, EPERM, PERMISSION_DENIED",
        "2, ENOENT, NOT_FOUND",
        "3, ESRCH, NOT_FOUND",
        "11, EAGAIN, UNAVAILABLE",
        "14, EFAULT, INTERNAL",
        "16, EBUSY, FAILED_PRECONDITION",
        "17, EEXIST, ALREADY_EXISTS",
        "22, EINVAL, INVALID_ARGUMENT",
        "28, ENOSPC, RESOURCE_EXHAUSTED",
        "38, ENOSYS, UNIMPLEMENTED",
        "110, ETIMEDOUT, DEADLINE_EXCEEDED",
        "111, ECONNREFUSED, UNAVAILABLE",
        "125, ECANCELED, ABORTED",
        "133, EHWPOISON, INTERNAL"
    })
    void shouldKnowNameAndCategory(int errno, String name, ErrorCategory category) {
        assertThat(Errno.name(errno)).isEqualTo(name);
        assertThat(Errno.category(errno)).isEqualTo(category);
    }

    @Test
    void shouldDescribeInWords() {
        assertThat(new SysException("open /x", Errno.ENOENT)).hasMessage("open /x: ENOENT (No such file or directory)");
    }

    @Test
    void shouldNotFailOnNumbersWithoutName() {
        assertThat(Errno.name(0)).isEqualTo("E0");
        assertThat(Errno.name(41)).isEqualTo("E41");
        assertThat(Errno.name(4000)).isEqualTo("E4000");
        assertThat(Errno.describe(-1)).isEqualTo("unknown error -1");
    }
}
