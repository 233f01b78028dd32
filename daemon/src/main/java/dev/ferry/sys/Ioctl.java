package dev.ferry.sys;

/** How ioctl request numbers are made (include/uapi/asm-generic/ioctl.h): direction, size of the argument, type, number. */
final class Ioctl {
    private static final long WRITE = 1;
    private static final long READ = 2;

    private Ioctl() {}

    /** _IO: no argument struct. */
    static long io(int type, int number) {
        return make(0, type, number, 0);
    }

    /** _IOR */
    static long ior(int type, int number, int sizeBytes) {
        return make(READ, type, number, sizeBytes);
    }

    /** _IOWR */
    static long iowr(int type, int number, int sizeBytes) {
        return make(READ | WRITE, type, number, sizeBytes);
    }

    private static long make(long direction, int type, int number, int sizeBytes) {
        return direction << 30 | (long) sizeBytes << 16 | (long) type << 8 | number;
    }
}
