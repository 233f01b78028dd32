package dev.ferry.daemon;

import dev.ferry.sys.CoreDumps;
import dev.ferry.sys.RemoteSyscall;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
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

    /** An injected system call takes 10 ms at worst. */
    private static final Duration INJECTION_LIMIT = Duration.ofMillis(250);

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
        CoreDumps.forbid();
        Thread.setDefaultUncaughtExceptionHandler(
                (thread, error) -> LOG.error("thread {} ended: a bug", thread.getName(), error));
        StopSignal stop = new StopSignal(code -> {
            if (!RemoteSyscall.quiesce(INJECTION_LIMIT)) {
                LOG.error("a thread of a QEMU is still stopped by this ferryd as it ends");
            }
            Runtime.getRuntime().halt(code);
        });
        ServiceManager manager =
                ServiceManager.of(System.getenv(), ProcessHandle.current().pid());
        Wiring wiring;
        ConfigLoader.Loaded loaded;
        try {
            stop.listen();
            loaded = ConfigLoader.loadAll(config);
            Logging.level(loaded.config().logLevel());
            wiring = new Wiring(loaded.config(), Version.text(), manager, stop::throwIfAsked);
        } catch (ConfigException | IOException | RuntimeException e) {
            LOG.debug("cannot start", e);
            stop.notStarted();
            if (!stop.isAsked()) {
                spec.commandLine().getErr().println("ferryd: " + StartError.text(e));
            }
            return 1;
        } catch (Error e) {
            stop.notStarted();
            throw e;
        }
        stop.started(() -> {
            manager.stopping();
            wiring.close();
        });
        if (!stop.isAsked()) {
            ReloadSignal.listen(manager, new Reload(config, loaded.said(), wiring.changeable())::run);
            PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
            String metrics = wiring.metricsAddress().isEmpty() ? "" : " metrics=" + wiring.metricsAddress();
            out.println("ready control=" + wiring.controlAddresses() + metrics + " peer=" + wiring.peerAddress());
            manager.ready();
            ServiceManager.watchdogNs(System.getenv(), ProcessHandle.current().pid())
                    .ifPresent(intervalNs -> wiring.watch(manager::alive, intervalNs));
        }
        new CountDownLatch(1).await();
        return 0;
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
