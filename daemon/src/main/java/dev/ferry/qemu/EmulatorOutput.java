package dev.ferry.qemu;

import dev.ferry.base.ErrorCategory;
import dev.ferry.base.FerryException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

/** What a program prints, within bounds of length and time: which one is run is the peer's word too. */
final class EmulatorOutput {
    /** "-machine help" of QEMU 10 has 8 KiB. */
    private static final int MAX_BYTES = 1 << 20;

    private static final long LIMIT_SECONDS = 10;

    private EmulatorOutput() {}

    /** Blocks until it has ended. UNAVAILABLE: it does not end, or says too much. UncheckedIOException: it cannot be run. */
    static String of(String... command) {
        try {
            Process process =
                    new ProcessBuilder(command).redirectErrorStream(true).start();
            CompletableFuture<Void> limit = CompletableFuture.runAsync(
                    process::destroyForcibly, CompletableFuture.delayedExecutor(LIMIT_SECONDS, TimeUnit.SECONDS));
            try {
                process.getOutputStream().close();
                byte[] said = process.getInputStream().readNBytes(MAX_BYTES + 1);
                if (said.length > MAX_BYTES) {
                    throw unfit(command[0], "says more than " + MAX_BYTES + " bytes");
                }
                process.waitFor();
                if (limit.isDone()) {
                    throw unfit(command[0], "did not end within " + LIMIT_SECONDS + " s");
                }
                return new String(said, StandardCharsets.UTF_8);
            } finally {
                limit.cancel(false);
                process.destroyForcibly();
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new FerryException(ErrorCategory.UNAVAILABLE, "interrupted", e);
        }
    }

    private static FerryException unfit(String program, String what) {
        return new FerryException(ErrorCategory.UNAVAILABLE, program + " " + what + ": is it a QEMU?");
    }
}
