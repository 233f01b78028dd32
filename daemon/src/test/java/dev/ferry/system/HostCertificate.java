package dev.ferry.system;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** Of every address that a test's daemons have, made by {@code ferry tls init} once in each run of the tests. */
final class HostCertificate {
    private static final String HOST = "test-host";
    private static final Path REPOSITORY =
            Path.of(System.getProperty("user.dir")).getParent();

    /** In the build's output: it goes with that. Another run has another. */
    private static final Path DIRECTORY = Path.of(
                    "target", "tls", Long.toString(ProcessHandle.current().pid()))
            .toAbsolutePath();

    private static boolean made;

    private HostCertificate() {}

    /** The section {@code [tls]} of a configuration that uses it. */
    static synchronized String configuration() throws IOException, InterruptedException {
        if (!made) {
            make();
            made = true;
        }
        return """
                [tls]
                ca = "%1$s/ca.crt"
                certificate = "%1$s/host.crt"
                key = "%1$s/host.key"
                allow = ["%2$s"]
                """.formatted(DIRECTORY.resolve(HOST), HOST);
    }

    /** The directory for {@code --tls} of a client of the same CA. */
    static synchronized Path client(String name) throws IOException, InterruptedException {
        configuration();
        Path client = DIRECTORY.resolve(name);
        if (!Files.exists(client)) {
            init(DIRECTORY, "--client", name);
        }
        return client;
    }

    private static void make() throws IOException, InterruptedException {
        String names = String.join(
                ",",
                HOST,
                "127.0.0.1",
                CutLink.address("a"),
                CutLink.address("b"),
                CutLink.secondAddress("a"),
                CutLink.secondAddress("b"));
        init(DIRECTORY, names);
        if (!Files.exists(DIRECTORY.resolve(HOST))) {
            throw new IOException("ferry tls init made no " + HOST);
        }
    }

    /** {@code ferry tls init} with these words. */
    static void init(Path directory, String... words) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(
                List.of(REPOSITORY.resolve("bin/ferry").toString(), "tls", "init", "--dir", directory.toString()));
        command.addAll(List.of(words));
        Process init = new ProcessBuilder(command).redirectErrorStream(true).start();
        String said = new String(init.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        if (!init.waitFor(60, TimeUnit.SECONDS) || init.exitValue() != 0) {
            throw new IOException("ferry tls init: " + said);
        }
    }
}
