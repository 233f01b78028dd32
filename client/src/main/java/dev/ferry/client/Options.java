package dev.ferry.client;

import java.util.concurrent.Callable;
import picocli.CommandLine.Option;

/** What every command takes, and how it runs. */
abstract class Options implements Callable<Integer> {
    enum Format {
        table,
        json
    }

    @Option(
            names = {"-o", "--output"},
            description = "table or json (default: table)")
    Format format;

    @Option(
            names = "--endpoint",
            description = "unix:PATH or HOST:PORT (default: $FERRY_ENDPOINT, else " + Endpoint.DEFAULT + ")")
    String endpoint;

    @picocli.CommandLine.ParentCommand
    Object parent;

    @Option(
            names = {"-h", "--help"},
            usageHelp = true,
            description = "show this help")
    boolean help;

    Output output = new Output(System.out, System.err);

    @Override
    public final Integer call() {
        Endpoint at = Endpoint.parse(where());
        at.problem().ifPresent(p -> {
            throw new NoDaemonException(p);
        });
        try (Session session = new Session(at)) {
            return run(session);
        }
    }

    abstract int run(Session session);

    final boolean json() {
        for (Object o = this; o != null; o = up(o)) {
            Format f = o instanceof Options x ? x.format : o instanceof Main m ? m.format : null;
            if (f != null) {
                return f == Format.json;
            }
        }
        return false;
    }

    private String where() {
        for (Object o = this; o != null; o = up(o)) {
            String e = o instanceof Options x ? x.endpoint : o instanceof Main m ? m.endpoint : null;
            if (e != null) {
                return e;
            }
        }
        String environment = System.getenv("FERRY_ENDPOINT");
        return environment == null || environment.isEmpty() ? Endpoint.DEFAULT : environment;
    }

    private static Object up(Object o) {
        return o instanceof Options x ? x.parent : o instanceof GuestCommand g ? g.parent : null;
    }
}
