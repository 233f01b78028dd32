package dev.ferry.sys;

import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.concurrent.locks.LockSupport;

/** ptrace(2) and wait4(2) of one seized thread. Every call must come from the thread that seized. */
final class Ptrace {
    static final int CONT = 7;
    static final int SYSCALL = 24;
    private static final int DETACH = 17;
    private static final int GETREGSET = 0x4204;
    private static final int SETREGSET = 0x4205;
    private static final int SEIZE = 0x4206;
    private static final int INTERRUPT = 0x4207;
    private static final int GETSIGMASK = 0x420A;
    private static final int SETSIGMASK = 0x420B;

    private static final int NT_PRSTATUS = 1;
    private static final int OPTION_TRACESYSGOOD = 1;
    private static final int WNOHANG = 1;
    private static final int WALL = 0x4000_0000;

    /** A stop takes microseconds; only a thread that the kernel holds (disk, a page fault in a system call) takes longer. */
    private static final int YIELDS = 400;

    private static final long PAUSE_NS = 20_000;

    private final int tid;

    Ptrace(int tid) {
        this.tid = tid;
    }

    void seize() {
        request("PTRACE_SEIZE", SEIZE, 0, OPTION_TRACESYSGOOD);
    }

    void interrupt() {
        request("PTRACE_INTERRUPT", INTERRUPT, 0, 0);
    }

    /** @param signal to deliver, 0 for none; heeded only in a stop that reported a signal */
    void resume(int how, int signal) {
        request(how == CONT ? "PTRACE_CONT" : "PTRACE_SYSCALL", how, 0, signal);
    }

    void detach() {
        request("PTRACE_DETACH", DETACH, 0, 0);
    }

    /** The number of bytes of the register set. */
    int getRegisters(ByteBuffer into) {
        NativeArguments arguments = NativeArguments.get();
        arguments.bytes.putLong(0, NativeBuffer.address(into)).putLong(8, into.capacity());
        request("PTRACE_GETREGSET", GETREGSET, NT_PRSTATUS, arguments.address);
        return Math.toIntExact(arguments.bytes.getLong(8));
    }

    void setRegisters(ByteBuffer from) {
        NativeArguments arguments = NativeArguments.get();
        arguments.bytes.putLong(0, NativeBuffer.address(from)).putLong(8, from.capacity());
        request("PTRACE_SETREGSET", SETREGSET, NT_PRSTATUS, arguments.address);
    }

    long getSignalMask() {
        NativeArguments arguments = NativeArguments.get();
        request("PTRACE_GETSIGMASK", GETSIGMASK, Long.BYTES, arguments.address);
        return arguments.bytes.getLong(0);
    }

    void setSignalMask(long mask) {
        NativeArguments arguments = NativeArguments.get();
        arguments.bytes.putLong(0, mask);
        request("PTRACE_SETSIGMASK", SETSIGMASK, Long.BYTES, arguments.address);
    }

    private void request(String name, int request, long address, long data) {
        Syscalls.check(Syscalls.call(Syscalls.PTRACE, request, tid, address, data), name + " of thread " + tid);
    }

    /** Waits for the next stop, by asking: a blocked wait could not be given up. The raw wait status; ETIMEDOUT after the limit. */
    @SuppressWarnings("ThreadPriorityCheck") // The yield is for the stopping thread, which may need this very CPU.
    int awaitStop(Duration limit) {
        NativeArguments arguments = NativeArguments.get();
        long deadlineNs = System.nanoTime() + limit.toNanos();
        for (int tries = 0; ; tries++) {
            long result = Syscalls.retrying(Syscalls.WAIT4, tid, arguments.address, WALL | WNOHANG, 0);
            if (Syscalls.check(result, "wait4 for thread " + tid) == tid) {
                return arguments.bytes.getInt(0);
            }
            if (System.nanoTime() - deadlineNs > 0) {
                throw new SysException("thread " + tid + " did not stop within " + limit, Errno.ETIMEDOUT);
            }
            if (tries < YIELDS) {
                Thread.yield();
            } else {
                LockSupport.parkNanos(PAUSE_NS);
            }
        }
    }
}
