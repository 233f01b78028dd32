package dev.ferry.sys;

import jnr.ffi.LastError;
import jnr.ffi.LibraryLoader;
import jnr.ffi.Runtime;

/**
 * The C library as far as it is called. Signatures are all longs: with up to six of them jnr-ffi calls without allocating
 * (about 0.1 µs); a seventh costs 72 bytes of garbage and 0.05 µs more.
 */
final class Libc {
    /** Bound by jnr-ffi; public because it generates an implementation in its own class loader. */
    public interface Functions {
        /** For system calls of up to four arguments. */
        long syscall(long number, long a, long b, long c, long d);

        long syscall(long number, long a, long b, long c, long d, long e, long f);

        // Six longs exactly: the signature that jnr-ffi's own x86 stubs get wrong, right only because they are off
        // (below).
        long process_vm_readv(long pid, long local, long localCount, long remote, long remoteCount, long flags);

        long process_vm_writev(long pid, long local, long localCount, long remote, long remoteCount, long flags);
    }

    static final Functions FUNCTIONS;
    private static final Runtime RUNTIME;

    static {
        // jnr-ffi's x86 stubs pass garbage as the sixth of exactly six integers (2.2.17 and 2.3.4): mmap's offset,
        // process_vm_readv's flags. It reads this property when the first library is loaded.
        System.setProperty("jnr.ffi.x86asm.enabled", "false");
        FUNCTIONS = LibraryLoader.create(Functions.class).load("c");
        RUNTIME = Runtime.getRuntime(FUNCTIONS);
    }

    private Libc() {}

    /** errno of this thread's last failed call; stale after a success. */
    static int errno() {
        return LastError.getLastError(RUNTIME);
    }
}
