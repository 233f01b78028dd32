package dev.ferry.client;

import dev.ferry.v1.Migration;
import dev.ferry.v1.MigrationState;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;

/**
 * Says when waiting for a place is of no use any more. A limit is waited for while somebody moves whom it counts; not for places that
 * are kept for destinations that are away, and not for ever where nothing changes. One thread: that of {@link Evacuation}.
 */
final class Standstill {
    private final AskedFerryd ferryd;
    private final Patience patience;
    private long changedNs = System.nanoTime();
    private String holders = "";

    Standstill(AskedFerryd ferryd, Patience patience) {
        this.ferryd = ferryd;
        this.patience = patience;
    }

    /** Something has ended that may have held a place. */
    void changed() {
        changedNs = System.nanoTime();
        holders = "";
    }

    boolean isLong() {
        return System.nanoTime() - changedNs > TimeUnit.MILLISECONDS.toNanos(patience.fullMs());
    }

    /**
     * To be asked after this host has refused a place: whether everybody who leaves it waits for a destination that is away. True
     * when they are the same twice, with a refusal between: what is listed after the first one may have got rid of the one who was in the way.
     */
    boolean isHostTaken() throws LostException, InterruptedException {
        List<Migration> leaving = ferryd.leaving();
        boolean areAllLost = leaving.stream()
                .allMatch(m -> m.getState() == MigrationState.RECOVERING && m.getStateMs() > patience.lostMs());
        String before = holders;
        holders = areAllLost
                ? leaving.stream().map(m -> m.getGuest() + " to " + m.getPeer()).collect(Collectors.joining(", "))
                : "";
        return !holders.isEmpty() && holders.equals(before);
    }

    /** After {@link #isHostTaken}: {@code GUEST to HOST:PORT, …} */
    String holders() {
        return holders;
    }
}
