package dev.ferry.sys;

import dev.ferry.base.ErrorCategory;
import dev.ferry.base.FerryException;
import java.nio.ByteBuffer;
import java.util.Comparator;
import java.util.List;

/** Finds a system call instruction in a process that is to make one: in the vDSO, otherwise in any executable mapping. */
final class SyscallInstruction {
    private static final String VDSO = "[vdso]";
    /** Not readable from outside. */
    private static final String VSYSCALL = "[vsyscall]";

    private static final int CHUNK_BYTES = 64 * 1024;

    private SyscallInstruction() {}

    /** Costs a read of /proc/PID/maps: before the thread is stopped. */
    static long find(int pid, ByteBuffer instruction) {
        List<ProcMaps.Mapping> executable = ProcMaps.read(pid).stream()
                .filter(m -> m.isExecutable() && !m.path().equals(VSYSCALL))
                .sorted(Comparator.comparing(m -> !m.path().equals(VDSO)))
                .toList();
        ByteBuffer chunk = NativeBuffer.allocate(CHUNK_BYTES);
        for (ProcMaps.Mapping mapping : executable) {
            for (long at = mapping.start(); at < mapping.end(); at += CHUNK_BYTES) {
                int length = Math.toIntExact(Math.min(CHUNK_BYTES, mapping.end() - at));
                ProcessMemory.read(pid, at, NativeBuffer.address(chunk), length);
                int index = indexOf(chunk, length, instruction);
                if (index >= 0) {
                    return at + index;
                }
            }
        }
        throw new FerryException(ErrorCategory.UNIMPLEMENTED, "process " + pid + " has no system call instruction");
    }

    private static int indexOf(ByteBuffer haystack, int length, ByteBuffer needle) {
        for (int i = 0; i <= length - needle.limit(); i++) {
            int matching = 0;
            while (matching < needle.limit() && haystack.get(i + matching) == needle.get(matching)) {
                matching++;
            }
            if (matching == needle.limit()) {
                return i;
            }
        }
        return -1;
    }
}
