package dev.ferry.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.util.JsonFormat;
import dev.ferry.v1.GetReportRequest;
import dev.ferry.v1.MigrationState;
import dev.ferry.v1.Report;
import java.io.ByteArrayInputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Pattern;
import javax.xml.parsers.DocumentBuilderFactory;
import org.junit.jupiter.api.Test;

/** {@code ferry report}, but for what only a browser can say. */
class ReportTest extends CommandTest {
    @Test
    void shouldWriteAPageThatNeedsNothingElse() throws Exception {
        Path file = dir.resolve("r.html");
        assertThat(ferry("report", Samples.ID, "--html", file.toString())).isZero();
        assertThat(ferryd.request(GetReportRequest.class).getId()).isEqualTo(Samples.ID);
        assertThat(screen.out()).isEmpty();
        String page = Files.readString(file);
        assertThat(page)
                .startsWith("<!DOCTYPE html>")
                .contains("width=device-width", "prefers-color-scheme: dark", "default-src &#39;none&#39;")
                .doesNotContain("<script", "http://", "https://", "url(", "@import");
        assertThat(ferry("report", Samples.ID, "--html", "-")).isZero();
        assertThat(screen.out()).isEqualTo(page);
    }

    @Test
    void shouldSayWhatIsTheMatterWithAFileThatCannotBeWritten() {
        assertThat(ferry("report", Samples.ID, "--html", dir + "/none/r.html")).isEqualTo(ExitCode.USAGE);
        assertThat(screen.err()).contains("cannot write " + dir + "/none/r.html: no such file", "kept by ferryd");
    }

    @Test
    void shouldPrintTheWholeRecordAsJson() throws Exception {
        assertThat(ferry("report", Samples.ID, "--json")).isZero();
        Report.Builder back = Report.newBuilder();
        JsonFormat.parser().merge(screen.out(), back);
        assertThat(back.build()).isEqualTo(Reports.source());
    }

    @Test
    void shouldPrintASummaryAndWhatHappened() {
        assertThat(ferry("report", Samples.ID)).isZero();
        assertThat(screen.out())
                .contains(
                        "downtime",
                        "POSTCOPY the guest runs on the destination",
                        "Limits: pre-copy at most 200.0 MiB/s");
    }

    @Test
    void shouldWritePercentilesAsHdrHistogramDoes() throws Exception {
        assertThat(ferry("report", Samples.ID, "--hgrm", "-")).isZero();
        List<String> lines = screen.out().lines().toList();
        assertThat(lines.get(0).trim()).matches("Value +Percentile +TotalCount +1/\\(1-Percentile\\)");
        Pattern row = Pattern.compile(" +([\\d.]+) ([01]\\.\\d{12}) +(\\d+)( +[\\d.]+)?");
        double before = 0;
        for (String line : lines.subList(2, lines.size() - 3)) {
            assertThat(line).matches(row);
            double value = Double.parseDouble(line.trim().split(" ", 2)[0]);
            assertThat(value).isGreaterThanOrEqualTo(before);
            before = value;
        }
        Report source = Reports.source();
        double maxUs = source.getMigration().getPostcopy().getFaultLatencyUs().getMax();
        assertThat(before).isBetween(maxUs * 0.99, maxUs * 1.02);
        assertThat(lines.get(lines.size() - 2))
                .contains(
                        "Total count",
                        source.getMigration().getPostcopy().getFaultLatencyUs().getCount() + "]");
    }

    @Test
    void shouldSayWhyThereAreNoLatencies() {
        ferryd.report = Reports.source().toBuilder().clearFaultLatency().build();
        assertThat(ferry("report", Samples.ID, "--hgrm", "-")).isEqualTo(ExitCode.FAILED);
        assertThat(screen.err()).contains("no page was fetched over the network");
        ferryd.report = ferryd.report.toBuilder()
                .setMigration(ferryd.report.getMigration().toBuilder().setState(MigrationState.POSTCOPY))
                .build();
        assertThat(ferry("report", Samples.ID, "--hgrm", "-")).isEqualTo(ExitCode.FAILED);
        assertThat(screen.err()).contains("Ask the ferryd of the destination");
    }

    @Test
    void shouldEscapeWhateverStrangersChoose() {
        String page = ReportPage.of(Reports.hostile());
        assertThat(page).doesNotContain("<script", "<img", "onerror=\"", "onclick=\"", "\u202e");
        assertThat(page).contains("&lt;script&gt;alert(1)&lt;/script&gt;");
    }

    @Test
    void shouldBeWellFormed() throws Exception {
        for (Report report : List.of(Reports.source(), Reports.destination(), Reports.hostile(), Reports.empty())) {
            String xml = ReportPage.of(report)
                    .replaceFirst("<!DOCTYPE html>", "")
                    .replaceAll("<(meta|link)([^>]*)>", "<$1$2/>");
            DocumentBuilderFactory.newInstance()
                    .newDocumentBuilder()
                    .parse(new ByteArrayInputStream(xml.getBytes(StandardCharsets.UTF_8)));
        }
    }

    @Test
    void shouldNotWriteMarkupByAName() {
        assertThatThrownBy(() -> new Html().open("a b")).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> new Html().open("a", "x=\"", "y")).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> new Html().style("</style>")).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> new Html().open("p").toString()).isInstanceOf(IllegalStateException.class);
    }

    @Test
    void shouldAddUpToTheDowntimeThatIsShown() {
        Report source = Reports.source();
        String page = ReportPage.of(source);
        String table = page.substring(page.indexOf("Downtime, phase by phase"));
        table = table.substring(0, table.indexOf("</table>"));
        List<Double> ms = Pattern.compile("([\\d.]+) ms</td>")
                .matcher(table)
                .results()
                .map(r -> Double.parseDouble(r.group(1)))
                .toList();
        int phases = source.getMigration().getDowntimePhasesCount();
        assertThat(ms).hasSize(phases + 1);
        double sum = ms.subList(0, phases).stream().mapToDouble(d -> d).sum();
        assertThat(Math.round(sum * 1000)).isEqualTo(Math.round(ms.get(phases) * 1000));
    }
}
