package dev.ferry.migration;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * A way to a port of this machine that can be cut. While it is cut what was under way is lost, connections are reset and new ones
 * are reset at once.
 */
final class CutProxy implements AutoCloseable {
    private final ServerSocket server;
    private volatile int to;
    private final Set<Socket> sockets = ConcurrentHashMap.newKeySet();
    private volatile boolean whole = true;
    private volatile boolean closed;

    CutProxy(int to) throws IOException {
        this.to = to;
        server = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
        start(this::accept);
    }

    String address() {
        return "127.0.0.1:" + server.getLocalPort();
    }

    void cut() {
        whole = false;
        sockets.forEach(CutProxy::reset);
        sockets.clear();
    }

    /** From now on: another daemon at the same address. */
    void leadTo(int port) {
        to = port;
    }

    void mend() {
        whole = true;
    }

    private void accept() {
        while (!closed) {
            try {
                Socket near = server.accept();
                sockets.add(near);
                if (!whole) {
                    reset(near);
                    continue;
                }
                Socket far = new Socket(InetAddress.getLoopbackAddress(), to);
                near.setTcpNoDelay(true);
                far.setTcpNoDelay(true);
                sockets.add(far);
                if (!whole) {
                    cut();
                    continue;
                }
                start(() -> copy(near, far));
                start(() -> copy(far, near));
            } catch (IOException e) {
                // Closed, or the far end is.
            }
        }
    }

    private void copy(Socket from, Socket into) {
        byte[] buffer = new byte[1 << 16];
        try {
            InputStream in = from.getInputStream();
            OutputStream out = into.getOutputStream();
            for (int n = in.read(buffer); n >= 0 && whole; n = in.read(buffer)) {
                out.write(buffer, 0, n);
            }
        } catch (IOException e) {
            // Both ends go.
        }
        reset(from);
        reset(into);
        sockets.remove(from);
        sockets.remove(into);
    }

    private static void reset(Socket socket) {
        try {
            socket.setSoLinger(true, 0);
            socket.close();
        } catch (IOException e) {
            // It is closed.
        }
    }

    private static void start(Runnable work) {
        Thread thread = new Thread(work, "cut-proxy");
        thread.setDaemon(true);
        thread.start();
    }

    @Override
    public void close() throws IOException {
        closed = true;
        server.close();
        cut();
    }
}
