package dev.ferry.system;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The example of docs/openstack.md over three real daemons: what it says of itself, and whether its guests are whole afterwards. */
@Tag("qemu")
@Timeout(240)
class SchedulerExampleTest {
    private static final Path EXAMPLE =
            Path.of(System.getProperty("user.dir")).getParent().resolve("examples/python");

    /** A destination that dies is given up soon. */
    private static final String SHORT_RETRIES = "[migration]\nretry_seconds = 1\nretries = 1\n";

    @Test
    void shouldPlaceAndMoveGuestsAsASmallSchedulerWould() throws Exception {
        try (Lab lab = new Lab(SHORT_RETRIES);
                Ferryd c = new Ferryd(lab.root.resolve("c"), SHORT_RETRIES)) {
            c.awaitReady();
            Map<String, Ferryd> hosts = Map.of("a", lab.a, "b", lab.b, "c", c);
            Map<String, VerifyingGuest> guests = new HashMap<>();
            for (String name : new String[] {"web1", "web2", "web3"}) {
                guests.put(
                        name,
                        lab.runOnA(
                                VerifyingGuest.toml(
                                        name, "tcg", "96MiB", 1, "rate=2000 write=20 pattern=random fill=70", ""),
                                name));
            }
            Path stubs = lab.root.resolve("stubs");
            run(EXAMPLE.resolve("generate.sh").toString(), stubs.toString());

            Process tour = new ProcessBuilder(
                            "/usr/bin/python3",
                            "-B",
                            EXAMPLE.resolve("tour.py").toString(),
                            "--stubs",
                            stubs.toString(),
                            endpoint("a", lab.a),
                            endpoint("b", lab.b),
                            endpoint("c", c))
                    .redirectErrorStream(true)
                    .start();
            StringBuilder said = new StringBuilder();
            Map<String, Ferryd> atLast = new HashMap<>();
            try (BufferedReader out = tour.inputReader()) {
                for (String line = out.readLine(); line != null; line = out.readLine()) {
                    said.append(line).append('\n');
                    if (line.startsWith("now: ")) {
                        hosts.get(line.substring(5)).kill9();
                    } else if (line.startsWith("at last: ")) {
                        String[] words = line.split(" ");
                        atLast.put(words[2], hosts.get(words[3]));
                    }
                }
                assertThat(tour.waitFor()).as(said.toString()).isZero();
            } finally {
                tour.destroyForcibly().waitFor(10, TimeUnit.SECONDS);
            }
            System.out.println(said);

            for (Map.Entry<String, Ferryd> e : atLast.entrySet()) {
                VerifyingGuest guest = guests.get(e.getKey());
                guest.movedTo(e.getValue());
                guest.awaitTick();
                guest.verify();
            }
            assertThat(atLast).hasSize(3);
        }
    }

    private static String endpoint(String name, Ferryd host) {
        return name + "=unix:" + host.home.resolve("run/control.sock");
    }

    private static void run(String... command) throws Exception {
        Path log = Files.createTempFile("ferry-test-run", ".log");
        try {
            Process process = new ProcessBuilder(command)
                    .redirectErrorStream(true)
                    .redirectOutput(log.toFile())
                    .start();
            assertThat(process.waitFor()).as(Files.readString(log)).isZero();
        } finally {
            Files.deleteIfExists(log);
        }
    }
}
