package dev.ferry.telemetry;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import io.netty.util.concurrent.DefaultThreadFactory;
import io.prometheus.metrics.expositionformats.PrometheusTextFormatWriter;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.function.LongSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Serves GET /metrics in Prometheus' text format, on threads of its own. It has no authentication and shows no names; the configuration
 * keeps it on loopback unless it is said otherwise.
 */
public final class MetricsServer implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(MetricsServer.class);
    private static final int THREADS = 2;
    private static final String TEXT = "text/plain; charset=utf-8";

    static {
        // Else whoever connects and says nothing keeps a thread for ever. Seconds; read once by the server's class.
        System.setProperty("sun.net.httpserver.maxReqTime", "5");
        System.setProperty("sun.net.httpserver.maxRspTime", "10");
    }

    private final HttpServer http;
    private final ExecutorService pool =
            Executors.newFixedThreadPool(THREADS, new DefaultThreadFactory("metrics", true));
    private final Recorder recorder;
    private final MetricSet metrics;

    /**
     * Listens at once.
     *
     * @param refusedPeers connections and calls that were refused at the peer address
     * @param refusedClients likewise at the control addresses
     */
    public MetricsServer(
            InetSocketAddress listen,
            Recorder recorder,
            String version,
            long startedUnixMs,
            LongSupplier refusedPeers,
            LongSupplier refusedClients)
            throws IOException {
        this.recorder = recorder;
        this.metrics = new MetricSet(version, startedUnixMs, refusedPeers, refusedClients);
        try {
            http = HttpServer.create(listen, 16);
        } catch (IOException e) {
            pool.shutdownNow();
            throw e;
        }
        http.createContext("/", this::answer);
        http.setExecutor(pool);
        http.start();
    }

    private void answer(HttpExchange exchange) {
        try (exchange) {
            exchange.getResponseHeaders().set("X-Content-Type-Options", "nosniff");
            boolean isHead = exchange.getRequestMethod().equals("HEAD");
            if (!isHead && !exchange.getRequestMethod().equals("GET")) {
                exchange.getResponseHeaders().set("Allow", "GET, HEAD");
                send(exchange, 405, TEXT, "GET /metrics\n".getBytes(StandardCharsets.UTF_8), isHead);
            } else if (exchange.getRequestURI().getPath().equals("/metrics")) {
                PrometheusTextFormatWriter writer =
                        PrometheusTextFormatWriter.builder().build();
                ByteArrayOutputStream text = new ByteArrayOutputStream();
                writer.write(text, metrics.of(recorder.reading()));
                send(exchange, 200, writer.getContentType(), text.toByteArray(), isHead);
            } else {
                send(exchange, 404, TEXT, "ferryd: see /metrics\n".getBytes(StandardCharsets.UTF_8), isHead);
            }
        } catch (IOException e) {
            LOG.debug("whoever asked for metrics is gone", e);
        } catch (RuntimeException e) {
            LOG.error("metrics cannot be told", e);
        }
    }

    private static void send(HttpExchange exchange, int status, String type, byte[] body, boolean isHead)
            throws IOException {
        exchange.getResponseHeaders().set("Content-Type", type);
        exchange.sendResponseHeaders(status, isHead ? -1 : body.length);
        if (!isHead) {
            try (OutputStream out = exchange.getResponseBody()) {
                out.write(body);
            }
        }
    }

    public int port() {
        return http.getAddress().getPort();
    }

    @Override
    public void close() {
        http.stop(0);
        pool.shutdownNow();
    }
}
