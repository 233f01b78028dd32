package dev.ferry.client;

import dev.ferry.v1.LatencyUs;
import dev.ferry.v1.Migration;
import dev.ferry.v1.MigrationState;
import dev.ferry.v1.Report;
import dev.ferry.v1.Side;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** The record of a migration as one page that needs nothing else: no script, no font, no network. */
final class ReportPage {
    private static final DateTimeFormatter TIME = DateTimeFormatter.ofPattern(
                    "d MMMM yyyy, HH:mm:ss 'UTC'", Locale.ENGLISH)
            .withZone(ZoneOffset.UTC);

    private static final double US_PER_MS = 1000;

    private final Report report;
    private final Migration m;
    private final Html html = new Html();

    private ReportPage(Report report) {
        this.report = report;
        this.m = report.getMigration();
    }

    static String of(Report report) {
        return new ReportPage(report).page();
    }

    private String page() {
        html.open("html", "lang", "en").open("head");
        html.open("meta", "charset", "utf-8");
        html.open("meta", "name", "viewport", "content", "width=device-width, initial-scale=1");
        html.open("meta", "name", "color-scheme", "content", "light dark");
        // Nothing is fetched and nothing runs, whatever a guest is called.
        html.open(
                "meta",
                "http-equiv",
                "Content-Security-Policy",
                "content",
                "default-src 'none'; style-src 'unsafe-inline'; img-src data:");
        html.open("link", "rel", "icon", "href", "data:,");
        html.leaf("title", "Migration of " + m.getGuest() + ": " + word()).style(css());
        html.close().open("body").open("main");
        head();
        cards();
        trouble();
        new ReportCharts(html, report).write();
        new ReportTables(html, report).write();
        foot();
        return html.close().close().close().toString();
    }

    private static String css() {
        try (InputStream in = ReportPage.class.getResourceAsStream("report.css")) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private String word() {
        return m.getState().name().toLowerCase(Locale.ROOT);
    }

    private void head() {
        html.open("header").open("div", "class", "head");
        String mood = switch (m.getState()) {
            case COMPLETED -> "good";
            case FAILED, CANCELLED -> "bad";
            case PREPARING, PRECOPY, SWITCHOVER, POSTCOPY, RECOVERING, MIGRATION_STATE_UNSPECIFIED, UNRECOGNIZED ->
                "busy";
        };
        html.leaf("span", m.getState().name(), "class", "pill " + mood);
        html.leaf("span", TIME.format(Instant.ofEpochMilli(m.getStartedUnixMs())));
        html.open("span").text("migration ").leaf("code", m.getId()).close();
        html.close();
        html.leaf("h1", headline());
        html.leaf("p", way(), "class", "way soft").close();
    }

    private String headline() {
        String total = Units.duration(m.getTotalMs());
        return switch (m.getState()) {
            case COMPLETED ->
                m.getDowntimePhasesCount() == 0
                        ? m.getGuest() + " arrived within " + total
                        : m.getGuest() + " moved in " + total + " and stood still for "
                                + Units.micros(m.getDowntimeMs() * US_PER_MS);
            case CANCELLED -> m.getGuest() + ": the move was cancelled after " + total;
            case FAILED -> m.getGuest() + ": the move failed after " + total;
            case PREPARING, PRECOPY, SWITCHOVER, POSTCOPY, RECOVERING, MIGRATION_STATE_UNSPECIFIED, UNRECOGNIZED ->
                m.getGuest() + " has been moving for " + total;
        };
    }

    private String way() {
        boolean leaves = m.getSide() == Side.SOURCE;
        return (leaves
                        ? "From " + report.getRecordedBy() + " to " + m.getPeer()
                        : "From " + m.getPeer() + " to " + report.getRecordedBy())
                + ". The guest is on " + Whereabouts.of(m) + ".";
    }

    private void cards() {
        LatencyUs latency = m.getPostcopy().getFaultLatencyUs();
        html.open("dl", "class", "cards");
        if (m.getDowntimePhasesCount() > 0) {
            card("Downtime", Units.micros(m.getDowntimeMs() * US_PER_MS), predicted());
        }
        card("Total", Units.duration(m.getTotalMs()), Units.bytes(m.getMemoryTotalBytes()) + " of memory");
        if (m.getBytesSent() > 0) {
            card("Sent", Units.bytes(m.getBytesSent()), rounds(m.getPrecopy().getRounds()));
        }
        if (m.getPostcopy().getMs() > 0) {
            card(
                    "Post-copy",
                    Units.duration(m.getPostcopy().getMs()),
                    ReportTables.count(m.getPostcopy().getResidualPages()) + " residual pages");
        }
        if (latency.getCount() > 0) {
            card(
                    "Fault, median",
                    Units.micros(latency.getP50()),
                    ReportTables.count(latency.getCount()) + " over the network");
            card("Fault, p99", Units.micros(latency.getP99()), "at most " + Units.micros(latency.getMax()));
        }
        if (m.getRecoveries() > 0) {
            card("Recoveries", String.valueOf(m.getRecoveries()), "the peer was away, and came back or not");
        }
        html.close();
    }

    private String predicted() {
        return m.hasPredictedDowntimeMs()
                ? "predicted " + Units.micros(m.getPredictedDowntimeMs() * US_PER_MS)
                : "stop to resume";
    }

    private static String rounds(int rounds) {
        return rounds == 1 ? "1 round of pre-copy" : rounds + " rounds of pre-copy";
    }

    private void card(String name, String value, String more) {
        html.open("div").leaf("dt", name);
        html.open("dd").text(value).leaf("small", more).close().close();
    }

    private void trouble() {
        boolean waits = m.getState() == MigrationState.RECOVERING;
        if (m.getError().isEmpty() && !waits) {
            return;
        }
        html.open("section", "class", "trouble");
        html.leaf("h2", waits ? "What it waits for" : "What happened");
        html.leaf("p", m.getError().isEmpty() ? m.getReason() : m.getError());
        if (!m.getNext().isEmpty()) {
            html.leaf("p", m.getNext());
        }
        html.close();
    }

    private void foot() {
        html.open("footer");
        html.leaf(
                "p",
                "Recorded by ferryd " + report.getFerryVersion() + " on " + report.getRecordedBy() + ", the "
                        + m.getSide().name().toLowerCase(Locale.ROOT) + ", in " + report.getSamplesCount()
                        + " samples. Times count from the beginning of the migration."
                        + (m.getSide() == Side.SOURCE
                                ? " What the destination counts is shown as it told the source."
                                : " Pre-copy is counted at the source."));
        html.close();
    }

    /** Everything that has a key: name, class, value. */
    record Part(String name, String kind, double value, String shown) {}

    /** A bar whose parts add up, and the list of them. */
    static void bar(Html html, String label, List<Part> parts) {
        double sum = parts.stream().mapToDouble(Part::value).sum();
        html.open("div", "class", "bar", "role", "img", "aria-label", label);
        double at = 0;
        for (Part part : parts) {
            if (part.value() > 0) {
                html.open(
                                "i",
                                "class",
                                part.kind(),
                                "title",
                                part.name() + ": " + part.shown(),
                                "style",
                                "left:" + Plot.percent(at / sum) + ";width:" + Plot.percent(part.value() / sum))
                        .close();
            }
            at += part.value();
        }
        html.close();
    }

    static void keys(Html html, Map<String, String[]> keys) {
        html.open("ul", "class", "keys");
        keys.forEach((name, kindAndValue) -> {
            html.open("li").open("i", "class", "key " + kindAndValue[0]).close();
            html.text(name + " ").leaf("b", kindAndValue[1]).close();
        });
        html.close();
    }
}
