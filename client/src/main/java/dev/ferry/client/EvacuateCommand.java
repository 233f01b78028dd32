package dev.ferry.client;

import dev.ferry.v1.GetStatusRequest;
import dev.ferry.v1.GetStatusResponse;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code ferry evacuate}: exit code 0 when nobody is left on the host, 1 with everybody who is. */
@Command(
        name = "evacuate",
        description = {
            "Empties this host: moves every guest to one of the destinations, those first that stall least. Shows progress on",
            "stderr, goes on with the rest when one fails, and ends with who is left, where, and why. Ctrl-C starts no more",
            "guests; twice leaves. What moves goes on either way, and the same command later goes on from there."
        })
final class EvacuateCommand extends ClientCommand {
    private static final int INTERRUPTED = 130;

    @Option(
            names = "--to",
            required = true,
            paramLabel = "HOST:PORT[,HOST:PORT]",
            description = "peer addresses of different destinations; the one with the most room takes the next guest")
    private PeerAddresses to;

    @Option(
            names = "--parallel",
            paramLabel = "N",
            description = "so many guests at once, at most what this host allows (default: that)")
    private Integer parallel;

    @Option(names = "--dry-run", description = "say what would go where, and start nothing")
    private boolean dryRun;

    @Mixin
    private PolicyOptions limits;

    @Override
    int run(Ferry ferry, Connection connection) throws Exception {
        if (parallel != null && parallel < 1) {
            throw new UsageException("--parallel: " + parallel + " is less than one", null);
        }
        List<String> hosts =
                to.all().stream().map(HostPort::toString).distinct().toList();
        GetStatusResponse status = connection.daemon().getStatus(GetStatusRequest.getDefaultInstance());
        if (hosts.contains(status.getPeerAddress())) {
            throw new UsageException("--to: " + status.getPeerAddress() + " is the host that is to be emptied", null);
        }
        try (EvacuationView view = EvacuationView.of(ferry.terminal())) {
            AskedFerryd ferryd = new AskedFerryd(connection, ferry.patience(), view::say);
            Placement placement = new Placement(ferryd, ferry.patience(), hosts, limits.policy());
            Evacuation evacuation =
                    new Evacuation(ferryd, ferry.patience(), view, placement, parallel(ferry, view, status));
            if (dryRun) {
                evacuation.plan();
            } else {
                empty(ferry, view, evacuation);
            }
            view.close();
            EvacuationResult result = new EvacuationResult(evacuation.guests(), dryRun);
            print(ferry, result.json(), result::text);
            return result.isEmptied() ? ExitCode.DONE : ExitCode.FAILED;
        }
    }

    private int parallel(Ferry ferry, EvacuationView view, GetStatusResponse status) {
        int allowed = status.getMaxOutbound(); // 0: an older release, which does not say
        if (parallel == null) {
            return Math.max(1, allowed);
        }
        if (allowed > 0 && parallel > allowed) {
            view.say("--parallel " + parallel + ": " + ferry.endpoint() + " lets " + allowed
                    + " leave at once (max_outbound)");
            return allowed;
        }
        return parallel;
    }

    private static void empty(Ferry ferry, EvacuationView view, Evacuation evacuation) throws Exception {
        Thread farewell = new Thread(() -> leave(ferry, view), "farewell");
        Runtime.getRuntime().addShutdownHook(farewell);
        Interruption interruption = new Interruption(ferry, view, evacuation);
        try (Interrupts interrupts = Interrupts.listen(interruption)) {
            evacuation.run();
        } catch (LostException e) {
            throw new LostException(
                    "lost ferryd at " + ferry.endpoint() + ": " + e.getMessage()
                            + ". Guests that move go on without us; when it is back, see them with: "
                            + ferry.again("list")
                            + ", and say the same command again",
                    e);
        } finally {
            try {
                Runtime.getRuntime().removeShutdownHook(farewell);
            } catch (IllegalStateException e) {
                ferry.terminal().err().flush(); // the process is ending: it runs already
            }
        }
    }

    private static void leave(Ferry ferry, EvacuationView view) {
        view.close();
        ferry.terminal()
                .say("what moves goes on, nothing more is started. See it with: " + ferry.again("list")
                        + "; the same command later goes on from there");
    }

    /** What Ctrl-C does. */
    private static final class Interruption implements Runnable {
        private final Ferry ferry;
        private final EvacuationView view;
        private final Evacuation evacuation;
        private boolean asked;

        Interruption(Ferry ferry, EvacuationView view, Evacuation evacuation) {
            this.ferry = ferry;
            this.view = view;
            this.evacuation = evacuation;
        }

        @Override
        public synchronized void run() {
            if (asked) {
                System.exit(INTERRUPTED); // and the farewell with it
            }
            asked = true;
            evacuation.stop();
            view.say("no more guests are started; what moves goes on: " + ferry.again("list")
                    + ". Ctrl-C once more leaves");
        }
    }
}
