package dev.ferry.client;

import dev.ferry.v1.Migration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** A line for each thing that happens to a guest of an evacuation. */
final class EvacuationLines implements EvacuationView {
    private final Terminal terminal;
    private final Map<String, String> said = new HashMap<>();
    private boolean closed;

    EvacuationLines(Terminal terminal) {
        this.terminal = terminal;
    }

    @Override
    public synchronized void show(List<Evacuee> guests) {
        for (Evacuee e : guests) {
            String now = line(e);
            if (!closed && !now.isEmpty() && !now.equals(said.put(e.guest, now))) {
                terminal.err().println(Plain.text(e.guest + "  " + now));
            }
        }
    }

    private static String line(Evacuee e) {
        Migration m = e.migration();
        return switch (e.state()) {
            case WAITING -> e.why().isEmpty() ? "" : "waits: " + e.why();
            case MOVING -> "to " + e.destination() + ": " + m.getState() + "  (" + m.getId() + ")";
            case ARRIVING -> e.why();
            case MOVED -> "moved to " + e.destination() + ", downtime " + Units.duration(m.getDowntimeMs());
            case GONE -> "gone: " + e.why();
            case LEFT -> "left: " + e.why();
        };
    }

    @Override
    public synchronized void say(String text) {
        if (!closed) {
            terminal.say(text);
        }
    }

    @Override
    public synchronized void close() {
        closed = true;
    }
}
