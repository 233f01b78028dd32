package dev.ferry.daemon;

import dev.ferry.base.ErrorCategory;
import dev.ferry.base.FerryException;
import dev.ferry.migration.Destinations;
import dev.ferry.migration.GuestHost;
import dev.ferry.migration.Journal;
import dev.ferry.migration.MigrationIds;
import dev.ferry.migration.Migrations;
import dev.ferry.migration.Side;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What an earlier daemon had not finished, by its journal. Before the commit it is undone; a source that asks for the commit
 * later is told so. After the commit it goes on: first whoever waits for a page here, then what needs QEMU, and when this
 * daemon listens, the guests that are still leaving. One that cannot be settled does not keep the others from it, nor the
 * daemon from starting: it is tried again. Until {@link #recoverDepartures} on the starting thread, then on the sweep's.
 */
final class LeftOvers {
    private static final Logger LOG = LoggerFactory.getLogger(LeftOvers.class);

    private final GuestHost host;
    private final Destinations destinations;
    private final Journal journal;
    private final List<Journal.Entry> entries;

    /** Guests that a later migration of theirs gave away, or that run here by one: nothing older may touch them. */
    private final Set<String> committed = new HashSet<>();

    private final List<Journal.Entry> undone = new ArrayList<>();

    /** Those that failed, with what was last said about it. */
    private final Map<Journal.Entry, String> unsettled = new HashMap<>();

    LeftOvers(GuestHost host, Destinations destinations, Journal journal) {
        this.host = host;
        this.destinations = destinations;
        this.journal = journal;
        this.entries = journal.readAll();
        for (Journal.Entry entry : entries) {
            switch (entry.step()) {
                case HANDED_OVER, ROLLED_BACK, COMMITTED, RESUMED, STOPPED, POISONED -> committed.add(entry.guest());
                case PREPARING, FENCED, RENOUNCED, SETTLED -> {}
            }
        }
    }

    /** Before anything asks QEMU: committed guests that wait for their pages. @return their names */
    Set<String> recoverArrivals() {
        Set<String> names = new HashSet<>();
        for (Journal.Entry entry : entries) {
            switch (entry.step()) {
                case COMMITTED, RESUMED, STOPPED, POISONED -> {
                    names.add(entry.guest());
                    attempt(entry, this::recoverArrival);
                }
                case PREPARING, HANDED_OVER, ROLLED_BACK, FENCED, RENOUNCED, SETTLED -> {}
            }
        }
        return names;
    }

    /** Before this daemon listens. */
    void settle() {
        for (Journal.Entry entry : entries) {
            switch (entry.step()) {
                case PREPARING, FENCED, RENOUNCED, SETTLED -> attempt(entry, this::settle);
                case HANDED_OVER, ROLLED_BACK, COMMITTED, RESUMED, STOPPED, POISONED -> {}
            }
        }
        destinations.settleRecovered();
    }

    /** When it listens: guests that were given away send their last pages. */
    void recoverDepartures(Migrations migrations) {
        unsettled.keySet().forEach(migrations::hold);
        for (Journal.Entry entry : entries) {
            switch (entry.step()) {
                case HANDED_OVER -> {
                    LOG.warn(
                            "migration {}: guest {} was given to {}: goes on", entry.id(), entry.guest(), entry.peer());
                    migrations.recover(entry);
                }
                case ROLLED_BACK -> {
                    if (handedOver(entry.guest())) {
                        journal.remove(entry.id(), Side.SOURCE); // it went on, and was given away since
                        break;
                    }
                    LOG.warn("migration {}: guest {} was rolled back: goes on", entry.id(), entry.guest());
                    migrations.recover(entry);
                }
                case PREPARING, COMMITTED, RESUMED, STOPPED, POISONED, FENCED, RENOUNCED, SETTLED -> {}
            }
        }
        undone.forEach(migrations::tellUndone);
        undone.clear();
    }

    private boolean handedOver(String guest) {
        return entries.stream()
                .anyMatch(e -> e.step() == Journal.Step.HANDED_OVER && e.guest().equals(guest));
    }

    /** Whether guests wait for what this daemon does: everything else comes later. */
    boolean someoneWaits() {
        return !committed.isEmpty();
    }

    /** Called now and then: what could not be settled before. */
    void retry(Migrations migrations) {
        for (Journal.Entry entry : List.copyOf(unsettled.keySet())) {
            Consumer<Journal.Entry> action = switch (entry.step()) {
                case COMMITTED, RESUMED, STOPPED, POISONED -> this::recoverArrival;
                case PREPARING, HANDED_OVER, ROLLED_BACK, FENCED, RENOUNCED, SETTLED -> this::settle;
            };
            if (attempt(entry, action)) {
                destinations.settleRecovered();
                migrations.letGo(entry);
                undone.forEach(migrations::tellUndone);
                undone.clear();
            }
        }
    }

    private boolean attempt(Journal.Entry entry, Consumer<Journal.Entry> action) {
        try {
            action.accept(entry);
            unsettled.remove(entry);
            return true;
        } catch (RuntimeException e) {
            String why = String.valueOf(e.getMessage());
            if (!why.equals(unsettled.put(entry, why))) {
                LOG.error(
                        "migration {} of guest {} was left at {}, which is tried again: {}",
                        entry.id(),
                        entry.guest(),
                        entry.step(),
                        why,
                        e);
            }
            return false;
        }
    }

    private void recoverArrival(Journal.Entry entry) {
        LOG.warn("migration {}: guest {} runs here, pages are missing: goes on", entry.id(), entry.guest());
        destinations.recover(entry);
    }

    private void settle(Journal.Entry entry) {
        switch (entry.step()) {
            case PREPARING -> {
                throwIfJournalUnreadable();
                if (entry.side() == Side.SOURCE) {
                    undoDeparture(entry);
                } else {
                    undoArrival(entry);
                }
            }
            case FENCED -> destinations.rememberFenced(MigrationIds.parse(entry.id()), entry.epoch());
            case RENOUNCED -> destinations.rememberRenounced(entry);
            case SETTLED -> destinations.rememberSettled(entry);
            case HANDED_OVER, ROLLED_BACK, COMMITTED, RESUMED, STOPPED, POISONED -> {}
        }
    }

    private void throwIfJournalUnreadable() {
        List<String> unreadable = journal.unreadable();
        if (!unreadable.isEmpty()) {
            throw new FerryException(
                    ErrorCategory.FAILED_PRECONDITION,
                    "it is not known whether a later migration gave the guest away or brought it, because the journal cannot be read: "
                            + String.join(", ", unreadable));
        }
    }

    private void undoDeparture(Journal.Entry entry) {
        if (committed.contains(entry.guest())) {
            LOG.warn("migration {} is older than another one of {}: nothing to undo", entry.id(), entry.guest());
        } else {
            host.undoDeparture(entry.guest());
            undone.add(entry);
            LOG.warn("migration {} was broken off before the commit: guest {} runs here", entry.id(), entry.guest());
        }
        journal.remove(entry.id(), Side.SOURCE);
    }

    private void undoArrival(Journal.Entry entry) {
        if (committed.contains(entry.guest()) || destinations.moving().contains(entry.guest())) {
            host.forgetArrival(entry.id()); // its QEMU has ended long ago: this guest's is another one
        } else {
            host.undoArrival(entry.guest(), entry.id());
        }
        destinations.rememberFenced(MigrationIds.parse(entry.id()), entry.epoch());
        journal.write(entry.at(Journal.Step.FENCED));
        LOG.warn(
                "migration {} was broken off before the commit: guest {} runs on the source, {}",
                entry.id(),
                entry.guest(),
                entry.peer());
    }
}
