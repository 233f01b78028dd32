package dev.ferry.sys;

import dev.ferry.base.Urgency;

/** How the kernel schedules the calling thread. Where the privilege is missing, nothing changes. */
public final class ThreadPriority {
    private static final int PRIO_PROCESS = 0;

    /**
     * Not real time: its wake-ups look for a CPU with nothing urgent on it, and waking another CPU costs more than the whole
     * rest of a fault; an ordinary thread is woken where the one that wakes it is about to sleep.
     */
    private static final int AHEAD = -15;
    /** A third of the weight of an ordinary thread: it still gets on where every CPU is busy. */
    private static final int BEHIND = 5;

    /** Whoever cannot raise a thread again had better not lower it. */
    private static final boolean MAY_RAISE = nice(-1) == 0 && nice(0) == 0;

    /** The same, for floors that do not know the kernel. */
    public static final Urgency URGENCY = new Urgency() {
        @Override
        public void background() {
            ThreadPriority.background();
        }

        @Override
        public void normal() {
            ThreadPriority.normal();
        }

        @Override
        public void urgent() {
            ThreadPriority.urgent();
        }
    };

    private ThreadPriority() {}

    /** For a thread that a vCPU waits for and that works for microseconds. */
    public static void urgent() {
        nice(AHEAD);
    }

    public static void normal() {
        nice(0);
    }

    /** For work that gives way to vCPUs: copying memory while the guest runs. */
    public static void background() {
        if (MAY_RAISE) {
            nice(BEHIND);
        }
    }

    /** Of the calling thread: Linux takes 0 for that, not for the process. */
    private static long nice(int value) {
        return Syscalls.call(Syscalls.SETPRIORITY, PRIO_PROCESS, 0, value);
    }
}
