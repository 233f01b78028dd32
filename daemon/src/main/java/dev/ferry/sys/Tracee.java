package dev.ferry.sys;

import dev.ferry.base.ErrorCategory;
import dev.ferry.base.FerryException;
import java.nio.ByteBuffer;
import java.time.Duration;

/**
 * One stopped thread of another process, its registers and signal mask kept for later. All its signals are blocked while it
 * is ours: they stay in the kernel's queue, with everything that came with them, and arrive after {@link #release}. Used by
 * the one thread that made it.
 *
 * <p>Between calls the thread stands in PTRACE_EVENT_STOP and nowhere else. There, and not in a system call's exit stop, the
 * kernel looks at the registers on the way out and restarts a call that our stop interrupted (ptrace(2), signal(7)).
 */
final class Tracee {
    private static final int EVENT_STOP = 128;
    private static final int SIGTRAP = 5;
    private static final int SYSCALL_STOP_SIGNAL = SIGTRAP | 0x80;
    private static final int SIGSTOP = 19;

    /** The kernel's own "start this call again" results: ERESTARTSYS to ERESTART_RESTARTBLOCK. */
    private static final long RESTART_FIRST = -516;

    private static final long RESTART_LAST = -512;
    private static final int RESTARTS = 100;

    private final int pid;
    private final Ptrace ptrace;
    private final RegisterLayout layout;
    private final long instruction;
    private final Duration limit;
    private final ByteBuffer saved;
    private final ByteBuffer work;
    private long savedMask;
    private boolean captured;
    private boolean stopped;
    /** Stopped at the entry or the exit of a system call, where it must not be let go: see above. */
    private boolean inCall;

    private Tracee(int pid, int tid, Duration limit) {
        this.pid = pid;
        this.ptrace = new Ptrace(tid);
        this.layout = RegisterLayout.ofThisMachine();
        this.limit = limit;
        this.saved = NativeBuffer.allocate(layout.sizeBytes());
        this.work = NativeBuffer.allocate(layout.sizeBytes());
        this.instruction = SyscallInstruction.find(pid, layout.instruction());
    }

    static Tracee stop(int pid, int tid, Duration limit) {
        Tracee tracee = new Tracee(pid, tid, limit);
        tracee.seize();
        try {
            tracee.capture();
            return tracee;
        } catch (RuntimeException e) {
            tracee.releaseAfter(e);
            throw e;
        }
    }

    private void seize() {
        try {
            ptrace.seize();
        } catch (SysException e) {
            if (e.errno() != Errno.EPERM) {
                throw e;
            }
            throw new FerryException(
                    ErrorCategory.PERMISSION_DENIED,
                    "process " + pid + " cannot be traced: it needs CAP_SYS_PTRACE, and no debugger or strace on it",
                    e);
        }
    }

    private void capture() {
        ptrace.interrupt();
        runTo(EVENT_STOP, Ptrace.CONT, false);
        if (ptrace.getRegisters(saved) != layout.sizeBytes()) {
            throw new FerryException(ErrorCategory.UNIMPLEMENTED, "process " + pid + " is not a 64-bit process");
        }
        savedMask = ptrace.getSignalMask();
        captured = true;
        ptrace.setSignalMask(-1);
    }

    /** The result or −errno. */
    long call(long number, long... arguments) {
        for (int i = 0; i < RESTARTS; i++) {
            long result = callOnce(number, arguments);
            if (result < RESTART_FIRST || result > RESTART_LAST) {
                return result;
            }
        }
        return -Errno.EINTR;
    }

    private long callOnce(long number, long... arguments) {
        work.put(0, saved, 0, saved.capacity());
        layout.prepare(work, instruction, number, arguments);
        ptrace.setRegisters(work);
        runTo(SYSCALL_STOP_SIGNAL, Ptrace.SYSCALL, true);
        runTo(SYSCALL_STOP_SIGNAL, Ptrace.SYSCALL, true);
        ptrace.getRegisters(work);
        long result = work.getLong(layout.result());
        ptrace.interrupt();
        runTo(EVENT_STOP, Ptrace.CONT, true);
        return result;
    }

    /**
     * Lets the thread run until it stands in the wanted kind of stop. What else stops it goes on at once, with its signal.
     *
     * @param wanted EVENT_STOP or SYSCALL_STOP_SIGNAL
     * @param resumeFirst false: it runs already
     */
    private void runTo(int wanted, int how, boolean resumeFirst) {
        boolean resume = resumeFirst;
        int signal = 0;
        while (true) {
            if (resume) {
                ptrace.resume(how, signal);
            }
            stopped = false;
            int status = ptrace.awaitStop(limit);
            if ((status & 0xFF) != 0x7F) {
                throw new SysException("process " + pid + " ended meanwhile", Errno.ESRCH);
            }
            stopped = true;
            int stopSignal = status >> 8 & 0xFF;
            int event = status >> 16;
            inCall = stopSignal == SYSCALL_STOP_SIGNAL;
            if (wanted == (event == EVENT_STOP ? EVENT_STOP : stopSignal)) {
                return;
            }
            if (wanted == EVENT_STOP) {
                // Every stop takes a pending interrupt away (ptrace_stop() in kernel/signal.c): ask for ours again.
                ptrace.interrupt();
            }
            resume = true;
            signal = event == 0 && !inCall ? deliverable(stopSignal) : 0;
        }
    }

    /**
     * Before we hold the mask every signal takes its usual way, on the thread's own registers. After that only SIGSTOP can
     * come (and SIGKILL, which needs nobody); anything else was raised by our own instruction.
     */
    private int deliverable(int signal) {
        if (captured && signal != SIGSTOP) {
            throw new FerryException(
                    ErrorCategory.INTERNAL, "the injected system call raised signal " + signal + " in process " + pid);
        }
        return signal;
    }

    /**
     * Puts everything back and lets the thread go; nothing to do if the process has ended. Whatever fails, the kernel lets it
     * go when the calling thread ends.
     */
    void release() {
        try {
            if (!stopped || inCall) {
                ptrace.interrupt();
                runTo(EVENT_STOP, Ptrace.CONT, stopped);
            }
            try {
                putBack();
            } finally {
                ptrace.detach();
            }
        } catch (SysException e) {
            if (e.errno() != Errno.ESRCH) {
                throw e;
            }
        }
    }

    private void putBack() {
        if (captured) {
            ptrace.setRegisters(saved);
            ptrace.setSignalMask(savedMask);
        }
    }

    void releaseAfter(RuntimeException failure) {
        try {
            release();
        } catch (RuntimeException e) {
            failure.addSuppressed(e);
        }
    }
}
