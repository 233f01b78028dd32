package dev.ferry.sys;

/** An open file descriptor of this process. Closing twice does no harm; using it after that is an error, never another file. */
public final class Fd implements AutoCloseable {
    /** Takes ownership of a raw descriptor. */
    public static Fd own(int raw) {
        throw new UnsupportedOperationException("skeleton");
    }

    /** open(2), O_CLOEXEC added. */
    public static Fd open(String path, int flags, int mode) {
        throw new UnsupportedOperationException("skeleton");
    }

    public int raw() {
        throw new UnsupportedOperationException("skeleton");
    }

    public boolean isOpen() {
        throw new UnsupportedOperationException("skeleton");
    }

    @Override
    public void close() {
        throw new UnsupportedOperationException("skeleton");
    }
}
