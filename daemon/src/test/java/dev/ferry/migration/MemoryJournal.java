package dev.ferry.migration;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** A journal that also remembers the order of what was written. */
final class MemoryJournal implements Journal {
    private final Map<String, Entry> entries = new TreeMap<>();
    final List<String> history = new ArrayList<>();

    @Override
    public synchronized void write(Entry entry) {
        entries.put(entry.id() + entry.side(), entry);
        history.add(entry.side() + " " + entry.step());
    }

    @Override
    public synchronized void remove(String id, Side side) {
        entries.remove(id + side);
        history.add(side + " removed");
    }

    @Override
    public synchronized List<Entry> readAll() {
        return List.copyOf(entries.values());
    }
}
