package dev.ferry.pager;

import dev.ferry.sys.Fd;
import java.util.List;
import java.util.Optional;

/**
 * Keeps descriptors open while no daemon is there, and gives them to the next one. What is in it stays until it is dropped, so
 * whoever keeps something drops it. May forget everything, and never fails: it is the second of two ways. Thread-safe.
 */
public interface DescriptorStore {
    DescriptorStore NONE = new DescriptorStore() {
        @Override
        public void keep(String name, Fd fd) {}

        @Override
        public Optional<Fd> take(String name) {
            return Optional.empty();
        }

        @Override
        public void drop(String name) {}

        @Override
        public List<String> names() {
            return List.of();
        }
    };

    /** @param name letters, digits, dots and dashes; at most 255 */
    void keep(String name, Fd fd);

    /** What an earlier daemon has kept, another descriptor of the same file; it stays in the store. The caller closes it. */
    Optional<Fd> take(String name);

    /** Harmless when there is none. */
    void drop(String name);

    /** Of all that is kept now, by this daemon or an earlier one. */
    List<String> names();
}
