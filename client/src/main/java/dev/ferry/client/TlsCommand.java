package dev.ferry.client;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code ferry tls}: certificates for trying it out. */
@Command(name = "tls", description = "Certificates for TLS between daemons.", subcommands = TlsCommand.Init.class)
final class TlsCommand {

    @Command(
            name = "init",
            description = {
                "Makes a CA, unless DIR has one, and a certificate and key for each HOST.",
                "Copy DIR/HOST/* to /etc/ferry/tls on that host and keep DIR/ca.key away from all of them.",
                "For trying it out; a site with a CA of its own uses that."
            })
    static final class Init implements Callable<Integer> {
        @Spec
        private CommandSpec spec;

        @Option(names = "--dir", paramLabel = "DIR", defaultValue = "ferry-tls", description = "default: ferry-tls")
        private Path directory;

        @Option(names = "--days", paramLabel = "N", defaultValue = "365", description = "default: 365")
        private int days;

        @Parameters(
                paramLabel = "HOST[,NAME...]",
                arity = "1..*",
                description = "the host, and more names or addresses by which peers dial it")
        private List<String> hosts;

        @Override
        public Integer call() throws InterruptedException {
            Ferry ferry = (Ferry) spec.root().userObject();
            List<String> made = new ArrayList<>();
            try (CertificateMaker maker = new CertificateMaker(directory, days)) {
                if (maker.makeAuthority()) {
                    made.add(directory.resolve("ca.crt").toString());
                    made.add(directory.resolve("ca.key").toString());
                }
                for (String host : hosts) {
                    made.add(maker.makeHost(List.of(host.split(","))) + "/");
                }
            } catch (IOException e) {
                throw new UsageException("cannot make certificates in " + directory + ": " + FileErrors.why(e), e);
            } catch (IllegalArgumentException e) {
                throw new UsageException(e.getMessage(), e);
            }
            made.forEach(ferry.terminal().out()::println);
            return ExitCode.DONE;
        }
    }
}
