package dev.ferry.qemu;

import dev.ferry.base.ErrorCategory;
import dev.ferry.base.FerryException;
import dev.ferry.sys.PidFd;
import dev.ferry.sys.ProcFs;
import dev.ferry.sys.RamFile;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.locks.LockSupport;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Starts QEMU processes that outlive the daemon, and cleans up after them. Thread-safe. */
public final class GuestLauncher {
    private static final Logger LOG = LoggerFactory.getLogger(GuestLauncher.class);
    private static final Duration START_LIMIT = Duration.ofSeconds(10);
    private static final Duration QMP_LIMIT = Duration.ofSeconds(2);
    private static final int SIGKILL = 9;

    private final HostProfile host;
    private final QemuStarter starter;
    private final SecureRandom random = new SecureRandom();

    public GuestLauncher(HostProfile host, QemuStarter starter) {
        this.host = host;
        this.starter = starter;
    }

    /** INVALID_ARGUMENT: the host does not know the user that QEMU is to run as. It is asked anew for each start. */
    public void requireUser() {
        QemuUser.of(host.user());
    }

    /**
     * @param ramFiles that were made for it, to be unlinked when the guest has ended
     * @param ramIdentities theirs, from when they were made: by their names QEMU's user can put others
     */
    public record Incoming(QemuGuest guest, List<Path> ramFiles, Set<String> ramIdentities) {}

    /** Starts and runs a guest. The error carries the end of QEMU's own output. */
    public Incoming run(GuestDefinition definition) {
        boolean shared = definition.backing().equals("shared");
        return start(definition, shared ? "run" : "", false);
    }

    /** A destination QEMU: -S, -incoming defer, every RAM block a new shared file in the host's ramDir. */
    public Incoming startIncoming(GuestDefinition definition, String migrationId) {
        return start(definition, migrationId, true);
    }

    /** Removes a guest's directory and RAM files. FAILED_PRECONDITION, and nothing is removed, while its QEMU lives. */
    public void cleanUp(String guestName, List<Path> ramFiles) {
        pid(directory(guestName)).ifPresent(pid -> {
            throw new FerryException(
                    ErrorCategory.FAILED_PRECONDITION,
                    "guest " + guestName + " still runs as pid " + pid + ": its directory and RAM stay");
        });
        GuestFiles.remove(directory(guestName));
        ramFiles.forEach(GuestLauncher::removeFile);
    }

    /**
     * Ends a destination QEMU that an earlier daemon started for this migration, and removes what it had. A QEMU of that name
     * which has nothing to do with the migration is left alone.
     */
    public void abandon(String guestName, String migrationId) {
        Path directory = directory(guestName);
        String tag = "ferry-" + migrationId + "-";
        boolean ours = pid(directory)
                .map(pid -> ProcFs.commandLine(pid).stream().anyMatch(a -> a.contains(tag)))
                .orElse(true);
        List<Path> files = new ArrayList<>();
        try (DirectoryStream<Path> all = Files.newDirectoryStream(host.ramDir(), tag + guestName + "-*.ram")) {
            all.forEach(files::add);
        } catch (IOException e) {
            LOG.warn("could not look for RAM files of migration {} in {}", migrationId, host.ramDir(), e);
        }
        if (ours) {
            endProcess(directory);
            cleanUp(guestName, files);
        }
    }

    Path directory(String guestName) {
        GuestNames.check(guestName);
        return host.guestsDir().resolve(guestName);
    }

    private Incoming start(GuestDefinition definition, String ramTag, boolean incoming) {
        Path directory = directory(definition.name());
        List<Path> ramFiles = new ArrayList<>();
        Optional<QemuUser> user = QemuUser.of(host.user());
        makeDirectory(definition.name(), directory, user.isPresent());
        try {
            Set<String> identities = ramTag.isEmpty() ? Set.of() : makeRamFiles(definition, ramTag, ramFiles);
            boolean kvm = Files.isWritable(Path.of("/dev/kvm"));
            List<String> argv =
                    new ArrayList<>(new QemuArguments(definition, host, directory, kvm).build(ramFiles, incoming));
            if (incoming) {
                argv.set(0, EmulatorFile.of(host, definition).toString());
            }
            LOG.info("starting QEMU: {}", String.join(" ", argv));
            String id = Integer.toUnsignedString(random.nextInt(), 36);
            spawn(new QemuStarter.Start(definition.name(), id, directory, ramFiles, user, argv));
            return new Incoming(awaitQmp(definition.name(), directory), List.copyOf(ramFiles), identities);
        } catch (RuntimeException e) {
            try {
                endProcess(directory);
                cleanUp(definition.name(), ramFiles);
            } catch (FerryException left) {
                e.addSuppressed(left);
            }
            throw e;
        }
    }

