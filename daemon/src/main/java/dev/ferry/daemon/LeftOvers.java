package dev.ferry.daemon;

import dev.ferry.migration.Destinations;
import dev.ferry.migration.GuestHost;
import dev.ferry.migration.Journal;
import dev.ferry.migration.MigrationIds;
import dev.ferry.migration.Migrations;
import dev.ferry.migration.Side;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What an earlier daemon had not finished, by its journal. Before the commit it is undone; a source that asks for the commit
 * later is told so. After the commit it goes on: first whoever waits for a page here, then what needs QEMU, and when this
 * daemon listens, the guests that are still leaving. One that cannot be settled does not keep the others from it, nor the
 * daemon from starting.
 */
final class LeftOvers {
    private static final Logger LOG = LoggerFactory.getLogger(LeftOvers.class);

    private final GuestHost host;
    private final Destinations destinations;
    private final Journal journal;
    private final List<Journal.Entry> entries;

    LeftOvers(GuestHost host, Destinations destinations, Journal journal) {
        this.host = host;
        this.destinations = destinations;
        this.journal = journal;
        this.entries = journal.readAll();
    }

    /** Before anything asks QEMU: committed guests that wait for their pages. @return their names */
    Set<String> recoverArrivals() {
        Set<String> names = new HashSet<>();
        each(entry -> {
            switch (entry.step()) {
                case COMMITTED, RESUMED -> {
                    names.add(entry.guest());
                    LOG.warn("migration {}: guest {} runs here, pages are missing: goes on", entry.id(), entry.guest());
                    destinations.recover(entry);
                }
                case PREPARING, HANDED_OVER, FENCED, SETTLED -> {}
            }
        });
        return names;
    }

    /** Before this daemon listens. */
    void settle() {
        each(this::settle);
        destinations.settleRecovered();
    }

    /** When it listens: guests that were given away send their last pages. */
    void recoverDepartures(Migrations migrations) {
        each(entry -> {
            if (entry.step() == Journal.Step.HANDED_OVER) {
                LOG.warn("migration {}: guest {} was given to {}: goes on", entry.id(), entry.guest(), entry.peer());
                migrations.recover(entry);
            }
        });
    }

    private void each(Consumer<Journal.Entry> action) {
        for (Journal.Entry entry : entries) {
            try {
                action.accept(entry);
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
                    journal.write(entry.at(Journal.Step.FENCED));
                    LOG.warn(
                            "migration {} was broken off before the commit: guest {} runs on the source, {}",
                            entry.id(),
                            entry.guest(),
                            entry.peer());
                }
            }
            case FENCED -> destinations.rememberFenced(MigrationIds.parse(entry.id()), entry.epoch());
            case SETTLED -> destinations.rememberSettled(entry);
            case HANDED_OVER, COMMITTED, RESUMED -> {}
        }
    }
}
