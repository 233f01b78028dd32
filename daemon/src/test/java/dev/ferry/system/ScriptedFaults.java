package dev.ferry.system;

import dev.ferry.migration.FaultPoint;
import dev.ferry.migration.FaultPoints;
import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;

/**
 * Runs inside a ferryd of {@link FaultStage}, which puts this class alone on its class path: strikes at the boundary that the file
 * {@code armed} names, in the directory that FERRY_FAULTS names. Its one line: POINT, which pass of it, HALT or WAIT. It strikes
 * once: the file becomes {@code struck}. WAIT goes on when there is a file {@code go}.
 */
public final class ScriptedFaults implements FaultPoints {
    private static final long POLL_NS = 500_000;

    private final File armed = new File(System.getenv("FERRY_FAULTS"), "armed");
    private final File struck = new File(System.getenv("FERRY_FAULTS"), "struck");
    private final File go = new File(System.getenv("FERRY_FAULTS"), "go");
    private final AtomicInteger passes = new AtomicInteger();

    @Override
    public void at(FaultPoint point) {
        if (!armed.isFile()) {
            passes.set(0);
            return;
        }
        String[] script;
        try {
            script = Files.readString(armed.toPath()).strip().split(" ");
        } catch (IOException e) {
            return; // another thread struck between the two lines
        }
        if (!script[0].equals(point.name()) || passes.incrementAndGet() < Integer.parseInt(script[1])) {
            return;
        }
        if (!armed.renameTo(struck)) {
            return;
        }
        if (script[2].equals("HALT")) {
            // As kill -9: no hook runs, nothing is flushed.
            Runtime.getRuntime().halt(137);
        }
        while (!go.exists()) {
            LockSupport.parkNanos(POLL_NS);
        }
        try {
            Files.deleteIfExists(go.toPath());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
