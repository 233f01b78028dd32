package dev.ferry.sys;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Every number and offset that goes to the kernel, against its headers as far as the installed ones go, then against literals. */
final class AbiTest {
    @Test
    void shouldAgreeWithUserfaultfdHeader(@TempDir Path directory) throws Exception {
        Map<String, Long> ours = new LinkedHashMap<>();
        ours.put("UFFD_API", UffdAbi.API);
        ours.put("UFFDIO_API", UffdAbi.UFFDIO_API);
        ours.put("UFFDIO_REGISTER", UffdAbi.UFFDIO_REGISTER);
        ours.put("UFFDIO_UNREGISTER", UffdAbi.UFFDIO_UNREGISTER);
        ours.put("UFFDIO_WAKE", UffdAbi.UFFDIO_WAKE);
        ours.put("UFFDIO_COPY", UffdAbi.UFFDIO_COPY);
        ours.put("UFFDIO_ZEROPAGE", UffdAbi.UFFDIO_ZEROPAGE);
        ours.put("UFFDIO_WRITEPROTECT", UffdAbi.UFFDIO_WRITEPROTECT);
        ours.put("UFFDIO_CONTINUE", UffdAbi.UFFDIO_CONTINUE);
        ours.put("UFFDIO_REGISTER_MODE_MISSING", Userfaultfd.MODE_MISSING);
        ours.put("UFFDIO_REGISTER_MODE_WP", Userfaultfd.MODE_WP);
        ours.put("UFFDIO_REGISTER_MODE_MINOR", Userfaultfd.MODE_MINOR);
        ours.put("UFFD_EVENT_PAGEFAULT", (long) Userfaultfd.EVENT_PAGEFAULT);
        ours.put("UFFD_EVENT_REMOVE", (long) Userfaultfd.EVENT_REMOVE);
        ours.put("UFFD_FEATURE_EVENT_REMOVE", Userfaultfd.FEATURE_EVENT_REMOVE);
        ours.put("UFFD_FEATURE_MISSING_HUGETLBFS", Userfaultfd.FEATURE_MISSING_HUGETLBFS);
        ours.put("UFFD_FEATURE_MISSING_SHMEM", Userfaultfd.FEATURE_MISSING_SHMEM);
        ours.put("UFFD_FEATURE_THREAD_ID", Userfaultfd.FEATURE_THREAD_ID);
        ours.put("UFFD_FEATURE_MINOR_HUGETLBFS", Userfaultfd.FEATURE_MINOR_HUGETLBFS);
        ours.put("UFFD_FEATURE_MINOR_SHMEM", Userfaultfd.FEATURE_MINOR_SHMEM);
        ours.put("UFFD_FEATURE_WP_HUGETLBFS_SHMEM", Userfaultfd.FEATURE_WP_HUGETLBFS_SHMEM);
        ours.put("sizeof(struct uffdio_range)", (long) UffdAbi.RANGE_SIZE);
        ours.put("offsetof(struct uffdio_range, len)", (long) UffdAbi.RANGE_LENGTH);
        ours.put("sizeof(struct uffdio_api)", (long) UffdAbi.API_SIZE);
        ours.put("offsetof(struct uffdio_api, features)", (long) UffdAbi.API_FEATURES);
        ours.put("offsetof(struct uffdio_api, ioctls)", (long) UffdAbi.API_IOCTLS);
        ours.put("sizeof(struct uffdio_register)", (long) UffdAbi.REGISTER_SIZE);
        ours.put("offsetof(struct uffdio_register, mode)", (long) UffdAbi.REGISTER_MODE);
        ours.put("offsetof(struct uffdio_register, ioctls)", (long) UffdAbi.REGISTER_IOCTLS);
        ours.put("sizeof(struct uffdio_writeprotect)", (long) UffdAbi.WRITEPROTECT_SIZE);
        ours.put("offsetof(struct uffdio_writeprotect, mode)", (long) UffdAbi.WRITEPROTECT_MODE);
        ours.put("sizeof(struct uffdio_continue)", (long) UffdAbi.PLACE_SIZE);
        ours.put("offsetof(struct uffdio_continue, mode)", (long) UffdAbi.PLACE_MODE);
        ours.put("offsetof(struct uffdio_continue, mapped)", (long) UffdAbi.PLACE_DONE);
        ours.put("sizeof(struct uffdio_zeropage)", (long) UffdAbi.PLACE_SIZE);
        ours.put("offsetof(struct uffdio_zeropage, mode)", (long) UffdAbi.PLACE_MODE);
        ours.put("offsetof(struct uffdio_zeropage, zeropage)", (long) UffdAbi.PLACE_DONE);
        ours.put("sizeof(struct uffdio_copy)", (long) UffdAbi.COPY_SIZE);
        ours.put("offsetof(struct uffdio_copy, dst)", (long) UffdAbi.COPY_DESTINATION);
        ours.put("offsetof(struct uffdio_copy, src)", (long) UffdAbi.COPY_SOURCE);
        ours.put("offsetof(struct uffdio_copy, len)", (long) UffdAbi.COPY_LENGTH);
        ours.put("offsetof(struct uffdio_copy, mode)", (long) UffdAbi.COPY_MODE);
        ours.put("offsetof(struct uffdio_copy, copy)", (long) UffdAbi.COPY_DONE);
        ours.put("sizeof(struct uffd_msg)", (long) UffdAbi.MESSAGE_SIZE);
        ours.put("offsetof(struct uffd_msg, event)", (long) UffdAbi.MESSAGE_EVENT);
        ours.put("offsetof(struct uffd_msg, arg.pagefault.flags)", (long) UffdAbi.MESSAGE_FLAGS);
        ours.put("offsetof(struct uffd_msg, arg.pagefault.address)", (long) UffdAbi.MESSAGE_ADDRESS);
        ours.put("offsetof(struct uffd_msg, arg.pagefault.feat.ptid)", (long) UffdAbi.MESSAGE_THREAD);
        ours.put("offsetof(struct uffd_msg, arg.remove.start)", (long) UffdAbi.MESSAGE_REMOVE_START);
        ours.put("offsetof(struct uffd_msg, arg.remove.end)", (long) UffdAbi.MESSAGE_REMOVE_END);
        assertHeadersSay(directory, "#include <sys/ioctl.h>\n#include <linux/userfaultfd.h>\n", ours);
    }

