package dev.ferry.sys;

import dev.ferry.base.ErrorCategory;
import dev.ferry.base.FerryException;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/** What this kernel and these privileges can do, found out by doing it once. Each answer keeps its cause. */
public final class KernelSupport {
    private static final int SIGKILL = 9;

    /** @param cause why not, for people: what was tried, errno, what to do; empty if available */
    public record Probe(String feature, Optional<Throwable> cause) {
        public boolean available() {
            return cause.isEmpty();
        }
    }

    /** What worked once works as long as this process lives; what did not is tried again. */
    private static final Set<String> AVAILABLE = ConcurrentHashMap.newKeySet();

    private KernelSupport() {}

    /** /dev/userfaultfd can be opened, or userfaultfd(2) works. */
    public static Probe userfaultfd() {
        String advice = "needs CONFIG_USERFAULTFD, and /dev/userfaultfd readable or CAP_SYS_PTRACE";
        return probe("userfaultfd", advice, () -> {
            try (Userfaultfd uffd = Userfaultfd.create()) {
                uffd.api(0);
            }
        });
    }

    /** Source: WP_ASYNC, WP_UNPOPULATED and PAGEMAP_SCAN, tried on a page of our own. */
    public static Probe writeTracking() {
        return probe("write tracking", "needs Linux 6.7 with CONFIG_PTE_MARKER_UFFD_WP", () -> {
            try (Mapping page = Mapping.anonymous(PageSize.BASE);
                    Userfaultfd uffd = Userfaultfd.create();
                    Pagemap pagemap =
                            Pagemap.open(Math.toIntExact(ProcessHandle.current().pid()))) {
                uffd.api(Userfaultfd.FEATURE_WP_ASYNC
                        | Userfaultfd.FEATURE_WP_UNPOPULATED
                        | Userfaultfd.FEATURE_WP_HUGETLBFS_SHMEM);
                uffd.register(page.address(), PageSize.BASE, Userfaultfd.MODE_WP);
                uffd.writeProtect(page.address(), PageSize.BASE, true);
                // The kernel writes: a fault of a Java thread, should the feature not hold its promise, would stop the
                // JVM.
                fillByKernel(page.address());
                long[] bytes = new long[1];
                pagemap.harvestWritten(
                        page.address(), page.address() + PageSize.BASE, (start, end) -> bytes[0] += end - start);
                require(bytes[0] == PageSize.BASE, "a page was written and PAGEMAP_SCAN did not report it");
            }
        });
    }

    private static void fillByKernel(long address) {
        try (Fd zero = Fd.open("/dev/zero", 0, 0)) {
            Syscalls.check(zero.call(Syscalls.READ, address, PageSize.BASE, 0), "read(/dev/zero)");
        }
    }

    /** Destination: MISSING_SHMEM and MINOR_SHMEM, tried on a memfd of our own, which nobody touches. */
    public static Probe minorFaults() {
        return probe("minor faults", "needs Linux 5.14 with CONFIG_HAVE_ARCH_USERFAULTFD_MINOR", () -> {
            try (RamFile file = MemFd.create("ferry-probe", 2 * PageSize.BASE);
                    Mapping source = Mapping.anonymous(PageSize.BASE);
                    Userfaultfd uffd = Userfaultfd.create();
                    Mapping pages = file.mapRaw()) {
                uffd.api(Userfaultfd.FEATURE_MISSING_SHMEM | Userfaultfd.FEATURE_MINOR_SHMEM);
                uffd.register(pages.address(), pages.lengthBytes(), Userfaultfd.MODE_MISSING | Userfaultfd.MODE_MINOR);
                file.write(0, source.address(), PageSize.BASE);
                require(uffd.continueRange(pages.address(), PageSize.BASE) == PageSize.BASE, "UFFDIO_CONTINUE failed");
                long missing = pages.address() + PageSize.BASE;
                require(uffd.copy(missing, source.address(), PageSize.BASE) == PageSize.BASE, "UFFDIO_COPY failed");
            }
        });
    }

    /** UFFDIO_POISON, tried on a page of our own, which nobody touches. */
    public static Probe poison() {
        return probe("page poisoning", "needs Linux 6.6", () -> {
            try (RamFile file = MemFd.create("ferry-probe", PageSize.BASE);
                    Userfaultfd uffd = Userfaultfd.create();
                    Mapping page = file.mapRaw()) {
                uffd.api(Userfaultfd.FEATURE_MISSING_SHMEM | Userfaultfd.FEATURE_MINOR_SHMEM);
                uffd.register(page.address(), page.lengthBytes(), Userfaultfd.MODE_MISSING | Userfaultfd.MODE_MINOR);
                require(uffd.poison(page.address(), PageSize.BASE) == PageSize.BASE, "UFFDIO_POISON failed");
            }
        });
    }

    /** pidfd_getfd and ptrace, tried on a process of our own that is nobody's child (see {@link RemoteSyscall}). */
    public static Probe injection() {
        String advice = "needs CAP_SYS_PTRACE, kernel.yama.ptrace_scope below 3, and ptrace not filtered by seccomp";
        return probe("injection", advice, () -> {
            int pid = Orphan.start("sleep", "60");
            try (PidFd process = PidFd.open(pid)) {
                try (RemoteSyscall remote = RemoteSyscall.attach(pid)) {
                    require(remote.call(Syscalls.GETPID, 0, 0, 0, 0, 0, 0) == pid, "an injected getpid() lied");
                    long made = remote.call(Syscalls.EVENTFD2, 0, 0, 0, 0, 0, 0);
                    process.getFd(Math.toIntExact(Syscalls.check(made, "an injected eventfd()")))
                            .close();
                } finally {
                    process.signal(SIGKILL);
                }
            }
        });
    }

    private static Probe probe(String feature, String advice, Runnable attempt) {
        if (AVAILABLE.contains(feature)) {
            return new Probe(feature, Optional.empty());
        }
        try {
            attempt.run();
            AVAILABLE.add(feature);
            return new Probe(feature, Optional.empty());
        } catch (RuntimeException e) {
            return new Probe(
                    feature,
                    Optional.of(new FerryException(
                            ErrorCategory.UNIMPLEMENTED,
                            feature + " does not work here (" + advice + "): " + e.getMessage(),
                            e)));
        }
    }

    private static void require(boolean condition, String otherwise) {
        if (!condition) {
            throw new FerryException(ErrorCategory.UNIMPLEMENTED, otherwise);
        }
    }
}
