package dev.ferry.client;

import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** Where one ferryd is reached by others: one address, or several in the order in which they are tried. */
record PeerAddresses(List<HostPort> all) {
    PeerAddresses {
        all = List.copyOf(all);
    }

    /** @throws IllegalArgumentException with a message for people */
    static PeerAddresses parse(String text) {
        return new PeerAddresses(
                Stream.of(text.split(",", -1)).map(HostPort::parse).toList());
    }

    /** As the API takes them. */
    @Override
    public String toString() {
        return all.stream().map(HostPort::toString).collect(Collectors.joining(","));
    }
}
