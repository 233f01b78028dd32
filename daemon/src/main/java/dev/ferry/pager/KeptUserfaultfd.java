package dev.ferry.pager;

import dev.ferry.sys.Fd;
import dev.ferry.sys.Userfaultfd;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A third descriptor of a guest's userfaultfd, beside QEMU's own and the daemon's: should QEMU's be gone while no daemon is there,
 * its threads still wait and do not read zeros. The name says which QEMU it is of, for good.
 */
final class KeptUserfaultfd {
    private static final Logger LOG = LoggerFactory.getLogger(KeptUserfaultfd.class);
    private static final String PREFIX = "uffd-";
    private static final Pattern NAME = Pattern.compile(PREFIX + "(.+)-[0-9]+-[0-9]+");

    private final DescriptorStore store;
    private final String name;

    /** @param directory of the migration: its name has the id */
    KeptUserfaultfd(DescriptorStore store, Path directory, int pid, long startTime) {
        this.store = store;
        this.name = ofMigration(directory) + pid + "-" + startTime;
    }

    private static String ofMigration(Path directory) {
        return PREFIX + directory.getFileName() + "-";
    }

    /** Again after a restart: it is one and the same then. */
    void keep(Userfaultfd uffd) {
        try (Fd passenger = uffd.duplicate()) {
            store.keep(name, passenger);
        }
    }

    Optional<Userfaultfd> take() {
        return store.take(name).flatMap(fd -> {
            if (Userfaultfd.isOne(fd)) {
                LOG.warn("{} of an earlier daemon is used: QEMU has no userfaultfd of its own any more", name);
                return Optional.of(new Userfaultfd(fd));
            }
            fd.close();
            return Optional.empty();
        });
    }

    /** Only when nothing is registered any more, or the process has ended. */
    void drop() {
        store.drop(name);
    }

    /** What is kept of migrations that have nothing here any more: the daemon was ended between two steps. */
    static void dropForgotten(DescriptorStore store, Path migrations) {
        for (String name : store.names()) {
            Matcher named = NAME.matcher(name);
            if (!named.matches() || !Files.exists(migrations.resolve(named.group(1)))) {
                LOG.info("{} of an earlier daemon is nobody's", name);
                store.drop(name);
            }
        }
    }

    /** Everything that is kept for this migration, which is forgotten. */
    static void dropAll(DescriptorStore store, Path directory) {
        store.names().stream()
                .filter(name -> name.startsWith(ofMigration(directory)))
                .forEach(store::drop);
    }
}
