package dev.ferry.system;

import static org.assertj.core.api.Assertions.assertThat;

import dev.ferry.v1.Guest;
import dev.ferry.v1.ListGuestsRequest;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** {@code ferry evacuate} with real guests and three daemons, one of which dies in the middle. */
@Tag("qemu")
@Timeout(300)
class EvacuateTest {
    private static final Path FERRY =
            Path.of(System.getProperty("user.dir")).getParent().resolve("bin/ferry");
    private static final int GUESTS = 5;

    /** A destination that dies is given up soon. */
    private static final String SHORT_RETRIES = "[migration]\nretry_seconds = 1\nretries = 1\n";

    private record Result(int exitCode, String out, String err) {}

    /** Called with each line of progress. */
    private interface Watcher {
        void see(String line) throws Exception;
    }

    @Test
    void shouldEmptyAHostAlthoughADestinationDies() throws Exception {
        try (Lab lab = new Lab(SHORT_RETRIES, "[migration]\nmax_inbound = 1\n");
                Ferryd c = new Ferryd(lab.root.resolve("c"), "")) {
            c.awaitReady();
            List<VerifyingGuest> guests = new ArrayList<>();
            for (int i = 1; i <= GUESTS; i++) {
                String append = "rate=1000 write=20 pattern=random fill=70";
                guests.add(lab.runOnA(
                        "backing = \"shared\"\n"
                                + VerifyingGuest.toml("g" + i, "tcg", 32 + 8 * i + "MiB", 1, append, ""),
                        "g" + i));
            }
            Process mapper = map(lab.a.ramFiles().stream()
                    .filter(f -> f.getFileName().toString().contains("-g5-"))
                    .findFirst()
                    .orElseThrow());
            try {
                Result first = evacuate(
                        lab.a,
                        line -> {
                            if (c.isAlive() && line.contains("to " + c.peer + ": PRECOPY")) {
                                c.kill9();
                            }
                        },
                        "--to",
                        c.peer + "," + lab.b.peer,
                        "--parallel",
                        "2",
                        "--bandwidth",
                        "8MB");
                String all = first.err() + first.out();
                assertThat(c.isAlive()).as(all).isFalse();
                assertThat(first.exitCode()).as(all).isEqualTo(1);
                assertThat(first.out())
                        .as(all)
                        .contains("moved 4 guests, left 1\n")
                        .contains("guest g5 is left: it is on this host.", "FOREIGN_MAPPER", "What to do:");
                assertThat(first.err()).contains("waits: failed at " + c.peer, "INBOUND_LIMIT");
            } finally {
                mapper.destroyForcibly().waitFor();
            }
            assertThat(names(lab.a)).containsExactly("g5");
            // What it held is against it no more, and the dead destination is not named any more.
            Result second = evacuate(lab.a, line -> {}, "--to", lab.b.peer);
            assertThat(second.exitCode()).as(second.err() + second.out()).isZero();
            assertThat(second.out()).contains("moved 1 guest, left 0\n");

            assertThat(names(lab.a)).isEmpty();
            assertThat(names(lab.b)).containsExactly("g1", "g2", "g3", "g4", "g5");
            for (VerifyingGuest guest : guests) {
                guest.movedTo(lab.b);
                guest.awaitTick();
                guest.verify();
            }
        }
    }

    private static List<String> names(Ferryd host) {
        return host.guests().list(ListGuestsRequest.getDefaultInstance()).getGuestsList().stream()
                .map(Guest::getName)
                .toList();
    }

    private static Process map(Path ram) throws IOException {
        Process mapper = new ProcessBuilder(
                        "python3",
                        "-c",
                        "import mmap,sys\nf=open(sys.argv[1],'r+b')\nm=mmap.mmap(f.fileno(),4096)\nprint('mapped',flush=True)\nsys.stdin.read()",
                        ram.toString())
                .start();
        assertThat(mapper.inputReader().readLine()).isEqualTo("mapped");
        return mapper;
    }

    private static Result evacuate(Ferryd host, Watcher watcher, String... options) throws Exception {
        List<String> command = new ArrayList<>(
                List.of(FERRY.toString(), "--endpoint", "unix:" + host.home.resolve("run/control.sock"), "evacuate"));
        command.addAll(List.of(options));
        Path out = host.home.resolve("evacuate.out");
        Process ferry = new ProcessBuilder(command).redirectOutput(out.toFile()).start();
        StringBuilder err = new StringBuilder();
        try (BufferedReader lines = ferry.errorReader()) {
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                err.append(line).append('\n');
                watcher.see(line);
            }
            return new Result(ferry.waitFor(), Files.readString(out), err.toString());
        } finally {
            ferry.destroyForcibly().waitFor();
        }
    }
}
