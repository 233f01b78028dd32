package dev.ferry.system;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Optional;

/** The package as {@code bin/package} builds it of what is built already. */
final class DebianPackage {
    private static final Path REPOSITORY =
            Path.of(System.getProperty("user.dir")).getParent();

    private DebianPackage() {}

    /** @param epoch when it claims to be from; empty: as its commit */
    static Path build(Optional<Long> epoch) throws IOException, InterruptedException {
        ProcessBuilder builder =
                new ProcessBuilder(REPOSITORY.resolve("bin/package").toString(), "--built").redirectErrorStream(true);
        epoch.ifPresent(e -> builder.environment().put("SOURCE_DATE_EPOCH", Long.toString(e)));
        return REPOSITORY.resolve(run(builder).strip());
    }

    /** Runs it to its end, which has to be a success, and returns what it wrote. */
    static String run(ProcessBuilder builder) throws IOException, InterruptedException {
        Process process = builder.start();
        String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor()).as(builder.command() + ": " + said).isZero();
        return said;
    }
}
