package dev.ferry.bench;

import java.util.List;

/** Two network namespaces joined by a veth pair, with a token bucket in both directions. Named after this process. */
final class ShapedLink implements Link {
    private static final String INTERFACE = "ferry0";
    /** What a switch would hold, and a bucket that lets a timer tick's worth pass. */
    private static final List<String> BUCKET = List.of("burst", "256kb", "latency", "20ms");

    private final String rate;
    private boolean closed;

    /** @param rate as tc(8) writes it: 1gbit */
    ShapedLink(String rate) {
        this.rate = rate;
        try {
            for (Host host : Host.values()) {
                Programs.run(List.of("ip", "netns", "add", namespace(host)));
            }
            String source = namespace(Host.SOURCE);
            String destination = namespace(Host.DESTINATION);
            Programs.run(List.of(
                    "ip",
                    "-n",
                    source,
                    "link",
                    "add",
                    INTERFACE,
                    "type",
                    "veth",
                    "peer",
                    "name",
                    INTERFACE,
                    "netns",
                    destination));
            for (Host host : Host.values()) {
                String namespace = namespace(host);
                Programs.run(List.of("ip", "-n", namespace, "addr", "add", address(host) + "/24", "dev", INTERFACE));
                Programs.run(List.of("ip", "-n", namespace, "link", "set", "lo", "up"));
                Programs.run(List.of("ip", "-n", namespace, "link", "set", INTERFACE, "up"));
                Programs.run(shape(namespace));
            }
        } catch (RuntimeException e) {
            close();
            throw e;
        }
    }

    private List<String> shape(String namespace) {
        List<String> command = new java.util.ArrayList<>(
                List.of("tc", "-n", namespace, "qdisc", "add", "dev", INTERFACE, "root", "tbf", "rate", rate));
        command.addAll(BUCKET);
        return command;
    }

    private static String namespace(Host host) {
        return "ferry-bench-" + ProcessHandle.current().pid() + (host == Host.SOURCE ? "-a" : "-b");
    }

    @Override
    public List<String> prefix(Host host) {
        return List.of("ip", "netns", "exec", namespace(host));
    }

    @Override
    public String address(Host host) {
        return host == Host.SOURCE ? "10.77.0.1" : "10.77.0.2";
    }

    @Override
    public String interfaceName() {
        return INTERFACE;
    }

    @Override
    public String describe() {
        return rate + " (tbf)";
    }

    @Override
    public void close() {
        if (closed) {
            return;
        }
        closed = true;
        for (Host host : Host.values()) {
            try {
                Programs.run(List.of("ip", "netns", "del", namespace(host)));
            } catch (BenchException e) {
                // It was never made.
            }
        }
    }
}
