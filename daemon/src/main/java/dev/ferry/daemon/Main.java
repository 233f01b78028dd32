package dev.ferry.daemon;

import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code ferryd}: runs in the foreground until a signal. Exit codes: 0 asked to end, 1 could not start, 2 usage. */
@Command(
        name = "ferryd",
        description = "Moves running QEMU guests between hosts: the daemon of one host.",
        mixinStandardHelpOptions = true,
        versionProvider = Main.Version.class)
final class Main implements Callable<Integer> {
    private static final Logger LOG = LoggerFactory.getLogger(Main.class);

    /** A daemon that ends within five seconds is not killed by who waits that long. */
    private static final long STOP_LIMIT_MS = 4_700;

    @Spec
    private CommandSpec spec;

    @Option(names = "--config", required = true, paramLabel = "FILE", description = "configuration, TOML")
    private Path config;

    public static void main(String[] args) {
        System.exit(new CommandLine(new Main()).execute(args));
    }

    @Override
    public Integer call() throws InterruptedException {
        Logging.start();
        Thread.setDefaultUncaughtExceptionHandler(
                (thread, error) -> LOG.error("thread {} ended: a bug", thread.getName(), error));
        Wiring wiring;
        try {
            Config loaded = ConfigLoader.load(config);
            Logging.level(loaded.logLevel());
            wiring = new Wiring(loaded, Version.text());
        } catch (ConfigException | IOException | RuntimeException e) {
            LOG.debug("cannot start", e);
            spec.commandLine().getErr().println("ferryd: " + StartError.text(e));
            return 1;
        }
        ServiceManager manager = new ServiceManager(System.getenv("NOTIFY_SOCKET"));
        Runtime.getRuntime().addShutdownHook(new Thread(() -> stop(wiring, manager), "stop"));
        PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
        out.println("ready control=" + wiring.controlAddresses() + " peer=" + wiring.peerAddress());
        manager.ready();
        new CountDownLatch(1).await();
        return 0;
    }

    /** Runs as the answer to SIGTERM and SIGINT. Java would exit with 128 + signal; ending when asked to is no failure. */
    private static void stop(Wiring wiring, ServiceManager manager) {
        Thread closer = new Thread(
                () -> {
                    manager.stopping();
                    wiring.close();
                },
                "close");
        closer.setDaemon(true);
        closer.start();
        try {
            closer.join(STOP_LIMIT_MS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        if (closer.isAlive()) {
            LOG.warn("not everything could be closed in {} ms; guests are not affected", STOP_LIMIT_MS);
        }
        Runtime.getRuntime().halt(0);
    }

    /** From the jar's manifest. */
    static final class Version implements CommandLine.IVersionProvider {
        static String text() {
            String version = Main.class.getPackage().getImplementationVersion();
            return version == null ? "development" : version;
        }

        @Override
        public String[] getVersion() {
            return new String[] {"ferryd " + text()};
        }
    }
}
