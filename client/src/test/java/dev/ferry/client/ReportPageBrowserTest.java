package dev.ferry.client;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonElement;
import dev.ferry.v1.Report;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The page as a browser shows it: nothing is wider than the screen, everything can be read, nothing runs. Leaves screenshots. */
@Tag("browser")
class ReportPageBrowserTest {
    /** What sticks out of the page, or has text that is cut off. */
    private static final String TOO_WIDE = """
            [...document.querySelectorAll('body *')].filter(e => {
              const r = e.getBoundingClientRect();
              return r.width > 0 && (r.right > innerWidth + 0.5 || r.left < -0.5);
            }).map(e => e.tagName + '.' + e.className + ' ' + e.textContent.slice(0, 40)).join('\\n')""";

    /** WCAG 2: the least contrast of any text against what is behind it. */
    private static final String LEAST_CONTRAST = """
            (() => {
              const rgb = c => c.match(/[\\d.]+/g).map(Number);
              const lum = c => { const [r, g, b] = c.slice(0, 3).map(v => { v /= 255;
                return v <= 0.03928 ? v / 12.92 : Math.pow((v + 0.055) / 1.055, 2.4); });
                return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
              const behind = e => { for (; e; e = e.parentElement) { const c = rgb(getComputedStyle(e).backgroundColor);
                if (c.length < 4 || c[3] > 0) return c; } return [255, 255, 255]; };
              let least = 99;
              for (const e of document.querySelectorAll('body *')) {
                if (![...e.childNodes].some(n => n.nodeType == 3 && n.textContent.trim()) || e.closest('svg')) continue;
                const a = lum(rgb(getComputedStyle(e).color)), b = lum(behind(e));
                least = Math.min(least, (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05));
              }
              return least;
            })()""";

    /** Words upon other words. */
    private static final String OVERLAPS = """
            (() => {
              const all = [...document.querySelectorAll('.x, .y, time, time + span, .cards dt, .cards dd, td, tr th')]
                .map(e => { const range = document.createRange(); range.selectNodeContents(e);
                  return [e, range.getBoundingClientRect()]; }).filter(p => p[1].width > 0);
              const bad = [];
              for (let i = 0; i < all.length; i++) for (let j = i + 1; j < all.length; j++) {
                const a = all[i][1], b = all[j][1];
                if (a.left < b.right - 1 && b.left < a.right - 1 && a.top < b.bottom - 1 && b.top < a.bottom - 1) {
                  bad.push(all[i][0].textContent + ' | ' + all[j][0].textContent);
                }
              }
              return bad.join('\\n');
            })()""";

    private static final Map<String, Report> REPORTS = Map.of(
            "source", Reports.source(),
            "destination", Reports.destination(),
            "hostile", Reports.hostile(),
            "empty", Reports.empty());

    @TempDir
    static Path directory;

    private static Browser browser;

    @BeforeAll
    static void start() throws Exception {
        browser = new Browser();
    }

    @AfterAll
    static void end() throws Exception {
        browser.close();
    }

    @ParameterizedTest
    @CsvSource({
        "source, 1100, false",
        "source, 360, true",
        "source, 360, false",
        "destination, 1100, true",
        "destination, 360, false",
        "hostile, 1100, false",
        "hostile, 360, true",
        "empty, 360, false"
    })
    void shouldBeLegibleOnEveryScreenInTheLightAndInTheDark(String name, int width, boolean isDark) throws Exception {
        Path file = Files.writeString(directory.resolve(name + ".html"), ReportPage.of(REPORTS.get(name)));
        Browser.Page page = browser.new Page(file, width, isDark);
        page.screenshot(Path.of("target/screenshots", name + "-" + width + (isDark ? "-dark" : "-light") + ".png"));
        assertThat(page.evaluate("innerWidth").getAsInt()).isEqualTo(width);
        assertThat(page.evaluate("document.documentElement.scrollWidth").getAsInt())
                .as("scrolls to the side")
                .isLessThanOrEqualTo(width);
        assertThat(page.evaluate(TOO_WIDE).getAsString()).isEmpty();
        assertThat(page.evaluate(OVERLAPS).getAsString()).isEmpty();
        assertThat(page.evaluate(LEAST_CONTRAST).getAsDouble()).isGreaterThan(4.5);
        double paper = page.evaluate("Number(getComputedStyle(document.body).backgroundColor.match(/\\d+/)[0])")
                .getAsDouble();
        assertThat(paper < 128).as("dark paper").isEqualTo(isDark);
        assertThat(page.evaluate("performance.getEntriesByType('resource').length")
                        .getAsInt())
                .as("fetched")
                .isZero();
        assertThat(page.evaluate("document.scripts.length + document.images.length")
                        .getAsInt())
                .isZero();
        assertThat(page.evaluate("[...document.querySelectorAll('*')].flatMap(e => e.getAttributeNames())"
                                + ".filter(a => a.startsWith('on')).join()")
                        .getAsString())
                .isEmpty();
        assertThat(page.evaluate("document.title").getAsString())
                .startsWith("Migration of "
                        + REPORTS.get(name).getMigration().getGuest().replace('\u202e', '\ufffd'));
        assertThat(page.evaluate(
                                "[...document.querySelectorAll('svg')].every(s => s.querySelector('title').textContent"
                                        + " && s.querySelector('desc').textContent"
                                        + " && s.getAttribute('aria-labelledby').split(' ').every(i => document.getElementById(i)))")
                        .getAsBoolean())
                .as("every chart has a title and says what it shows")
                .isTrue();
        for (JsonElement heading : page.evaluate("[...document.querySelectorAll('h1,h2,h3')].map(h => h.tagName)")
                .getAsJsonArray()) {
            assertThat(Set.of("H1", "H2", "H3")).contains(heading.getAsString());
        }
    }
}
