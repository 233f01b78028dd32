package dev.ferry.sys;

import java.nio.ByteBuffer;
import java.util.List;

/**
 * How an architecture enters the kernel, and where its registers are in NT_PRSTATUS (struct user_regs_struct, sys/user.h).
 * Another architecture is another row here.
 *
 * @param sizeBytes of the register set; another size means a process of another word size
 * @param number where the call's number goes; on x86-64 also where the result comes back
 * @param restart the kernel looks here whether an interrupted call is to be restarted: −1 says no
 * @param arguments of the six arguments
 * @param instruction the bytes of the system call instruction
 */
record RegisterLayout(
        int sizeBytes,
        int number,
        int restart,
        int result,
        int programCounter,
        List<Integer> arguments,
        ByteBuffer instruction) {
    private static final int ARGUMENTS = 6;

    /** rax, orig_rax, rip; rdi, rsi, rdx, r10, r8, r9; {@code syscall}. */
    static final RegisterLayout X86_64 = new RegisterLayout(
            216, 80, 120, 80, 128, List.of(112, 104, 96, 56, 72, 64), ByteBuffer.wrap(new byte[] {0x0F, 0x05}));

    RegisterLayout {
        if (arguments.size() != ARGUMENTS) {
            throw new IllegalArgumentException("arguments");
        }
    }

    static RegisterLayout ofThisMachine() {
        String architecture = System.getProperty("os.arch");
        if (!"amd64".equals(architecture)) {
            throw new SysException("system calls in another process on " + architecture, Errno.ENOSYS);
        }
        return X86_64;
    }

    /** Everything else in the set stays as it is: stack, flags, segments. */
    void prepare(ByteBuffer registers, long instructionAddress, long callNumber, long... values) {
        registers
                .putLong(restart, -1)
                .putLong(programCounter, instructionAddress)
                .putLong(number, callNumber);
        for (int i = 0; i < ARGUMENTS; i++) {
            registers.putLong(arguments.get(i), values[i]);
        }
    }
}
