package dev.ferry.pager;

import dev.ferry.sys.Fd;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Keeps descriptors in this process, so the next daemon of a test finds them. */
final class FakeStore implements DescriptorStore, AutoCloseable {
    private final Map<String, Fd> kept = new HashMap<>();

    @Override
    public void keep(String name, Fd fd) {
        Fd before = kept.put(name, fd.duplicate());
        if (before != null) {
            before.close();
        }
    }

    @Override
    public Optional<Fd> take(String name) {
        return Optional.ofNullable(kept.get(name)).map(Fd::duplicate);
    }

    @Override
    public void drop(String name) {
        Fd fd = kept.remove(name);
        if (fd != null) {
            fd.close();
        }
    }

    @Override
    public List<String> names() {
        return List.copyOf(kept.keySet());
    }

    @Override
    public void close() {
        names().forEach(this::drop);
    }
}
