package dev.ferry.client;

import dev.ferry.v1.Guest;
import dev.ferry.v1.GuestStatus;
import dev.ferry.v1.Migration;
import dev.ferry.v1.MigrationState;
import dev.ferry.v1.Side;
import io.grpc.StatusRuntimeException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Empties a host: moves its guests, a few at a time, each to the destination with the most room that takes it. Everything that
 * counts is in the daemons: a move that has begun goes on without this, and a later evacuation finds it. One thread; only
 * {@link #stop} is for others.
 */
final class Evacuation {
    private static final long LOOK_MS = 200;

    /** Guests that come while the others leave are moved too; those that come after that are named. */
    private static final int MOST_LOOKS = 2;

    private final AskedFerryd ferryd;
    private final Patience patience;
    private final EvacuationView view;
    private final Placement placement;
    private final int parallel;
    private final Standstill standstill;
    private final Map<String, Evacuee> guests = new LinkedHashMap<>();
    private int looks;
    private volatile boolean stopping;

    Evacuation(AskedFerryd ferryd, Patience patience, EvacuationView view, Placement placement, int parallel) {
        this.ferryd = ferryd;
        this.patience = patience;
        this.view = view;
        this.placement = placement;
        this.parallel = parallel;
        this.standstill = new Standstill(ferryd, patience);
    }

    /** No more guests are started; those that move are followed to their end. */
    void stop() {
        stopping = true;
    }

    List<Evacuee> guests() {
        return List.copyOf(guests.values());
    }

    /** Returns when no guest moves or waits any more. */
    void run() throws LostException, InterruptedException {
        look();
        standstill.changed();
        while (true) {
            follow();
            view.show(guests()); // how one failed is worth a line, also when it is tried elsewhere at once
            if (stopping) {
                leaveWaiting("stopped before it was its turn", "say it again");
            } else {
                startSome();
                endVainWait();
            }
            view.show(guests());
            if (!isAnyone(Evacuee.State.MOVING) && !isAnyone(Evacuee.State.WAITING)) {
                if (stopping || (!isAnyone(Evacuee.State.ARRIVING) && !look())) {
                    break;
                }
            }
            Thread.sleep(Math.min(LOOK_MS, patience.retryMs()));
        }
        if (stopping) {
            leaveArriving();
        }
        view.show(guests());
    }

    /** Without starting anything: which guest would go where, as things are. Those that could not are LEFT. */
    void plan() throws LostException, InterruptedException {
        look();
        for (Evacuee e : waiting()) {
            placement.plan(e);
        }
    }

    /** What this host has now. @return whether there is somebody new who can move */
    private boolean look() throws LostException, InterruptedException {
        looks++;
        boolean found = false;
        for (Guest g : ferryd.guests()) {
            Evacuee known = guests.get(g.getName());
            if (known != null && !isBack(known, g)) {
                lookAgain(known, g);
                continue;
            }
            Evacuee e = new Evacuee(g.getName(), g.getMemoryBytes());
            guests.put(e.guest, e);
            if (looks > MOST_LOOKS && g.getStatus() != GuestStatus.GONE) {
                e.left("it came while this host was emptied", "say it again");
                continue;
            }
            meet(e, g);
            found |= e.state() == Evacuee.State.WAITING
                    || e.state() == Evacuee.State.MOVING
                    || e.state() == Evacuee.State.ARRIVING;
        }
        return found;
    }

    /**
     * A guest that needed nothing may have been started again, or come after all: it is met anew. The QEMU that an arrival left
     * behind which failed is not that guest: nothing of it runs.
     */
    private static boolean isBack(Evacuee e, Guest g) {
        boolean isLeftBehind = g.getStatus() == GuestStatus.INCOMING
                && g.getMigrationId().equals(e.migration().getId());
        return e.state() == Evacuee.State.GONE && g.getStatus() != GuestStatus.GONE && !isLeftBehind;
    }

    /** A guest that was moved may have been moved back. */
    private static void lookAgain(Evacuee e, Guest g) {
        if (e.state() == Evacuee.State.MOVED && g.getStatus() == GuestStatus.RUNNING) {
            e.left("it was moved, and is here again", "say it again");
        }
    }

    private void meet(Evacuee e, Guest g) throws LostException, InterruptedException {
        if (g.getStatus() == GuestStatus.GONE) {
            e.gone("its QEMU has ended: ferry guest detach " + e.guest + " forgets it");
            return;
        }
        if (!g.getMigrationId().isEmpty()) {
            Migration m = ferryd.get(g.getMigrationId());
            if (!Whereabouts.hasEnded(m)) {
                if (m.getSide() == Side.SOURCE) {
                    e.moves(m);
                } else {
                    e.arrives(m);
                }
                return;
            }
        }
        if (g.getStatus() == GuestStatus.INCOMING) {
            e.left("its QEMU waits for a guest to arrive, nothing of it runs", "end that QEMU and detach it");
            return;
        }
        placement.predict(e);
    }

    private List<Evacuee> waiting() {
        return guests.values().stream()
                .filter(e -> e.state() == Evacuee.State.WAITING)
                .sorted(Evacuee.ORDER)
                .toList();
    }

    private boolean isAnyone(Evacuee.State state) {
        return guests.values().stream().anyMatch(e -> e.state() == state);
    }

    private void follow() throws LostException, InterruptedException {
        for (Evacuee e : guests()) {
            if (e.state() == Evacuee.State.MOVING || e.state() == Evacuee.State.ARRIVING) {
                Migration m;
                try {
                    m = ferryd.get(e.migration().getId());
                } catch (StatusRuntimeException gone) {
                    e.left(
                            "ferryd does not know migration " + e.migration().getId() + " any more: "
                                    + gone.getStatus().getDescription(),
                            "see where the guest runs: ferry guest list, here and at " + e.destination());
                    continue;
                }
                if (e.state() == Evacuee.State.MOVING) {
                    leaves(e, m);
                } else {
                    arrives(e, m);
                }
                boolean hasEnded = e.state() != Evacuee.State.MOVING && e.state() != Evacuee.State.ARRIVING;
                if (hasEnded && !isLimit(m.getErrorReason())) {
                    standstill.changed();
                }
            }
        }
    }

    private void leaves(Evacuee e, Migration m) {
        String host = m.getPeer();
        switch (m.getState()) {
            case COMPLETED -> e.moved(m);
            case CANCELLED -> {
                e.moves(m);
                e.left("its migration " + m.getId() + " was cancelled", "say it again");
            }
            case FAILED -> {
                e.moves(m);
                String error = m.getError().isEmpty() ? m.getReason() : m.getError();
                if (m.getRunsOn() == Side.DESTINATION) {
                    e.left("migration " + m.getId() + " failed: " + error, "see \"lost\" in docs/operations.md");
                } else if (isLimit(m.getErrorReason())) {
                    e.waitsUntil(placement.later(), error);
                } else {
                    e.failedAt(host, error);
                    e.waits("failed at " + host + ": " + error);
                }
            }
            case RECOVERING -> {
                e.moves(m);
                if (m.getStateMs() > patience.lostMs()) {
                    e.left(
                            "it was given to " + host + ", which is away: " + m.getReason(),
                            "start the ferryd there; the migration goes on by itself: ferry watch " + m.getId());
                }
            }
            case PREPARING, PRECOPY, SWITCHOVER, POSTCOPY, MIGRATION_STATE_UNSPECIFIED, UNRECOGNIZED -> e.moves(m);
        }
    }

    private void arrives(Evacuee e, Migration m) throws LostException, InterruptedException {
        e.arrives(m);
        if (m.getState() == MigrationState.COMPLETED) {
            e.waits("");
            placement.predict(e);
        } else if (Whereabouts.hasEnded(m) && m.getRunsOn() == Side.SOURCE) {
            e.gone("it did not arrive here");
        } else if (Whereabouts.hasEnded(m)
                || (m.getState() == MigrationState.RECOVERING && m.getStateMs() > patience.lostMs())) {
            e.left(
                    "it runs here and has not arrived as a whole: "
                            + (m.getError().isEmpty() ? m.getReason() : m.getError()),
                    "see ferry show " + m.getId() + " and docs/operations.md");
        }
    }

    private void startSome() throws LostException, InterruptedException {
        for (Evacuee e : waiting()) {
            long moving = guests.values().stream()
                    .filter(g -> g.state() == Evacuee.State.MOVING)
                    .count();
            if (moving >= parallel || stopping || !placement.maySomebodyLeave()) {
                return;
            }
            if (System.nanoTime() - e.notBeforeNs >= 0) {
                placement.start(e);
                if (placement.isHostFull() && moving == 0 && standstill.isHostTaken()) {
                    leaveWaiting(
                            "max_outbound is taken by guests whose destination is away: " + standstill.holders(),
                            "raise max_outbound and reload ferryd, or bring the destination back; then say it again");
                    return;
                }
            }
        }
    }

    /** While somebody moves, or this host itself lets nobody leave, something will change. */
    private void endVainWait() {
        if (isAnyone(Evacuee.State.MOVING) || isAnyone(Evacuee.State.ARRIVING) || placement.isHostFull()) {
            return;
        }
        if (standstill.isLong()) {
            String begin = "nothing has changed for " + Units.duration((double) patience.fullMs()) + ": ";
            waiting()
                    .forEach(e ->
                            e.left(begin + e.why(), "see there who arrives: ferry list; or name one more destination"));
        }
    }

    private static boolean isLimit(String reason) {
        return reason.equals("INBOUND_LIMIT") || reason.equals(Placement.OUTBOUND_LIMIT);
    }

    private void leaveWaiting(String why, String todo) {
        waiting().forEach(e -> e.left(why, todo));
    }

    private void leaveArriving() {
        guests().stream()
                .filter(e -> e.state() == Evacuee.State.ARRIVING)
                .forEach(e -> e.left(e.why() + "; stopped before it was here", "say it again when it is here"));
    }
}
