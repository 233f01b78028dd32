package dev.ferry.sys;

import java.util.Optional;

/** What this kernel and these privileges can do, found out by doing it once. Each answer keeps its cause. */
public final class KernelSupport {
    /** @param cause why not, for people: what was tried, errno, what to do; empty if available */
    public record Probe(String feature, Optional<Throwable> cause) {
        public boolean available() {
            return cause.isEmpty();
        }
    }

    private KernelSupport() {}

    /** /dev/userfaultfd can be opened, or userfaultfd(2) works. */
    public static Probe userfaultfd() {
        throw new UnsupportedOperationException("skeleton");
    }

    /** Source: WP_ASYNC, WP_UNPOPULATED and PAGEMAP_SCAN, tried on a page of our own. */
    public static Probe writeTracking() {
        throw new UnsupportedOperationException("skeleton");
    }

    /** Destination: MISSING_SHMEM and MINOR_SHMEM, tried on a memfd of our own (by a thread that is not a Java thread's heap access). */
    public static Probe minorFaults() {
        throw new UnsupportedOperationException("skeleton");
    }

    /** pidfd_getfd and ptrace, tried on a child. */
    public static Probe injection() {
        throw new UnsupportedOperationException("skeleton");
    }
}
