package dev.ferry.wire;

import dev.ferry.base.ErrorCategory;
import dev.ferry.base.FerryException;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.SocketChannel;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/**
 * Finds out at which of a peer's addresses somebody listens and can be reached now. A TCP connection whose first packet is lost asks
 * again after a second, then after two: whoever waits for it may sleep through a link's return. So a new one is begun every
 * 100 ms at each address, and the first that is made, new or old, is the answer. The second address has its turn when the first has not answered for
 * 100 ms, or has refused, and so on. Of one thread.
 */
final class Knocking implements AutoCloseable {
    private static final long EVERY_NS = TimeUnit.MILLISECONDS.toNanos(100);

    /** The longest way to a peer. */
    private static final long PATIENCE_NS = TimeUnit.SECONDS.toNanos(3);

    private final Selector selector;
    private final Map<String, InetSocketAddress> addresses = new LinkedHashMap<>();

    /** Why nobody is there, of those that said so last. */
    private final Map<String, IOException> refusals = new LinkedHashMap<>();

    private final List<Attempt> attempts = new ArrayList<>();

    /** How many addresses, in the order in which they were said, are knocked at: one more each time. */
    private int knockedAt;

    /** @param tookNs to be connected: at least one round trip */
    record Answer(String address, long tookNs) {}

    private record Attempt(String address, SocketChannel channel, long beganNs) {}

    /** @param to HOST:PORT each */
    Knocking(List<String> to) {
        try {
            selector = Selector.open();
        } catch (IOException e) {
            throw new FerryException(ErrorCategory.RESOURCE_EXHAUSTED, "no selector: " + e.getMessage(), e);
        }
        for (String address : to) {
            try {
                addresses.put(address, resolve(address));
            } catch (UnknownHostException e) {
                refusals.put(address, new IOException("its name is not known: " + e.getMessage(), e));
            }
        }
    }

    private static InetSocketAddress resolve(String address) throws UnknownHostException {
        int colon = address.lastIndexOf(':');
        return new InetSocketAddress(
                InetAddress.getByName(address.substring(0, colon)), Integer.parseInt(address.substring(colon + 1)));
    }

    /**
     * Waits for somebody to answer.
     *
     * @param goesOn called every 100 ms at least; what it throws ends it
     * @throws FerryException UNAVAILABLE: every address has refused; DEADLINE_EXCEEDED: the time has passed
     */
    Answer await(long limitNs, Runnable goesOn) {
        long endNs = System.nanoTime() + limitNs;
        try {
            while (true) {
                goesOn.run();
                long beganNs = System.nanoTime();
                String at = knock(beganNs);
                long untilNs = Math.min(beganNs + EVERY_NS, endNs);
                while (at == null && !attempts.isEmpty() && System.nanoTime() < untilNs) {
                    long leftMs = TimeUnit.NANOSECONDS.toMillis(untilNs - System.nanoTime());
                    selector.select(Math.max(1, leftMs));
                    at = connected();
                }
                if (at != null) {
                    return answer(at);
                }
                if (attempts.isEmpty() && knockedAt == addresses.size()) {
                    throw new FerryException(ErrorCategory.UNAVAILABLE, refusalsText());
                }
                if (System.nanoTime() >= endNs) {
                    throw new FerryException(
                            ErrorCategory.DEADLINE_EXCEEDED,
                            "no answer at " + String.join(", ", addresses.keySet()) + refusalsText());
                }
                giveUpTheOldest();
            }
        } catch (IOException e) {
            throw new FerryException(ErrorCategory.RESOURCE_EXHAUSTED, "sockets: " + e.getMessage(), e);
        }
    }

    private String refusalsText() {
        StringBuilder text = new StringBuilder();
        refusals.forEach((address, e) -> text.append(text.length() == 0 ? "" : "; ")
                .append(e.getMessage())
                .append(": ")
                .append(address));
        return text.toString();
    }

    /** @return an address at which a connection was made at once */
    private String knock(long nowNs) throws IOException {
        String at = null;
        knockedAt = Math.min(knockedAt + 1, addresses.size());
        for (Map.Entry<String, InetSocketAddress> address :
                addresses.entrySet().stream().limit(knockedAt).toList()) {
            if (at != null) {
                break;
            }
            SocketChannel channel = SocketChannel.open();
            channel.configureBlocking(false);
            attempts.add(new Attempt(address.getKey(), channel, nowNs));
            try {
                if (channel.connect(address.getValue())) {
                    at = address.getKey();
                } else {
                    channel.register(selector, SelectionKey.OP_CONNECT, attempts.get(attempts.size() - 1));
                }
            } catch (IOException e) {
                refused(attempts.get(attempts.size() - 1), e);
            }
        }
        return at;
    }

    private String connected() throws IOException {
        String at = null;
        Iterator<SelectionKey> keys = selector.selectedKeys().iterator();
        while (keys.hasNext()) {
            Attempt attempt = (Attempt) keys.next().attachment();
            keys.remove();
            try {
                if (attempt.channel.finishConnect()) {
                    at = attempt.address;
                }
            } catch (IOException e) {
                refused(attempt, e);
            }
        }
        return at;
    }

    private void refused(Attempt attempt, IOException e) throws IOException {
        refusals.put(attempt.address, e);
        attempts.remove(attempt);
        attempt.channel.close();
    }

    private Answer answer(String at) {
        long beganNs = attempts.stream()
                .filter(a -> a.address.equals(at) && a.channel.isConnected())
                .mapToLong(Attempt::beganNs)
                .max()
                .orElseThrow();
        return new Answer(at, System.nanoTime() - beganNs);
    }

    private void giveUpTheOldest() throws IOException {
        long nowNs = System.nanoTime();
        for (Iterator<Attempt> all = attempts.iterator(); all.hasNext(); ) {
            Attempt attempt = all.next();
            if (nowNs - attempt.beganNs > PATIENCE_NS) {
                attempt.channel.close();
                all.remove();
            }
        }
    }

    @Override
    public void close() {
        try (selector) {
            for (Attempt attempt : attempts) {
                attempt.channel.close();
            }
        } catch (IOException e) {
            throw new FerryException(ErrorCategory.INTERNAL, "closing sockets: " + e.getMessage(), e);
        }
    }
}
