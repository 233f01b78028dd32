package dev.ferry.daemon;

import dev.ferry.migration.Journal;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** A simulated host: what is there whether or not a daemon runs. */
final class SimHost {
    final String name;
    final Map<String, Journal.Entry> journal = new TreeMap<>();
    final List<SimQemu> processes = new ArrayList<>();

    /** By migration: what a later daemon needs to serve a guest that has arrived. */
    final Map<String, SimQemu> arrivals = new HashMap<>();

    /** The guest that belongs to this host, or null. */
    SimQemu registered;

    /** Null while none runs. */
    SimDaemon daemon;

    long restartNs = Long.MAX_VALUE;

    SimHost(String name) {
        this.name = name;
    }

    @Override
    public String toString() {
        return name;
    }
}
