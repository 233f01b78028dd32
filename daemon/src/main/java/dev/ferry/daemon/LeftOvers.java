package dev.ferry.daemon;

import dev.ferry.migration.Destinations;
import dev.ferry.migration.GuestHost;
import dev.ferry.migration.Journal;
import dev.ferry.migration.MigrationIds;
import dev.ferry.migration.Side;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What an earlier daemon had not finished, by its journal, before this one listens. Before the commit it is undone; a source
 * that asks for the commit later is told so. After the commit the guest is left as it is: its threads wait for their pages and
 * never read zeros, because QEMU holds its own copy of the userfaultfd.
 */
final class LeftOvers {
    private static final Logger LOG = LoggerFactory.getLogger(LeftOvers.class);

    private final GuestHost host;
    private final Destinations destinations;
    private final Journal journal;

    LeftOvers(GuestHost host, Destinations destinations, Journal journal) {
        this.host = host;
        this.destinations = destinations;
        this.journal = journal;
    }

    /** One that cannot be settled does not keep the others from it, nor the daemon from starting. */
    void settle() {
        for (Journal.Entry entry : journal.readAll()) {
            try {
                settle(entry);
            } catch (RuntimeException e) {
                LOG.error(
                        "migration {} of guest {} was left at {} and stays so: {}",
                        entry.id(),
                        entry.guest(),
                        entry.step(),
                        e.getMessage(),
                        e);
            }
        }
    }

    private void settle(Journal.Entry entry) {
        switch (entry.step()) {
            case PREPARING -> {
                if (entry.side() == Side.SOURCE) {
                    host.undoDeparture(entry.guest());
                    journal.remove(entry.id(), Side.SOURCE);
                    LOG.warn(
                            "migration {} was broken off before the commit: guest {} runs here",
                            entry.id(),
                            entry.guest());
                } else {
                    host.undoArrival(entry.guest(), entry.id());
                    destinations.rememberFenced(MigrationIds.parse(entry.id()), entry.epoch());
                    journal.write(new Journal.Entry(
                            entry.id(),
                            Side.DESTINATION,
                            Journal.Step.FENCED,
                            entry.epoch(),
                            entry.guest(),
                            entry.peer(),
                            entry.requestId(),
                            entry.keepSource(),
                            entry.startedUnixMs()));
                    LOG.warn(
                            "migration {} was broken off before the commit: guest {} runs on the source, {}",
                            entry.id(),
                            entry.guest(),
                            entry.peer());
                }
            }
            case FENCED -> destinations.rememberFenced(MigrationIds.parse(entry.id()), entry.epoch());
            case HANDED_OVER ->
                LOG.error(
                        "migration {}: guest {} was handed over to {}; its last pages may still be in the paused QEMU here: do not"
                                + " continue or end it",
                        entry.id(),
                        entry.guest(),
                        entry.peer());
            case COMMITTED ->
                LOG.error(
                        "migration {}: guest {} runs here and waits for pages from {}: do not end the source's QEMU",
                        entry.id(),
                        entry.guest(),
                        entry.peer());
        }
    }
}
