package dev.ferry.bench;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedReader;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;

/** A QMP connection of the benchmark: commands from one thread, events kept by a reader thread with QEMU's own time stamps. */
final class Qmp implements AutoCloseable {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final int REPLY_SECONDS = 60;

    private final SocketChannel channel;
    private final BlockingQueue<JsonNode> replies = new LinkedBlockingQueue<>();
    private final List<Event> events = new ArrayList<>();

    /** @param atMs QEMU's time stamp: milliseconds since 1970 */
    record Event(String name, JsonNode data, double atMs) {}

    Qmp(Path socket) throws IOException {
        channel = SocketChannel.open(StandardProtocolFamily.UNIX);
        try {
            channel.connect(UnixDomainSocketAddress.of(socket));
        } catch (IOException e) {
            channel.close();
            throw e;
        }
        Thread reader = new Thread(this::read, "qmp " + socket.getParent().getFileName());
        reader.setDaemon(true);
        reader.start();
        command("qmp_capabilities", Map.of());
    }

    JsonNode command(String name) {
        return command(name, Map.of());
    }

    JsonNode command(String name, Map<String, ?> arguments) {
        JsonNode reply = null;
        try {
            ByteBuffer line =
                    ByteBuffer.wrap((JSON.writeValueAsString(Map.of("execute", name, "arguments", arguments)) + "\n")
                            .getBytes(StandardCharsets.UTF_8));
            while (line.hasRemaining()) {
                channel.write(line);
            }
            reply = replies.poll(REPLY_SECONDS, TimeUnit.SECONDS);
        } catch (IOException e) {
            throw new BenchException("QMP " + name, e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        if (reply == null || !reply.has("return")) {
            throw new BenchException("QMP " + name + " " + arguments + ": " + (reply == null ? "no answer" : reply));
        }
        return reply.get("return");
    }

    void key(char key) {
        command("send-key", Map.of("keys", List.of(Map.of("type", "qcode", "data", "" + key)), "hold-time", 20));
    }

    /** The first event of this name whose data passes, waited for. */
    Event await(String name, int seconds, Predicate<JsonNode> passes) throws InterruptedException {
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(seconds);
        synchronized (events) {
            while (true) {
                Optional<Event> found = first(name, passes);
                if (found.isPresent()) {
                    return found.get();
                }
                long leftMs = TimeUnit.NANOSECONDS.toMillis(end - System.nanoTime());
                if (leftMs <= 0) {
                    throw new BenchException("no event " + name + " within " + seconds + " s, but " + events);
                }
                events.wait(leftMs);
            }
        }
    }

    private Optional<Event> first(String name, Predicate<JsonNode> passes) {
        return events.stream()
                .filter(e -> e.name().equals(name) && passes.test(e.data()))
                .findFirst();
    }

    private void read() {
        try (BufferedReader in = new BufferedReader(Channels.newReader(channel, StandardCharsets.UTF_8))) {
            for (String line = in.readLine(); line != null; line = in.readLine()) {
                take(JSON.readTree(line));
            }
        } catch (IOException e) {
            // Closed by us, or QEMU has ended: who waits for a reply says so.
        }
    }

    private void take(JsonNode message) {
        if (message.has("event")) {
            JsonNode at = message.get("timestamp");
            double atMs =
                    at.get("seconds").asLong() * 1e3 + at.get("microseconds").asLong() / 1e3;
            synchronized (events) {
                events.add(new Event(message.get("event").asText(), message.path("data"), atMs));
                events.notifyAll();
            }
        } else if (!message.has("QMP")) {
            replies.add(message);
        }
    }

    @Override
    public void close() throws IOException {
        channel.close();
    }
}
