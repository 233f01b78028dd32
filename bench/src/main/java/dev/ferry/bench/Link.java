package dev.ferry.bench;

import java.util.List;

/** The network between the two hosts: where each side's programs run and which addresses they have. */
interface Link extends AutoCloseable {
    /** What to put in front of a command so that it runs on this host. */
    List<String> prefix(Host host);

    String address(Host host);

    /** The interface that the pages go through, in either host. */
    String interfaceName();

    String describe();

    @Override
    void close();

    enum Host {
        SOURCE,
        DESTINATION
    }

    /** Both on this machine as it is. */
    static Link loopback() {
        return new Link() {
            @Override
            public List<String> prefix(Host host) {
                return List.of();
            }

            @Override
            public String address(Host host) {
                return "127.0.0.1";
            }

            @Override
            public String interfaceName() {
                return "lo";
            }

            @Override
            public String describe() {
                return "loopback";
            }

            @Override
            public void close() {}
        };
    }
}