    /** @param hasUser whom its QEMU runs as, who has to come to its directory */
    private void makeDirectory(String name, Path directory, boolean hasUser) {
        if (pid(directory).isPresent()) {
            throw new FerryException(
                    ErrorCategory.ALREADY_EXISTS, "guest " + name + " runs here already, in " + directory);
        }
        if (directory.resolve("monitor.sock").toString().getBytes(StandardCharsets.UTF_8).length > 107) {
            throw new FerryException(
                    ErrorCategory.INVALID_ARGUMENT,
                    directory + " is too long for unix sockets (107 bytes): shorten runtime_dir or the guest's name");
        }
        GuestFiles.remove(directory);
        try {
            Files.createDirectories(directory.getParent());
            if (hasUser) {
                // Its own directory below is closed to others.
                Files.setPosixFilePermissions(directory.getParent(), PosixFilePermissions.fromString("rwx--x--x"));
            }
            Files.createDirectory(
                    directory, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
        } catch (IOException e) {
            throw new FerryException(ErrorCategory.RESOURCE_EXHAUSTED, "making " + directory + ": " + e, e);
        }
    }

    /** Their identities. */
    private Set<String> makeRamFiles(GuestDefinition definition, String tag, List<Path> ramFiles) {
        List<Long> sizes = definition.nodes().isEmpty()
                ? List.of(definition.memoryBytes())
                : definition.nodes().stream()
                        .map(GuestDefinition.Node::memoryBytes)
                        .toList();
        Set<String> identities = new HashSet<>();
        for (int i = 0; i < sizes.size(); i++) {
            Path file = host.ramDir().resolve("ferry-" + tag + "-" + definition.name() + "-" + i + ".ram");
            // Of an earlier guest of this name and purpose, which has ended: the guest directory was free.
            removeFile(file);
            try (RamFile made = RamFile.create(file.toString(), sizes.get(i))) {
                identities.add(made.identity());
            }
            ramFiles.add(file);
        }
        return Set.copyOf(identities);
    }

    private void spawn(QemuStarter.Start start) {
        try {
            Files.createFile(start.starting());
            starter.start(start);
        } catch (IOException e) {
            throw new FerryException(ErrorCategory.RESOURCE_EXHAUSTED, "making " + start.starting() + ": " + e, e);
        } catch (FerryException e) {
            throw new FerryException(e.category(), withWords(start.directory(), e.getMessage()), e);
        }
    }

    private static QemuGuest awaitQmp(String name, Path directory) {
        long end = System.nanoTime() + START_LIMIT.toNanos();
        Path socket = directory.resolve("qmp.sock");
        FerryException refused = null;
        while (System.nanoTime() < end) {
            // Asked before the attempt: a QEMU that ends during it may have been refused for a reason of its own.
            boolean ended =
                    GuestFiles.started(directory).map(pid -> !isAlive(pid)).orElse(false);
            if (ended) {
                throw failed(directory, "QEMU of guest " + name + " ended at once");
            }
            Optional<Integer> pid = pid(directory);
            if (pid.isPresent() && Files.exists(socket)) {
                try {
                    return QemuGuest.connect(name, socket.toString(), pid.get(), QMP_LIMIT);
                } catch (FerryException e) {
                    // Its socket is there before it listens, and it may be slow to greet.
                    refused = e;
                }
            }
            LockSupport.parkNanos(5_000_000);
        }
        throw failed(
                directory,
                "QEMU of guest " + name + " did not answer on its QMP socket within " + START_LIMIT.toSeconds() + " s"
                        + (refused == null ? "" : " (" + refused.getMessage() + ")"));
    }

    private static boolean isAlive(int pid) {
        try (PidFd process = PidFd.open(pid)) {
            return process.isAlive();
        } catch (FerryException e) {
            return false;
        }
    }

    private static FerryException failed(Path directory, String what) {
        return new FerryException(ErrorCategory.FAILED_PRECONDITION, withWords(directory, what));
    }

    private static String withWords(Path directory, String what) {
        String said = GuestFiles.logTail(directory);
        return what + (said.isBlank() ? "" : "; it said: " + said.strip());
    }

    /** Of a living QEMU that was started for this directory, or of the shell that is about to become it. */
    private static Optional<Integer> pid(Path directory) {
        try {
            String ours = directory.resolve("pid").toString();
            return GuestFiles.started(directory)
                    .filter(pid -> ProcFs.commandLine(pid).contains(ours));
        } catch (FerryException e) {
            return Optional.empty();
        }
    }

    /** Ends the QEMU of this directory, if it lives, and waits for that. */
    static void endProcess(Path directory) {
        pid(directory).ifPresent(pid -> {
            try (PidFd process = PidFd.open(pid)) {
                process.signal(SIGKILL);
                process.awaitExit(5_000);
            } catch (FerryException e) {
                LOG.debug("QEMU {} ended by itself", pid, e);
            }
        });
    }

    static void removeFile(Path file) {
        try {
            Files.deleteIfExists(file);
        } catch (IOException e) {
            LOG.warn("could not remove {}", file, e);
        }
    }
}
