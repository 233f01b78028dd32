package dev.ferry.sys;

/**
 * Runs system calls inside another process, of any uid and unmodified, by ptrace (PTRACE_SEIZE, PTRACE_INTERRUPT): one
 * thread of it is stopped for as long as this object is open, registers are put back on close. All ptrace calls are made
 * on one dedicated platform thread, whichever thread calls. x86-64; the architecture is a table.
 */
public final class RemoteSyscall implements AutoCloseable {
    /** Stops one thread (not a vCPU where that can be told) of the process. */
    public static RemoteSyscall attach(int pid) {
        throw new UnsupportedOperationException("skeleton");
    }

    /** Runs one call there; returns its result, negative: −errno. */
    public long call(long number, long a, long b, long c, long d, long e, long f) {
        throw new UnsupportedOperationException("skeleton");
    }

    @Override
    public void close() {
        throw new UnsupportedOperationException("skeleton");
    }
}
