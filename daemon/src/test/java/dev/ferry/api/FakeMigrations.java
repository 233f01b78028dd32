package dev.ferry.api;

import dev.ferry.base.ErrorCategory;
import dev.ferry.base.FerryException;
import dev.ferry.migration.CannotMoveException;
import dev.ferry.migration.MigrationControl;
import dev.ferry.migration.MigrationSnapshot;
import dev.ferry.migration.MigrationState;
import dev.ferry.migration.Policy;
import dev.ferry.migration.Reason;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;

/** One migration that the test moves on; guests named {@code vfio} and {@code hopeless} cannot move. */
final class FakeMigrations implements MigrationControl {
    static final List<Reason> AGAINST =
            List.of(new Reason("VFIO_DEVICE", "unplug it"), new Reason("NO_MEMORY", "wants 1 GiB"));

    /** More than any trailer has room for. */
    static final List<Reason> HOPELESS = IntStream.range(0, 60)
            .mapToObj(i ->
                    new Reason("REASON_" + i, "the reason of number " + i + ", and what to do: nothing. ".repeat(i)))
            .toList();

    final List<MigrationSnapshot> listed = new ArrayList<>();
    final AtomicInteger awaiting = new AtomicInteger();
    volatile Policy lastPolicy;
    private MigrationSnapshot now = Snapshots.of(MigrationState.PREPARING, 1);

    synchronized void become(MigrationState state) {
        now = Snapshots.of(state, now.version() + 1);
        notifyAll();
    }

    @Override
    public List<Reason> check(String guest, String to) {
        return switch (guest) {
            case "vfio" -> AGAINST;
            case "hopeless" -> HOPELESS;
            default -> List.of();
        };
    }

    @Override
    public MigrationSnapshot start(String guest, String to, String requestId, Policy policy) {
        List<Reason> against = check(guest, to);
        if (!against.isEmpty()) {
            throw new CannotMoveException(guest, against);
        }
        lastPolicy = policy;
        return get(Snapshots.ID);
    }

    @Override
    public synchronized MigrationSnapshot get(String id) {
        if (!now.id().equals(id)) {
            throw new FerryException(ErrorCategory.NOT_FOUND, "no migration " + id);
        }
        return now;
    }

    @Override
    public List<MigrationSnapshot> list() {
        return List.copyOf(listed);
    }

    @Override
    public MigrationSnapshot switchToPostcopy(String id) {
        throw new FerryException(ErrorCategory.FAILED_PRECONDITION, "switched already");
    }

    @Override
    public MigrationSnapshot cancel(String id) {
        become(MigrationState.CANCELLED);
        return get(id);
    }

    @Override
    @SuppressWarnings("WaitNotInLoop") // Waking too soon is allowed.
    public synchronized MigrationSnapshot awaitChange(String id, long version, long timeoutMs)
            throws InterruptedException {
        awaiting.incrementAndGet();
        try {
            if (now.version() <= version) {
                wait(timeoutMs);
            }
            return get(id);
        } finally {
            awaiting.decrementAndGet();
        }
    }
}
