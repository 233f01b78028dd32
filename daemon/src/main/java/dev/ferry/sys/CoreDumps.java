package dev.ferry.sys;

/** Whether the kernel may write this process's memory, which has guests' pages in it, to a file or a pipe when it crashes. */
public final class CoreDumps {
    /** prctl(2). */
    static final int PR_SET_DUMPABLE = 4;

    private CoreDumps() {}

    /**
     * None from now on, whatever the limit of core files is (a pipe in core_pattern does not ask for it), and no tracing by other
     * processes of this user. A program that is started from here begins anew: guests' QEMUs are their owners' to dump.
     */
    public static void forbid() {
        Syscalls.check(Syscalls.call(Syscalls.PRCTL, PR_SET_DUMPABLE, 0, 0), "prctl(PR_SET_DUMPABLE, 0)");
    }
}
