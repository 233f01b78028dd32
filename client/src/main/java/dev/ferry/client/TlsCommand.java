package dev.ferry.client;

import dev.ferry.client.CertificateMaker.Kind;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code ferry tls}: certificates for trying it out. */
@Command(
        name = "tls",
        description = "Certificates for TLS, of hosts and of clients.",
        subcommands = TlsCommand.Init.class)
final class TlsCommand {

    @Command(
            name = "init",
            description = {
                "Makes a CA, unless DIR has one, and a certificate and key for each HOST and each client.",
                "Copy DIR/HOST/* to /etc/ferry/tls on that host and keep DIR/ca.key away from all of them.",
                "Copy DIR/CLIENT/* to ~/.config/ferry/tls (or /etc/ferry/client) where ferry is used over TCP.",
                "For trying it out; a site with a CA of its own uses that."
            })
    static final class Init implements Callable<Integer> {
        @Spec
        private CommandSpec spec;

        @Option(names = "--dir", paramLabel = "DIR", defaultValue = "ferry-tls", description = "default: ferry-tls")
        private Path directory;

        @Option(names = "--days", paramLabel = "N", defaultValue = "365", description = "default: 365")
        private int days;

        @Option(
                names = "--client",
                paramLabel = "NAME[,NAME...]",
                description =
                        "a client of the control address, as its ferryd's [control.clients] names it; may be repeated")
        private List<String> clients = List.of();

        @Parameters(
                paramLabel = "HOST[,NAME...]",
                arity = "0..*",
                description = "the host, and more names or addresses by which peers dial it")
        private List<String> hosts = List.of();

        @Override
        public Integer call() throws InterruptedException {
            Ferry ferry = (Ferry) spec.root().userObject();
            if (hosts.isEmpty() && clients.isEmpty()) {
                throw new ParameterException(spec.commandLine(), "for whom? HOST, or --client NAME");
            }
            List<String> made = new ArrayList<>();
            try (CertificateMaker maker = new CertificateMaker(directory, days)) {
                if (maker.makeAuthority()) {
                    made.add(directory.resolve("ca.crt").toString());
                    made.add(directory.resolve("ca.key").toString());
                }
                for (String host : hosts) {
                    made.add(maker.make(Kind.HOST, List.of(host.split(","))) + "/");
                }
                for (String client : clients) {
                    made.add(maker.make(Kind.CLIENT, List.of(client.split(","))) + "/");
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
