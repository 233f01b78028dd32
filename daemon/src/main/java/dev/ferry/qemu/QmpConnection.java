package dev.ferry.qemu;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.ferry.base.ErrorCategory;
import dev.ferry.base.FerryException;
import dev.ferry.sys.Fd;
import dev.ferry.sys.SysException;
import dev.ferry.sys.UnixConnection;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.OptionalInt;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.BiConsumer;

/**
 * A QMP connection (docs/interop/qmp-spec of QEMU): one command at a time, each with a time limit; events go to listeners on the
 * reader's thread. When QEMU goes away every waiting command fails. Thread-safe.
 */
final class QmpConnection implements AutoCloseable {
    static final ObjectMapper JSON = new ObjectMapper();

    private final String path;
    private final UnixConnection connection;
    private final Thread reader;
    private final CompletableFuture<JsonNode> greeting = new CompletableFuture<>();
    private final List<BiConsumer<String, JsonNode>> listeners = new CopyOnWriteArrayList<>();
    private final Object sending = new Object();
    private volatile CompletableFuture<JsonNode> pending;
    private volatile Throwable end;
    private long lastId;

    private QmpConnection(String path, UnixConnection connection) {
        this.path = path;
        this.connection = connection;
        this.reader =
                new Thread(this::read, "qmp-" + connection.peerCredentials().pid());
        reader.setDaemon(true);
    }

    /**
     * Connects, waits for the greeting and negotiates.
     *
     * @param pid who must answer; anybody when empty
     */
    static QmpConnection connect(String path, Duration limit, OptionalInt pid) {
        UnixConnection socket;
        try {
            socket = UnixConnection.connect(path, limit);
        } catch (SysException e) {
            throw e.with("does its QEMU run, with a socket for ferryd: -qmp unix:" + path + ",server=on,wait=off ?");
        }
        int answers = socket.peerCredentials().pid();
        if (pid.isPresent() && answers != pid.getAsInt()) {
            socket.close();
            throw new FerryException(
                    ErrorCategory.FAILED_PRECONDITION,
                    "at " + path + " answers pid " + answers + ", and not its QEMU, pid " + pid.getAsInt());
        }
        QmpConnection qmp = new QmpConnection(path, socket);
        qmp.reader.start();
        try {
            JsonNode hello = qmp.await(qmp.greeting, "greeting", limit, true);
            if (!hello.has("QMP")) {
                throw qmp.notQmp();
            }
            qmp.execute("qmp_capabilities", null, limit);
            return qmp;
        } catch (RuntimeException e) {
            qmp.close();
            throw e;
        }
    }

    int pid() {
        return connection.peerCredentials().pid();
    }

    void listen(BiConsumer<String, JsonNode> listener) {
        listeners.add(listener);
    }

    void unlisten(BiConsumer<String, JsonNode> listener) {
        listeners.remove(listener);
    }

    boolean isOpen() {
        return end == null;
    }

    /** Runs one command. Descriptors travel with it. QMP errors keep QEMU's class and words. */
    JsonNode execute(String command, JsonNode arguments, Duration limit, Fd... descriptors) {
        synchronized (sending) {
            ObjectNode request = JSON.createObjectNode().put("execute", command).put("id", ++lastId);
            if (arguments != null) {
                request.set("arguments", arguments);
            }
            CompletableFuture<JsonNode> reply = new CompletableFuture<>();
            pending = reply;
            if (end != null) {
                throw gone(command, end);
            }
            byte[] line = (request + "\n").getBytes(StandardCharsets.UTF_8);
            try {
                connection.write(line, 0, line.length, descriptors);
            } catch (FerryException e) {
                throw gone(command, e);
            }
            JsonNode answer = await(reply, command, limit, false);
            JsonNode error = answer.get("error");
            if (error != null) {
                throw new FerryException(
                        ErrorCategory.FAILED_PRECONDITION,
                        "QMP " + command + " at " + path + ": "
                                + error.path("class").asText() + ": "
                                + error.path("desc").asText());
            }
            JsonNode result = answer.get("return");
            if (result == null) {
                throw new FerryException(
                        ErrorCategory.INTERNAL,
                        "QMP " + command + " at " + path + " was answered with neither a result nor an error");
            }
            return result;
        }
    }

    private JsonNode await(CompletableFuture<JsonNode> reply, String what, Duration limit, boolean greets) {
        try {
            return reply.get(limit.toMillis(), TimeUnit.MILLISECONDS);
        } catch (TimeoutException e) {
            throw new FerryException(
                    greets ? ErrorCategory.UNAVAILABLE : ErrorCategory.DEADLINE_EXCEEDED,
                    greets
                            ? path
                                    + " accepted the connection but sends no QMP greeting: a QMP socket takes one client at a"
                                    + " time, and somebody else may have this one; give QEMU a second -qmp socket for ferryd"
                            : "QMP " + what + " at " + path + " was not answered within " + limit.toMillis() + " ms",
                    e);
        } catch (ExecutionException e) {
            if (greets && e.getCause() instanceof FerryException f && f.category() == ErrorCategory.INVALID_ARGUMENT) {
                throw f;
            }
            throw gone(what, e.getCause());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new FerryException(ErrorCategory.UNAVAILABLE, "interrupted in QMP " + what, e);
        }
    }

    private void read() {
        QmpMessages messages = new QmpMessages(this::dispatch);
        byte[] chunk = new byte[1 << 16];
        try {
            for (int n = connection.read(chunk, 0, chunk.length); n >= 0; n = connection.read(chunk, 0, chunk.length)) {
                messages.feed(chunk, n);
            }
            fail(new FerryException(ErrorCategory.UNAVAILABLE, "QEMU closed its QMP socket " + path));
        } catch (JsonProcessingException e) {
            fail(notQmp());
        } catch (RuntimeException | Error e) {
            // Whatever it is: nobody may wait for a reader that has gone.
            fail(e);
        }
        connection.close();
    }

    private void dispatch(JsonNode message) {
        if (!greeting.isDone()) {
            greeting.complete(message);
        } else if (message.has("event")) {
            listeners.forEach(l -> l.accept(message.get("event").asText(), message.path("data")));
        } else {
            CompletableFuture<JsonNode> reply = pending;
            // An answer to a command that was given up must not be taken for the next one's.
            if (reply != null && message.path("id").asLong(-1) == lastId) {
                reply.complete(message);
            }
        }
    }

    private void fail(Throwable cause) {
        end = cause;
        greeting.completeExceptionally(cause);
        CompletableFuture<JsonNode> reply = pending;
        if (reply != null) {
            reply.completeExceptionally(cause);
        }
        listeners.forEach(l -> l.accept("FERRY_DISCONNECTED", null));
    }

    private FerryException notQmp() {
        return new FerryException(
                ErrorCategory.INVALID_ARGUMENT, path + " does not speak QMP: give the path of a -qmp socket");
    }

    private FerryException gone(String command, Throwable cause) {
        return new FerryException(
                ErrorCategory.UNAVAILABLE, "QMP " + command + " at " + path + ": " + cause.getMessage(), cause);
    }

    /** QEMU goes on and takes the next client. */
    @Override
    public void close() {
        connection.close();
    }
}
