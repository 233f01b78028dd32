package dev.ferry.client;

import dev.ferry.v1.AttachGuestRequest;
import dev.ferry.v1.Block;
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

/** ferry guest ... */
@Command(
        name = "guest",
        description = "The guests of this host.",
        subcommands = {
            GuestCommand.Run.class,
            GuestCommand.Attach.class,
            GuestCommand.ListAll.class,
            GuestCommand.Show.class,
            GuestCommand.Detach.class
        })
final class GuestCommand extends Common {
    @Command(name = "run", description = "Starts a guest from a definition.")
    static final class Run extends Options {
        @Parameters(paramLabel = "FILE.toml")
        Path file;

        @Override
        int run(Session session) {
            String text;
            try {
                text = Files.readString(file);
            } catch (IOException e) {
                throw new UsageException("cannot read " + file + ": " + e.getMessage());
            }
            Guest guest = session.guests()
                    .run(RunGuestRequest.newBuilder()
                            .setToml(text)
                            .setFileName(file.toString())
                            .build());
            show(this, guest);
            return ExitCodes.DONE;
        }
    }

    @Command(name = "attach", description = "Adopts a QEMU that somebody else started.")
    static final class Attach extends Options {
        @Parameters(paramLabel = "NAME")
        String name;

        @Option(
                names = "--qmp",
                required = true,
                paramLabel = "SOCKET",
                description = "its QMP socket, for ferryd alone")
        Path socket;

        @Option(names = "--incoming", description = "it waits for a migration (-incoming defer -S)")
        boolean incoming;

        @Override
        int run(Session session) {
            show(
                    this,
                    session.guests()
                            .attach(AttachGuestRequest.newBuilder()
                                    .setName(name)
                                    .setQmpSocket(socket.toAbsolutePath().toString())
                                    .setIncoming(incoming)
                                    .build()));
            return ExitCodes.DONE;
        }
    }

    @Command(name = "list", description = "All guests that ferryd knows.")
    static final class ListAll extends Options {
        @Override
        int run(Session session) {
            ListGuestsResponse all = session.guests().list(ListGuestsRequest.getDefaultInstance());
            if (json()) {
                output.json(all);
            } else {
                output.table(
                        List.of("NAME", "STATUS", "PID", "MEMORY", "QEMU", "MACHINE", "MIGRATION"),
                        all.getGuestsList().stream()
                                .map(g -> List.of(
                                        g.getName(),
                                        g.getStatus().name(),
                                        Integer.toString(g.getPid()),
                                        Text.bytes(g.getMemoryBytes()),
                                        g.getQemuVersion(),
                                        g.getMachine(),
                                        g.getMigrationId().isEmpty() ? "-" : g.getMigrationId()))
                                .toList());
            }
            return ExitCodes.DONE;
        }
    }

    @Command(name = "show", description = "One guest, with its RAM blocks.")
    static final class Show extends Options {
        @Parameters(paramLabel = "NAME")
        String name;

        @Override
        int run(Session session) {
            show(
                    this,
                    session.guests()
                            .show(ShowGuestRequest.newBuilder().setName(name).build()));
            return ExitCodes.DONE;
        }
    }

    @Command(name = "detach", description = "Forgets a guest; it goes on running.")
    static final class Detach extends Options {
        @Parameters(paramLabel = "NAME")
        String name;

        @Override
        int run(Session session) {
            show(
                    this,
                    session.guests()
                            .detach(DetachGuestRequest.newBuilder()
                                    .setName(name)
                                    .build()));
            return ExitCodes.DONE;
        }
    }

    private static void show(Options options, Guest g) {
        if (options.json()) {
            options.output.json(g);
            return;
        }
        options.output.out.printf(
                "%s: %s, pid %d, QEMU %s, %s, %s%s%n",
                g.getName(),
                g.getStatus(),
                g.getPid(),
                g.getQemuVersion(),
                g.getMachine(),
                Text.bytes(g.getMemoryBytes()),
                g.getMigrationId().isEmpty() ? "" : ", moves: " + g.getMigrationId());
        for (Block b : g.getBlocksList()) {
            options.output.out.printf(
                    "  %-24s %10s  %s%s%n",
                    b.getName(),
                    Text.bytes(b.getLengthBytes()),
                    b.getBacking(),
                    b.getGuestRam() ? "" : ", not guest RAM");
        }
    }
}
