package dev.ferry.wire;

import dev.ferry.postcopy.FaultQueue;
import dev.ferry.sys.Pollable;
import dev.ferry.sys.ThreadPriority;
import io.netty.channel.IoEvent;
import io.netty.channel.IoEventLoop;
import io.netty.channel.IoRegistration;
import io.netty.channel.epoll.EpollIoHandle;
import io.netty.channel.epoll.EpollIoOps;
import io.netty.channel.unix.FileDescriptor;
import io.netty.util.concurrent.Future;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Faults read on the event loop of the demand stream: a fault is read, asked for, answered and placed by this one thread,
 * which runs ahead of all ordinary ones meanwhile. Everything here happens on that loop.
 */
final class FaultWatch implements EpollIoHandle, AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(FaultWatch.class);

    private final IoEventLoop loop;
    private final FaultQueue.Reader reader;
    private IoRegistration registration;
    private FileDescriptor descriptor;
    private boolean closed;

    FaultWatch(IoEventLoop loop, FaultQueue queue) {
        this.loop = loop;
        this.reader = queue.lend(() -> loop.execute(this::begin));
        ThreadPriority.urgent();
    }

    private void begin() {
        if (closed || !(reader instanceof Pollable pollable)) {
            return;
        }
        descriptor = new FileDescriptor(pollable.descriptor());
        Future<IoRegistration> registered = loop.register(this);
        if (!registered.isSuccess()) {
            LOG.warn("faults stay with their own thread", registered.cause());
            return;
        }
        registration = registered.getNow();
        registration.submit(EpollIoOps.EPOLLIN);
        reader.watch();
    }

    @Override
    public FileDescriptor fd() {
        return descriptor;
    }

    @Override
    public void handle(IoRegistration from, IoEvent event) {
        reader.drain();
    }

    /** On the loop. Also when the loop ends. */
    @Override
    public void close() {
        if (closed) {
            return;
        }
        closed = true;
        if (registration != null) {
            registration.cancel();
        }
        reader.close();
        ThreadPriority.normal();
    }
}
