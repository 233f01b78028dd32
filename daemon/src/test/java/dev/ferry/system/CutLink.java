package dev.ferry.system;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;

/**
 * Two hosts' network namespaces, joined by a bridge in a third one: a cut in the middle, of which neither host hears anything,
 * as when a switch dies. Named after this process.
 */
final class CutLink implements AutoCloseable {
    private static final String NAME = "ferry-test-" + ProcessHandle.current().pid();
    private static final String MIDDLE = NAME + "-m";
    private boolean closed;

    /** @param rate as tc(8) writes it, or empty */
    CutLink(String rate) throws IOException {
        try {
            ip("netns add " + MIDDLE);
            ip("-n " + MIDDLE + " link add bridge0 type bridge");
            ip("-n " + MIDDLE + " link set bridge0 up");
            ip("-n " + MIDDLE + " link add bridge1 type bridge");
            ip("-n " + MIDDLE + " link set bridge1 up");
            for (String host : List.of("a", "b")) {
                String space = space(host);
                ip("netns add " + space);
                ip("-n " + space + " link set lo up");
                ip("-n " + space + " link add ferry0 address " + mac(host) + " type veth peer name port-" + host
                        + " netns " + MIDDLE);
                ip("-n " + space + " addr add " + address(host) + "/24 dev ferry0");
                ip("-n " + space + " link set ferry0 up");
                ip("-n " + MIDDLE + " link set dev port-" + host + " master bridge0 up");
                // Hosts are rarely on one wire: what a cut does to ARP, which asks once a second, is not what is looked
                // at.
                String other = host.equals("a") ? "b" : "a";
                ip("-n " + space + " neigh add " + address(other) + " lladdr " + mac(other)
                        + " dev ferry0 nud permanent");
                // A second way, of its own wire: it is never cut.
                ip("-n " + space + " link add ferry1 type veth peer name port2-" + host + " netns " + MIDDLE);
                ip("-n " + MIDDLE + " link set dev port2-" + host + " master bridge1 up");
                ip("-n " + space + " addr add " + secondAddress(host) + "/24 dev ferry1");
                ip("-n " + space + " link set ferry1 up");
                if (!rate.isEmpty()) {
                    run("tc -n " + space + " qdisc add dev ferry0 root tbf burst 256kb latency 20ms rate " + rate);
                }
            }
        } catch (IOException | RuntimeException e) {
            close();
            throw e;
        }
    }

    void cut() throws IOException {
        ip("-n " + MIDDLE + " link set dev port-a nomaster");
    }

    /** Harmless if it is whole. */
    void mend() throws IOException {
        ip("-n " + MIDDLE + " link set dev port-a master bridge0");
    }

    /** Of host a or b. */
    List<String> prefix(String host) {
        return List.of("ip", "netns", "exec", space(host));
    }

    static String address(String host) {
        return host.equals("a") ? "10.78.0.1" : "10.78.0.2";
    }

    /** On the other link. */
    static String secondAddress(String host) {
        return host.equals("a") ? "10.79.0.1" : "10.79.0.2";
    }

    private static String mac(String host) {
        return host.equals("a") ? "02:fe:00:00:00:01" : "02:fe:00:00:00:02";
    }

    private static String space(String host) {
        return NAME + "-" + host;
    }

    private static void ip(String arguments) throws IOException {
        run("ip " + arguments);
    }

    private static void run(String command) throws IOException {
        Process process =
                new ProcessBuilder(command.split(" ")).redirectErrorStream(true).start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        try {
            if (process.waitFor() != 0) {
                throw new IOException(command + ": " + output);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException(command + ": interrupted", e);
        }
    }

    @Override
    public void close() {
        if (closed) {
            return;
        }
        closed = true;
        for (String space : List.of(space("a"), space("b"), MIDDLE)) {
            try {
                ip("netns del " + space);
            } catch (IOException e) {
                // It was never made.
            }
        }
    }
}