    @Test
    void shouldAgreeWithSystemHeaders(@TempDir Path directory) throws Exception {
        Map<String, Long> ours = new LinkedHashMap<>();
        ours.put("sizeof(struct stat)", (long) FileStatus.SIZE);
        ours.put("offsetof(struct stat, st_dev)", (long) FileStatus.DEVICE);
        ours.put("offsetof(struct stat, st_ino)", (long) FileStatus.INODE);
        ours.put("offsetof(struct stat, st_mode)", (long) FileStatus.MODE);
        ours.put("S_IFMT", (long) FileStatus.TYPE_MASK);
        ours.put("S_IFREG", (long) FileStatus.REGULAR);
        ours.put("offsetof(struct stat, st_size)", (long) FileStatus.LENGTH);
        RegisterLayout registers = RegisterLayout.X86_64;
        ours.put("sizeof(struct user_regs_struct)", (long) registers.sizeBytes());
        ours.put("offsetof(struct user_regs_struct, rax)", (long) registers.number());
        ours.put("offsetof(struct user_regs_struct, rax) + 0", (long) registers.result());
        ours.put("offsetof(struct user_regs_struct, orig_rax)", (long) registers.restart());
        ours.put("offsetof(struct user_regs_struct, rip)", (long) registers.programCounter());
        String[] names = {"rdi", "rsi", "rdx", "r10", "r8", "r9"};
        for (int i = 0; i < names.length; i++) {
            ours.put("offsetof(struct user_regs_struct, " + names[i] + ")", (long)
                    registers.arguments().get(i));
        }
        ours.put("SYS_read", (long) Syscalls.READ);
        ours.put("SYS_write", (long) Syscalls.WRITE);
        ours.put("SYS_close", (long) Syscalls.CLOSE);
        ours.put("SYS_fstat", (long) Syscalls.FSTAT);
        ours.put("SYS_poll", (long) Syscalls.POLL);
        ours.put("SYS_lseek", (long) Syscalls.LSEEK);
        ours.put("SYS_mmap", (long) Syscalls.MMAP);
        ours.put("SYS_munmap", (long) Syscalls.MUNMAP);
        ours.put("SYS_ioctl", (long) Syscalls.IOCTL);
        ours.put("SYS_pread64", (long) Syscalls.PREAD64);
        ours.put("SYS_pwrite64", (long) Syscalls.PWRITE64);
        ours.put("SYS_getpid", (long) Syscalls.GETPID);
        ours.put("SYS_socket", (long) Syscalls.SOCKET);
        ours.put("SYS_connect", (long) Syscalls.CONNECT);
        ours.put("SYS_sendmsg", (long) Syscalls.SENDMSG);
        ours.put("SYS_shutdown", (long) Syscalls.SHUTDOWN);
        ours.put("SYS_setsockopt", (long) Syscalls.SETSOCKOPT);
        ours.put("SYS_getsockopt", (long) Syscalls.GETSOCKOPT);
        ours.put("SYS_wait4", (long) Syscalls.WAIT4);
        ours.put("SYS_fcntl", (long) Syscalls.FCNTL);
        ours.put("SYS_ftruncate", (long) Syscalls.FTRUNCATE);
        ours.put("SYS_unlink", (long) Syscalls.UNLINK);
        ours.put("SYS_ptrace", (long) Syscalls.PTRACE);
        ours.put("SYS_fstatfs", (long) Syscalls.FSTATFS);
        ours.put("SYS_prctl", (long) Syscalls.PRCTL);
        ours.put("PR_SET_DUMPABLE", (long) CoreDumps.PR_SET_DUMPABLE);
        ours.put("SYS_openat", (long) Syscalls.OPENAT);
        ours.put("SYS_newfstatat", (long) Syscalls.NEWFSTATAT);
        ours.put("SYS_fallocate", (long) Syscalls.FALLOCATE);
        ours.put("SYS_eventfd2", (long) Syscalls.EVENTFD2);
        ours.put("SYS_memfd_create", (long) Syscalls.MEMFD_CREATE);
        ours.put("SYS_userfaultfd", (long) Syscalls.USERFAULTFD);
        ours.put("SYS_pidfd_send_signal", (long) Syscalls.PIDFD_SEND_SIGNAL);
        ours.put("SYS_pidfd_open", (long) Syscalls.PIDFD_OPEN);
        ours.put("SYS_pidfd_getfd", (long) Syscalls.PIDFD_GETFD);
        ours.put("O_CLOEXEC", (long) UffdAbi.O_CLOEXEC);
        ours.put("O_NOFOLLOW", (long) UntrustedFile.O_NOFOLLOW);
        ours.put("O_NONBLOCK", (long) UffdAbi.O_NONBLOCK);
        String includes = """
                #include <sys/prctl.h>
                #include <sys/stat.h>
                #include <sys/syscall.h>
                #include <sys/user.h>
                #include <fcntl.h>
                """;
        assertHeadersSay(directory, includes, ours);
    }

