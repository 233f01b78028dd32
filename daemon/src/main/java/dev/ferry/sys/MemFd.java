package dev.ferry.sys;

/** memfd_create(2): a RAM file without a name. */
final class MemFd {
    private static final int MFD_CLOEXEC = 1;
    private static final int MFD_HUGETLB = 4;

    private MemFd() {}

    static RamFile create(String name, long lengthBytes) {
        return create(name, lengthBytes, MFD_CLOEXEC);
    }

    /** Of the default huge page size. */
    static RamFile createHuge(String name, long lengthBytes) {
        return create(name, lengthBytes, MFD_CLOEXEC | MFD_HUGETLB);
    }

    private static RamFile create(String name, long lengthBytes, int flags) {
        long result = NativeBuffer.withCString(name, text -> Syscalls.call(Syscalls.MEMFD_CREATE, text, flags, 0));
        Fd fd = Fd.own(result, "memfd_create(" + name + ")");
        try {
            Syscalls.check(fd.call(Syscalls.FTRUNCATE, lengthBytes, 0, 0), "ftruncate(memfd, " + lengthBytes + ")");
            return RamFile.of(fd);
        } catch (RuntimeException e) {
            fd.close();
            throw e;
        }
    }
}
