package dev.ferry.system;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
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

    private static void make() throws IOException, InterruptedException {
        String names = String.join(
                ",",
                HOST,
                "127.0.0.1",
                CutLink.address("a"),
                CutLink.address("b"),
                CutLink.secondAddress("a"),
                CutLink.secondAddress("b"));
        Process init = new ProcessBuilder(
                        REPOSITORY.resolve("bin/ferry").toString(), "tls", "init", "--dir", DIRECTORY.toString(), names)
                .redirectErrorStream(true)
                .start();
        String said = new String(init.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        if (!init.waitFor(60, TimeUnit.SECONDS) || init.exitValue() != 0 || !Files.exists(DIRECTORY.resolve(HOST))) {
            throw new IOException("ferry tls init: " + said);
        }
    }
}
