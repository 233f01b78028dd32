package dev.ferry.client;

import java.util.concurrent.Callable;
import picocli.CommandLine.Model.CommandSpec;

/** A command that talks to ferryd. */
abstract class Options extends Common implements Callable<Integer> {
    Output output;

    @Override
    public final Integer call() {
        output = ((Main) spec.root().userObject()).output;
        validate();
        Endpoint at = Endpoint.parse(where());
        at.problem().ifPresent(p -> {
            throw new NoDaemonException(p);
        });
        try (Session session = new Session(at)) {
            return run(session);
        }
    }

    /** What can be said without asking ferryd. */
    void validate() {}

    abstract int run(Session session);

    /** The nearest to the end of the line wins. */
    final boolean json() {
        for (CommandSpec s = spec; s != null; s = s.parent()) {
            if (s.userObject() instanceof Common o && o.format != null) {
                return o.format == Format.json;
            }
        }
        return false;
    }

    private String where() {
        for (CommandSpec s = spec; s != null; s = s.parent()) {
            if (s.userObject() instanceof Common o && o.endpoint != null) {
                return o.endpoint;
            }
        }
        String environment = System.getenv("FERRY_ENDPOINT");
        return environment == null || environment.isEmpty() ? Endpoint.DEFAULT : environment;
    }
}
