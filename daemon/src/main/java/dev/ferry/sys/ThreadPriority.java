package dev.ferry.sys;

import dev.ferry.base.Urgency;

/** How the kernel schedules the calling thread. Where the privilege is missing, nothing changes. */
public final class ThreadPriority {
    private static final int SCHED_OTHER = 0;
    private static final int SCHED_RR = 2;
    private static final int RESET_ON_FORK = 0x4000_0000;
    private static final int PRIO_PROCESS = 0;

    /** Ahead of every ordinary thread, behind every other real-time one. */
    private static final int LOWEST_REAL_TIME = 1;

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

    /** For a thread that a vCPU waits for and that works for microseconds: real time, or the best that is allowed. */
    public static void urgent() {
        if (schedule(SCHED_RR | RESET_ON_FORK, LOWEST_REAL_TIME) < 0) {
            nice(AHEAD);
        }
    }

    public static void normal() {
        schedule(SCHED_OTHER, 0);
        nice(0);
    }

    /** For work that gives way to vCPUs: copying memory while the guest runs. */
    public static void background() {
        if (MAY_RAISE) {
            schedule(SCHED_OTHER, 0);
            nice(BEHIND);
        }
    }

    private static long schedule(int policy, int priority) {
        NativeArguments arguments = NativeArguments.get();
        arguments.bytes.putInt(0, priority);
        return Syscalls.call(Syscalls.SCHED_SETSCHEDULER, 0, policy, arguments.address);
    }

    /** Of the calling thread: Linux takes 0 for that, not for the process. */
    private static long nice(int value) {
        return Syscalls.call(Syscalls.SETPRIORITY, PRIO_PROCESS, 0, value);
    }
}
