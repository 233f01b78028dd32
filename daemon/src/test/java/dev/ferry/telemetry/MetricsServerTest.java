package dev.ferry.telemetry;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.ferry.base.NanoClock;
import dev.ferry.v1.Migration;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class MetricsServerTest {
    private static final Path DASHBOARD =
            Path.of(System.getProperty("user.dir")).getParent().resolve("docs/grafana/ferry.json");

    @TempDir
    Path directory;

    private final HttpClient http = HttpClient.newHttpClient();
    private Recorder recorder;
    private MetricsServer server;

    @BeforeEach
    void start() throws Exception {
        recorder = new Recorder(
                List::of, s -> Migration.getDefaultInstance(), "here", "1.2\"\\\n", directory, NanoClock.system());
        server = new MetricsServer(
                new InetSocketAddress(InetAddress.getLoopbackAddress(), 0),
                recorder,
                "1.2",
                1_700_000_000_000L,
                () -> 7,
                () -> 9);
    }

    @AfterEach
    void end() {
        server.close();
        server.close();
        recorder.close();
    }

    private HttpResponse<String> ask(String method, String path) throws Exception {
        return http.send(
                HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + server.port() + path))
                        .method(method, HttpRequest.BodyPublishers.noBody())
                        .build(),
                HttpResponse.BodyHandlers.ofString());
    }

    @Test
    void shouldTellEverySeriesFromTheStart() throws Exception {
        HttpResponse<String> answer = ask("GET", "/metrics");
        assertThat(answer.statusCode()).isEqualTo(200);
        assertThat(answer.headers().firstValue("Content-Type")).hasValue("text/plain; version=0.0.4; charset=utf-8");
        MetricsText text = MetricsText.parse(answer.body());
        assertThat(text.value("ferry_migrations_total{result=\"failed\",side=\"source\"}"))
                .isZero();
        assertThat(text.value("ferry_fault_latency_seconds_count")).isZero();
        assertThat(text.value("ferry_refused_connections_total{listener=\"peer\"}"))
                .isEqualTo(7);
        assertThat(text.value("ferry_build_info{version=\"1.2\"}")).isEqualTo(1);
        assertThat(text.value("process_start_time_seconds")).isEqualTo(1.7e9);
        assertThat(text.series()).hasSizeLessThan(120);
    }

    @Test
    void shouldServeNothingElse() throws Exception {
        assertThat(ask("GET", "/").statusCode()).isEqualTo(404);
        assertThat(ask("GET", "/metrics/../etc").statusCode()).isEqualTo(404);
        HttpResponse<String> post = ask("POST", "/metrics");
        assertThat(post.statusCode()).isEqualTo(405);
        assertThat(post.headers().firstValue("Allow")).hasValue("GET, HEAD");
        HttpResponse<String> head = ask("HEAD", "/metrics");
        assertThat(head.statusCode()).isEqualTo(200);
        assertThat(head.body()).isEmpty();
    }

    /** Three that say nothing, or nothing more; there are two threads. */
    @Test
    void shouldNotBeHeldUpForEverByWhoSaysNothing() throws Exception {
        List<Socket> slow = new ArrayList<>();
        try {
            for (int i = 0; i < 3; i++) {
                Socket socket = new Socket(InetAddress.getLoopbackAddress(), server.port());
                slow.add(socket);
                OutputStream out = socket.getOutputStream();
                out.write("GET /metrics HTTP/1.1\r\nHost: x\r\n".getBytes(StandardCharsets.US_ASCII));
                out.flush();
            }
            assertThat(ask("GET", "/metrics").statusCode()).isEqualTo(200);
        } finally {
            for (Socket socket : slow) {
                socket.close();
            }
        }
    }

    /** Whatever the dashboard asks for is told, and the labels that it picks exist. */
    @Test
    void shouldTellEverythingThatTheDashboardShows() throws Exception {
        MetricsText told = MetricsText.parse(ask("GET", "/metrics").body());
        JsonNode dashboard = new ObjectMapper().readTree(DASHBOARD.toFile());
        Set<String> asked = new TreeSet<>();
        Set<String> labels = new TreeSet<>();
        for (JsonNode node : dashboard.findValues("expr")) {
            String expression = node.textValue();
            Matcher metric = Pattern.compile("\\b(?:ferry|process)_[a-z_]+\\b").matcher(expression);
            assertThat(metric.find()).as(expression).isTrue();
            do {
                asked.add(metric.group());
            } while (metric.find());
            Matcher label = Pattern.compile("([a-z]+)=~?\"([^\"$]*)\"").matcher(expression);
            while (label.find()) {
                labels.add(label.group(1) + "=\"" + label.group(2) + "\"");
            }
            Matcher by = Pattern.compile("by \\(([a-z]+)\\)").matcher(expression);
            while (by.find()) {
                if (!by.group(1).equals("instance")) { // Prometheus' own
                    labels.add(by.group(1) + "=\"");
                }
            }
        }
        assertThat(told.names()).containsAll(asked);
        assertThat(asked).hasSizeGreaterThan(15);
        for (String label : labels) {
            assertThat(told.series()).as(label).anyMatch(s -> s.contains(label));
        }
        Matcher alerted = Pattern.compile("\\bferry_[a-z_]+\\b")
                .matcher(Files.readString(DASHBOARD.resolveSibling("ferry-alerts.yml")));
        int alerts = 0;
        for (; alerted.find(); alerts++) {
            assertThat(told.names()).contains(alerted.group());
        }
        assertThat(alerts).isEqualTo(6);
        Set<Integer> ids = new TreeSet<>();
        for (JsonNode panel : dashboard.get("panels")) {
            assertThat(ids.add(panel.get("id").intValue())).as("ids of panels").isTrue();
            assertThat(panel.get("title").textValue()).isNotEmpty();
            JsonNode at = panel.get("gridPos");
            assertThat(at.get("x").intValue() + at.get("w").intValue()).isLessThanOrEqualTo(24);
            if (!panel.get("type").textValue().equals("row")) {
                assertThat(panel.get("description").textValue())
                        .as("says what it shows")
                        .isNotEmpty();
            }
        }
    }

    @Test
    void shouldReadItsOwnFormatStrictly() {
        for (String bad : List.of(
                "ferry_x 1\n",
                "# HELP ferry_x_total h\n# TYPE ferry_x_total counter\nferry_x_total -1\n",
                "# HELP ferry_x h\n# TYPE ferry_x counter\nferry_x 1\n",
                "# HELP ferry_x h\n# TYPE ferry_x gauge\nferry_x 1\nferry_x 1\n",
                "# HELP ferry_x h\n# TYPE ferry_x gauge\nferry_x 1")) {
            assertThatThrownBy(() -> MetricsText.parse(bad)).as(bad).isInstanceOf(IllegalArgumentException.class);
        }
    }
}
