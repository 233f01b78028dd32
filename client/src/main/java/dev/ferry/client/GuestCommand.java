package dev.ferry.client;

import dev.ferry.v1.AttachGuestRequest;
import dev.ferry.v1.DetachGuestRequest;
import dev.ferry.v1.Guest;
import dev.ferry.v1.ListGuestsRequest;
import dev.ferry.v1.ListGuestsResponse;
import dev.ferry.v1.RunGuestRequest;
import dev.ferry.v1.ShowGuestRequest;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code ferry guest}: the guests that a ferryd knows. */
@Command(
        name = "guest",
        description = "The guests that this ferryd knows.",
        subcommands = {
            GuestCommand.Run.class,
            GuestCommand.Attach.class,
            GuestCommand.Ls.class,
            GuestCommand.Show.class,
            GuestCommand.Detach.class
        })
final class GuestCommand {

    @Command(name = "run", description = "Starts a QEMU from a definition. It outlives ferryd.")
    static final class Run extends ClientCommand {
        @Parameters(paramLabel = "FILE.toml", description = "the guest's definition")
        private Path file;

        @Override
        int run(Ferry ferry, Connection connection) {
            return printOne(
                    ferry,
                    connection
                            .guests()
                            .run(RunGuestRequest.newBuilder()
                                    .setToml(read())
                                    .setFileName(file.toString())
                                    .build()));
        }

        private String read() {
            try {
                return Files.readString(file);
            } catch (IOException e) {
                throw new UsageException("cannot read " + file + ": " + FileErrors.why(e), e);
            }
        }
    }

    @Command(name = "attach", description = "Adopts a QEMU that somebody else started.")
    static final class Attach extends ClientCommand {
        @Parameters(paramLabel = "NAME", description = "how it will be called")
        private String name;

        @Option(
                names = "--qmp",
                required = true,
                paramLabel = "SOCKET",
                description = "a QMP socket of this QEMU that nothing else uses")
        private Path qmp;

        @Option(names = "--incoming", description = "it waits for a migration: started with -incoming defer -S")
        private boolean incoming;

        @Override
        int run(Ferry ferry, Connection connection) {
            // ferryd has another working directory. Over TCP it may be another host: then nothing is known about its
            // paths.
            Path socket = ferry.endpoint() instanceof Endpoint.Unix ? qmp.toAbsolutePath() : qmp;
            return printOne(
                    ferry,
                    connection
                            .guests()
                            .attach(AttachGuestRequest.newBuilder()
                                    .setName(name)
                                    .setQmpSocket(socket.normalize().toString())
                                    .setIncoming(incoming)
                                    .build()));
        }
    }

    @Command(name = "list", description = "Lists the guests.")
    static final class Ls extends ClientCommand {
        @Override
        int run(Ferry ferry, Connection connection) {
            ListGuestsResponse guests = connection.guests().list(ListGuestsRequest.getDefaultInstance());
            return print(ferry, guests, () -> GuestText.table(guests.getGuestsList()));
        }
    }

    @Command(name = "show", description = "Shows a guest and its RAM blocks.")
    static final class Show extends ClientCommand {
        @Parameters(paramLabel = "NAME", description = "the guest")
        private String name;

        @Override
        int run(Ferry ferry, Connection connection) {
            Guest guest = connection
                    .guests()
                    .show(ShowGuestRequest.newBuilder().setName(name).build());
            return print(ferry, guest, () -> GuestText.detail(guest));
        }
    }

    @Command(name = "detach", description = "Forgets a guest; it goes on running.")
    static final class Detach extends ClientCommand {
        @Parameters(paramLabel = "NAME", description = "the guest")
        private String name;

        @Override
        int run(Ferry ferry, Connection connection) {
            return printOne(
                    ferry,
                    connection
                            .guests()
                            .detach(DetachGuestRequest.newBuilder()
                                    .setName(name)
                                    .build()));
        }
    }

    private static int printOne(Ferry ferry, Guest guest) {
        return ClientCommand.print(ferry, guest, () -> GuestText.table(List.of(guest)));
    }
}
