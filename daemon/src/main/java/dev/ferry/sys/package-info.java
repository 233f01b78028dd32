/**
 * The only floor with native code: descriptors, userfaultfd, pagemap, ptrace, RAM files, sockets that carry descriptors, /proc.
 *
 * <p>From the outside in: public classes speak of what is done ({@link dev.ferry.sys.Userfaultfd},
 * {@link dev.ferry.sys.RemoteSyscall}); {@code UffdAbi}, {@code PagemapAbi} and {@code RegisterLayout} hold the kernel's
 * numbers; {@code Syscalls} calls by number and answers −errno; {@code Libc} is the one binding.
 *
 * <p>Three rules: no Java code touches memory that is registered with a userfaultfd in this process (a system call may, it is
 * outside the JVM's safepoints); errno is read at once, by the thread that made the call; an {@link dev.ferry.sys.Fd} goes
 * back to the kernel only after the last call that uses it.
 */
package dev.ferry.sys;
