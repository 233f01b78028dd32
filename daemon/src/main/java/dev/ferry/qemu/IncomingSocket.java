package dev.ferry.qemu;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.ferry.base.ErrorCategory;
import dev.ferry.base.FerryException;
import dev.ferry.sys.UnixConnection;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.BiConsumer;

/**
 * How a destination QEMU gets its device state: it listens on a unix socket beside its QMP socket, a place it can surely use. It
 * is connected to only when the bytes are there: a connection without data blocks its monitor.
 */
final class IncomingSocket {
    private static final Duration LIMIT = Duration.ofSeconds(5);

    private final QmpConnection qmp;
    private final Path path;

    IncomingSocket(QmpConnection qmp, String qmpSocket) {
        this.qmp = qmp;
        this.path = Path.of(qmpSocket).toAbsolutePath().resolveSibling("in.sock");
    }

    void prepare() {
        ObjectNode capabilities = QmpConnection.JSON.createObjectNode();
        ArrayNode list = capabilities.putArray("capabilities");
        list.addObject().put("capability", "events").put("state", true);
        list.addObject().put("capability", "late-block-activate").put("state", true);
        qmp.execute("migrate-set-capabilities", capabilities, LIMIT);
        qmp.execute("migrate-incoming", QemuGuest.arguments("uri", "unix:" + path), LIMIT);
    }

    /** Returns when QEMU says that everything is loaded. QMP may be deaf meanwhile. */
    void load(byte[] stream, Duration limit) {
        CompletableFuture<String> outcome = new CompletableFuture<>();
        BiConsumer<String, JsonNode> listener = (event, data) -> {
            if (event.equals("MIGRATION")) {
                String status = data.path("status").asText();
                if (status.equals("completed") || status.equals("failed")) {
                    outcome.complete(status);
                }
            } else if (event.equals("FERRY_DISCONNECTED")) {
                outcome.complete("the destination QEMU ended");
            }
        };
        qmp.listen(listener);
        try (UnixConnection connection = UnixConnection.connect(path.toString(), LIMIT)) {
            connection.write(stream, 0, stream.length);
            String status = outcome.get(limit.toMillis(), TimeUnit.MILLISECONDS);
            if (!status.equals("completed")) {
                throw new FerryException(
                        ErrorCategory.FAILED_PRECONDITION,
                        "the destination QEMU did not take the device state (" + status + "): its log says why");
            }
        } catch (TimeoutException e) {
            throw new FerryException(
                    ErrorCategory.DEADLINE_EXCEEDED,
                    "the destination QEMU did not load the device state within " + limit.toSeconds() + " s",
                    e);
        } catch (ExecutionException e) {
            throw new FerryException(ErrorCategory.INTERNAL, "loading the device state", e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new FerryException(ErrorCategory.UNAVAILABLE, "interrupted while the device state loads", e);
        } finally {
            qmp.unlisten(listener);
            try {
                Files.deleteIfExists(path);
            } catch (IOException e) {
                // QEMU removes it itself in most versions; a left-over name does no harm in its directory.
            }
        }
    }
}