    /** Debian 12's headers are of Linux 6.1, PAGEMAP_SCAN came with 6.7: values worked out by hand from include/uapi/linux/fs.h. */
    @Test
    void shouldAgreeWithKernelSourceWhereHeadersAreOlder() {
        assertThat(PagemapAbi.PAGEMAP_SCAN).isEqualTo(0xC0606610L);
        assertThat(PagemapAbi.ARGUMENT_SIZE).isEqualTo(12 * Long.BYTES);
        assertThat(PagemapAbi.RETURN_MASK).isEqualTo(11 * Long.BYTES);
        assertThat(PagemapAbi.REGION_SIZE).isEqualTo(3 * Long.BYTES);
        assertThat(UffdAbi.USERFAULTFD_IOC_NEW).isEqualTo(0xAA00L);
        assertThat(Userfaultfd.FEATURE_WP_UNPOPULATED).isEqualTo(0x2000L);
        assertThat(Userfaultfd.FEATURE_WP_ASYNC).isEqualTo(0x8000L);
    }

    @Test
    void shouldMakeRequestNumbersByTheFormula() {
        assertThat(UffdAbi.UFFDIO_API).isEqualTo(0xC018AA3FL);
        assertThat(UffdAbi.UFFDIO_REGISTER).isEqualTo(0xC020AA00L);
        assertThat(UffdAbi.UFFDIO_UNREGISTER).isEqualTo(0x8010AA01L);
        assertThat(UffdAbi.UFFDIO_WAKE).isEqualTo(0x8010AA02L);
        assertThat(UffdAbi.UFFDIO_COPY).isEqualTo(0xC028AA03L);
        assertThat(UffdAbi.UFFDIO_ZEROPAGE).isEqualTo(0xC020AA04L);
        assertThat(UffdAbi.UFFDIO_WRITEPROTECT).isEqualTo(0xC018AA06L);
        assertThat(UffdAbi.UFFDIO_CONTINUE).isEqualTo(0xC020AA07L);
        // Newer than the headers of this distribution.
        assertThat(UffdAbi.UFFDIO_POISON).isEqualTo(0xC020AA08L);
    }

    private static void assertHeadersSay(Path directory, String includes, Map<String, Long> ours) throws Exception {
        StringBuilder source =
                new StringBuilder(includes).append("#include <stddef.h>\n#include <stdio.h>\nint main(void) {\n");
        ours.keySet()
                .forEach(name -> source.append("printf(\"%llu\\n\", (unsigned long long)(")
                        .append(name)
                        .append("));\n"));
        source.append("return 0;\n}\n");
        Path program = CProgram.compile(directory, "abi", source.toString());
        Map<String, Long> theirs = new LinkedHashMap<>();
        var values = CProgram.run(program.toString()).lines().iterator();
        ours.keySet().forEach(name -> theirs.put(name, Long.parseUnsignedLong(values.next())));
        assertThat(ours).isEqualTo(theirs);
    }
}
