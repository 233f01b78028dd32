package dev.ferry.qemu;

import dev.ferry.base.ErrorCategory;
import dev.ferry.base.FerryException;
import java.io.File;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * How a QEMU becomes a process that outlives the daemon, and never its child: a JVM thread that waits for children would swallow
 * ptrace stops. Chosen once for a daemon. Thread-safe.
 */
public interface QemuStarter {
    Logger LOG = LoggerFactory.getLogger(QemuStarter.class);

    /** There from before the start; the shell makes it {@link #STARTED}. Its name is never used twice. */
    String STARTING = "starting-";

    /** Has the process id, as a line: so QEMU is found from its first moment, also if it ends at once. */
    String STARTED = "started";

    /** What QEMU says; what the start itself says is there too. */
    String LOG_FILE = "qemu.log";

    /** The shell becomes QEMU. One that comes too late, when its start was given up, finds its file gone and ends. */
    String SCRIPT = "[ -e \"$0\" ] && exec </dev/null >>\"$1/" + LOG_FILE
            + "\" 2>&1 && echo $$ >\"$0\" && mv \"$0\" \"$1/" + STARTED + "\" && shift && exec \"$@\"";

    long LIMIT_SECONDS = 10;

    /** @return a command that starts it and ends with 0 when it is on its way; it says nothing then */
    List<String> command(Start start);

    /**
     * @param id of this start: letters and digits
     * @param directory of this guest
     * @param files besides, that QEMU must be able to open
     * @param user whose process it becomes; empty: the daemon's
     */
    record Start(
            String guest, String id, Path directory, List<Path> files, Optional<QemuUser> user, List<String> argv) {
        Path starting() {
            return directory.resolve(STARTING + id);
        }

        /** What becomes the user's. */
        List<String> owned() {
            return Stream.concat(Stream.of(directory), files.stream())
                    .map(Path::toString)
                    .toList();
        }

        List<String> shell() {
            List<String> all =
                    new ArrayList<>(List.of("/bin/sh", "-c", SCRIPT, starting().toString(), directory.toString()));
            all.addAll(argv);
            return all;
        }
    }

    /**
     * Where systemd has started this daemon, a unit for each guest; elsewhere a session.
     *
     * @param environment of this process, which its descendants may have inherited
     */
    static QemuStarter choose(Map<String, String> environment, long pid) {
        // MANAGERPID: a user's own systemd, which must not be asked for anything here. systemd.exec(5).
        boolean byHost = environment.getOrDefault("SYSTEMD_EXEC_PID", "").equals(Long.toString(pid))
                && !environment.containsKey("MANAGERPID");
        if (byHost) {
            LOG.info("guests started here are units of their own: {}*, in {}", OwnUnit.PREFIX, OwnUnit.SLICE);
            return new OwnUnit();
        }
        LOG.debug("guests started here are sessions of their own, in the control group of this daemon");
        return new OwnSession();
    }

    /** Returns when it is on its way. FAILED_PRECONDITION: whoever was asked to start it refuses; its words are in the log file. */
    default void start(Start start) {
        String emulator = start.argv().get(0);
        try {
            Process process = new ProcessBuilder(command(start))
                    .redirectInput(new File("/dev/null"))
                    .redirectErrorStream(true)
                    .redirectOutput(ProcessBuilder.Redirect.appendTo(
                            start.directory().resolve(LOG_FILE).toFile()))
                    .start();
            if (!process.waitFor(LIMIT_SECONDS, TimeUnit.SECONDS)) {
                process.destroyForcibly();
                throw refused(emulator + " could not be started within " + LIMIT_SECONDS + " s");
            }
            if (process.exitValue() != 0) {
                throw refused(emulator + " could not be started");
            }
        } catch (IOException e) {
            throw new FerryException(ErrorCategory.INTERNAL, "starting " + emulator + ": " + e.getMessage(), e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new FerryException(ErrorCategory.UNAVAILABLE, "interrupted while QEMU starts", e);
        }
    }

    private static FerryException refused(String what) {
        return new FerryException(ErrorCategory.FAILED_PRECONDITION, what);
    }
}
