package dev.ferry.sys;

/** eventfd(2): wakes a thread that waits in poll. */
public final class EventFd implements AutoCloseable {
    public static EventFd create() {
        throw new UnsupportedOperationException("skeleton");
    }

    public int raw() {
        throw new UnsupportedOperationException("skeleton");
    }

    public void signal() {
        throw new UnsupportedOperationException("skeleton");
    }

    @Override
    public void close() {
        throw new UnsupportedOperationException("skeleton");
    }
}
