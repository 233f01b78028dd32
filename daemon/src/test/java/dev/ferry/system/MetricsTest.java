package dev.ferry.system;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.ferry.telemetry.MetricsText;
import dev.ferry.v1.Migration;
import dev.ferry.v1.MigrationState;
import dev.ferry.v1.Policy;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
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
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What Prometheus reads of two real daemons while a guest moves from one to the other. */
@Tag("qemu")
class MetricsTest {
    private static final String LOOPBACK = "[metrics]\nlisten = \"127.0.0.1:0\"\n";
    private static final Pattern ADDRESS = Pattern.compile(" metrics=(\\S+)");

    private final HttpClient http = HttpClient.newHttpClient();

    @Test
    void shouldTellPrometheusHowAMoveGoes() throws Exception {
        try (Lab lab = new Lab(LOOPBACK)) {
            VerifyingGuest guest = lab.runOnA(
                    VerifyingGuest.toml("v1", "tcg", "256MiB", 2, "rate=20000 write=20 pattern=random fill=70", ""),
                    "v1");
            Migration begun = lab.a.start(
                    guest.name,
                    lab.b,
                    Policy.newBuilder()
                            .setPrecopyRounds(1)
                            .setPrecopySeconds(0.4)
                            .setPostcopyBandwidthBytesPerSecond(40 << 20)
                            .build());
            lab.a.awaitState(begun.getId(), MigrationState.POSTCOPY);
            MetricsText during = scrape(lab.b);
            assertThat(during.value("ferry_live_migrations{side=\"destination\",state=\"postcopy\"}"))
                    .isEqualTo(1);
            assertThat(during.value("ferry_remaining_bytes{side=\"destination\"}"))
                    .isPositive();
            List<MetricsText> seen = new ArrayList<>(List.of(during));
            while (!hasEnded(lab.a.get(begun.getId()).getState())) {
                seen.add(scrape(lab.b));
            }
            Migration end = lab.a.get(begun.getId());
            assertThat(end.getState()).as(end.getError()).isEqualTo(MigrationState.COMPLETED);
            guest.movedTo(lab.b);
            MetricsText source = scrape(lab.a);
            MetricsText destination = scrape(lab.b);
            seen.add(destination);
            shouldNeverFall(seen);
            assertThat(source.value("ferry_migrations_total{result=\"completed\",side=\"source\"}"))
                    .isEqualTo(1);
            assertThat(destination.value("ferry_migrations_total{result=\"completed\",side=\"destination\"}"))
                    .isEqualTo(1);
            assertThat(source.value("ferry_page_bytes_total{path=\"precopy\",side=\"source\"}"))
                    .isEqualTo((double) end.getPrecopy().getBytes());
            long residual = end.getPostcopy().getResidualPages() * 4096;
            assertThat(destination.value("ferry_page_bytes_total{path=\"pushed\",side=\"destination\"}")
                            + destination.value("ferry_page_bytes_total{path=\"demand\",side=\"destination\"}"))
                    .isEqualTo((double) residual);
            assertThat(destination.value("ferry_fault_latency_seconds_count"))
                    .isEqualTo((double) end.getPostcopy().getFaultLatencyUs().getCount())
                    .isPositive();
            assertThat(source.value("ferry_downtime_seconds_sum") * 1000)
                    .isBetween(end.getDowntimeMs() - 0.01, end.getDowntimeMs() + 0.01);
            assertThat(source.value("ferry_live_migrations{side=\"source\",state=\"postcopy\"}"))
                    .isZero();

            double before = source.value("ferry_refused_connections_total{listener=\"peer\"}");
            try (Socket stranger = new Socket(
                    InetAddress.getLoopbackAddress(),
                    Integer.parseInt(lab.a.peer.split(":", 2)[1]))) {
                OutputStream out = stranger.getOutputStream();
                out.write("GET / HTTP/1.1\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
                out.flush();
            }
            Await.until(
                    "the stranger is counted",
                    () -> scrape(lab.a).value("ferry_refused_connections_total{listener=\"peer\"}") > before);
            for (Ferryd host : List.of(lab.a, lab.b)) {
                shouldPassPromtool(lab.root, text(host));
                assertThat(text(host)).doesNotContain(guest.name, begun.getId(), lab.a.peer, lab.b.peer);
            }
        }
    }

    /** Counters, over time. */
    private static void shouldNeverFall(List<MetricsText> seen) {
        Map<String, Double> last = new java.util.HashMap<>();
        for (MetricsText text : seen) {
            for (String series : text.series()) {
                if (series.matches(".*_(total|bucket|count|sum)(\\{.*)?")) {
                    assertThat(text.value(series)).as(series).isGreaterThanOrEqualTo(last.getOrDefault(series, 0.0));
                    last.put(series, text.value(series));
                }
            }
        }
    }

    private static boolean hasEnded(MigrationState state) {
        return state == MigrationState.COMPLETED || state == MigrationState.FAILED;
    }

    private MetricsText scrape(Ferryd host) throws IOException {
        return MetricsText.parse(text(host));
    }

    private String text(Ferryd host) throws IOException {
        Matcher address = ADDRESS.matcher(Files.readString(host.home.resolve("out")));
        assertThat(address.find()).isTrue();
        try {
            return http.send(
                            HttpRequest.newBuilder(URI.create("http://" + address.group(1) + "/metrics"))
                                    .build(),
                            HttpResponse.BodyHandlers.ofString())
                    .body();
        } catch (InterruptedException e) {
            throw new IOException(e);
        }
    }

    /** Whatever the dashboard and the alerts ask is a question that Prometheus understands. */
    @Test
    void shouldOnlyAskWhatPrometheusUnderstands(@TempDir Path directory) throws Exception {
        Path docs = Path.of(System.getProperty("user.dir")).getParent().resolve("docs/grafana");
        promtool(docs.resolve("ferry-alerts.yml"), "check", "rules", "--lint=all", "--lint-fatal", "-");
        StringBuilder rules = new StringBuilder("groups:\n- name: dashboard\n  rules:\n");
        int number = 0;
        for (String expression :
                new ObjectMapper().readTree(docs.resolve("ferry.json").toFile()).findValuesAsText("expr")) {
            rules.append("  - record: panel:number").append(number++).append("\n    expr: '");
            rules.append(expression
                            .replace("$__rate_interval", "1m")
                            .replace("$__range", "1h")
                            .replaceAll("\\$(job|host)", ".*"))
                    .append("'\n");
        }
        assertThat(number).isGreaterThan(20);
        promtool(Files.writeString(directory.resolve("rules.yml"), rules), "check", "rules", "-");
    }

    private static void shouldPassPromtool(Path directory, String text) throws Exception {
        assertThat(promtool(Files.writeString(directory.resolve("metrics.txt"), text), "check", "metrics"))
                .isEmpty();
    }

    /** @return what it has said, of this input; it must have found it right */
    private static String promtool(Path input, String... arguments) throws Exception {
        String said = System.getenv("FERRY_TEST_PROMTOOL");
        Path promtool = said != null
                ? Path.of(said)
                : Path.of(System.getProperty("user.home"), ".cache/ferry/promtool/promtool");
        assertThat(promtool).as("bin/lib/install.sh promtool brings it").isExecutable();
        List<String> command = new ArrayList<>(List.of(promtool.toString()));
        for (String argument : arguments) {
            command.add(argument.equals("-") ? input.toString() : argument);
        }
        Process check = new ProcessBuilder(command)
                .redirectInput(input.toFile())
                .redirectErrorStream(true)
                .start();
        String answer = new String(check.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(check.waitFor()).as(answer).isZero();
        return answer;
    }
}
