package dev.ferry.client;

import dev.ferry.v1.CancelRequest;
import dev.ferry.v1.GetRequest;
import dev.ferry.v1.ListRequest;
import dev.ferry.v1.ListResponse;
import dev.ferry.v1.Migration;
import dev.ferry.v1.MigrationState;
import dev.ferry.v1.SwitchToPostcopyRequest;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** ferry list, show, watch, postcopy, cancel. */
final class MigrationCommands {
    private MigrationCommands() {}

    @Command(name = "list", description = "Migrations from and to this host, newest first.")
    static final class ListAll extends Options {
        @Option(names = "--guest", paramLabel = "NAME", description = "only this guest's")
        String guest = "";

        @Override
        int run(Session session) {
            ListResponse.Builder all = ListResponse.newBuilder();
            String token = "";
            do {
                ListResponse page = session.migrations()
                        .list(ListRequest.newBuilder()
                                .setGuest(guest)
                                .setPageToken(token)
                                .build());
                all.addAllMigrations(page.getMigrationsList());
                token = page.getNextPageToken();
            } while (!token.isEmpty());
            if (json()) {
                output.json(all);
            } else {
                output.table(
                        List.of("ID", "GUEST", "STATE", "RUNS ON", "PEER", "DOWNTIME", "TOTAL"),
                        all.getMigrationsList().stream()
                                .map(m -> List.of(
                                        m.getId(),
                                        m.getGuest(),
                                        m.getState().name(),
                                        m.getRunsOn().name(),
                                        m.getPeer(),
                                        m.getDowntimePhasesCount() == 0 ? "-" : Text.ms(m.getDowntimeMs()),
                                        Text.ms(m.getTotalMs())))
                                .toList());
            }
            return ExitCodes.DONE;
        }
    }

    @Command(name = "show", description = "One migration.")
    static final class Show extends Options {
        @Parameters(paramLabel = "ID")
        String id;

        @Override
        int run(Session session) {
            print(
                    this,
                    session.migrations().get(GetRequest.newBuilder().setId(id).build()));
            return ExitCodes.DONE;
        }
    }

    @Command(name = "watch", description = "Follows a migration to its end.")
    static final class Watch extends Options {
        @Parameters(paramLabel = "ID")
        String id;

        @Override
        int run(Session session) {
            return finish(this, new Watcher(session, output).follow(id));
        }
    }

    @Command(name = "postcopy", description = "Ends pre-copy and switches now.")
    static final class Postcopy extends Options {
        @Parameters(paramLabel = "ID")
        String id;

        @Override
        int run(Session session) {
            print(
                    this,
                    session.migrations()
                            .switchToPostcopy(SwitchToPostcopyRequest.newBuilder()
                                    .setId(id)
                                    .build()));
            return ExitCodes.DONE;
        }
    }

    @Command(
            name = "cancel",
            description = "Undoes a migration before its commit; returns when the guest runs on the source.")
    static final class Cancel extends Options {
        @Parameters(paramLabel = "ID")
        String id;

        @Override
        int run(Session session) {
            Migration m = session.migrations()
                    .cancel(CancelRequest.newBuilder().setId(id).build());
            print(this, m);
            return m.getState() == MigrationState.CANCELLED ? ExitCodes.DONE : ExitCodes.MIGRATION_FAILED;
        }
    }

    static void print(Options options, Migration m) {
        if (options.json()) {
            options.output.json(m);
        } else {
            options.output.out.print(Text.summary(m));
        }
    }

    /** The result on stdout, and the exit code that goes with it. */
    static int finish(Options options, Migration m) {
        print(options, m);
        if (m.getState() == MigrationState.COMPLETED) {
            return ExitCodes.DONE;
        }
        options.output.err.println("ferry: migration " + m.getId() + " " + m.getState() + ": "
                + (m.getError().isEmpty() ? m.getReason() : m.getError()) + "; " + Text.whereabouts(m));
        return ExitCodes.MIGRATION_FAILED;
    }
}
