package dev.ferry.sys;

/** Numbers and struct layouts of include/uapi/linux/userfaultfd.h. Offsets in bytes; every field is 8 bytes unless said. */
final class UffdAbi {
    static final long API = 0xAA;
    private static final int TYPE = 0xAA;

    /** struct uffdio_range: start, len. Every longer struct but uffdio_copy and uffdio_api begins with one. */
    static final int RANGE_START = 0;

    static final int RANGE_LENGTH = 8;
    static final int RANGE_SIZE = 16;

    /** struct uffdio_api: api, features, ioctls. */
    static final int API_VERSION = 0;

    static final int API_FEATURES = 8;
    static final int API_IOCTLS = 16;
    static final int API_SIZE = 24;

    /** struct uffdio_register: range, mode, ioctls. */
    static final int REGISTER_MODE = 16;

    static final int REGISTER_IOCTLS = 24;
    static final int REGISTER_SIZE = 32;

    /** struct uffdio_writeprotect: range, mode. */
    static final int WRITEPROTECT_MODE = 16;

    static final int WRITEPROTECT_SIZE = 24;

    /** struct uffdio_continue, uffdio_zeropage and uffdio_poison: range, mode, bytes done or −errno. */
    static final int PLACE_MODE = 16;

    static final int PLACE_DONE = 24;
    static final int PLACE_SIZE = 32;

    /** struct uffdio_copy: dst, src, len, mode, bytes done or −errno. */
    static final int COPY_DESTINATION = 0;

    static final int COPY_SOURCE = 8;
    static final int COPY_LENGTH = 16;
    static final int COPY_MODE = 24;
    static final int COPY_DONE = 32;
    static final int COPY_SIZE = 40;

    /** struct uffd_msg: event (1 byte), then at 8 for a page fault: flags, address, thread id (4 bytes). */
    static final int MESSAGE_EVENT = 0;

    static final int MESSAGE_FLAGS = 8;
    static final int MESSAGE_ADDRESS = 16;
    static final int MESSAGE_THREAD = 24;
    /** The same bytes when the event is UFFD_EVENT_REMOVE. */
    static final int MESSAGE_REMOVE_START = 8;

    static final int MESSAGE_REMOVE_END = 16;
    static final int MESSAGE_SIZE = 32;

    static final long UFFDIO_API = Ioctl.iowr(TYPE, 0x3F, API_SIZE);
    static final long UFFDIO_REGISTER = Ioctl.iowr(TYPE, 0x00, REGISTER_SIZE);
    static final long UFFDIO_UNREGISTER = Ioctl.ior(TYPE, 0x01, RANGE_SIZE);
    static final long UFFDIO_WAKE = Ioctl.ior(TYPE, 0x02, RANGE_SIZE);
    static final long UFFDIO_COPY = Ioctl.iowr(TYPE, 0x03, COPY_SIZE);
    static final long UFFDIO_ZEROPAGE = Ioctl.iowr(TYPE, 0x04, PLACE_SIZE);
    static final long UFFDIO_WRITEPROTECT = Ioctl.iowr(TYPE, 0x06, WRITEPROTECT_SIZE);
    static final long UFFDIO_CONTINUE = Ioctl.iowr(TYPE, 0x07, PLACE_SIZE);
    static final long UFFDIO_POISON = Ioctl.iowr(TYPE, 0x08, PLACE_SIZE);

    /** On an open /dev/userfaultfd: a new userfaultfd of the calling process; the argument is O_CLOEXEC | O_NONBLOCK. */
    static final long USERFAULTFD_IOC_NEW = Ioctl.io(TYPE, 0x00);

    static final int O_CLOEXEC = 0x80000;
    static final int O_NONBLOCK = 0x800;

    private UffdAbi() {}

    /** For error messages. */
    static String name(long request) {
        if (request == UFFDIO_API) {
            return "UFFDIO_API";
        } else if (request == UFFDIO_REGISTER) {
            return "UFFDIO_REGISTER";
        } else if (request == UFFDIO_UNREGISTER) {
            return "UFFDIO_UNREGISTER";
        } else if (request == UFFDIO_WAKE) {
            return "UFFDIO_WAKE";
        } else if (request == UFFDIO_POISON) {
            return "UFFDIO_POISON";
        } else if (request == UFFDIO_WRITEPROTECT) {
            return "UFFDIO_WRITEPROTECT";
        }
        return "0x" + Long.toHexString(request);
    }
}
