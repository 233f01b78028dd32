package dev.ferry.api;

import com.google.common.util.concurrent.Uninterruptibles;
import dev.ferry.base.ErrorCategory;
import dev.ferry.base.FerryException;
import dev.ferry.migration.CannotMoveException;
import dev.ferry.migration.EventLog;
import dev.ferry.migration.Forecast;
import dev.ferry.migration.Limits;
import dev.ferry.migration.MigrationControl;
import dev.ferry.migration.MigrationSnapshot;
import dev.ferry.migration.MigrationState;
import dev.ferry.migration.Policy;
import dev.ferry.migration.Reason;
import dev.ferry.migration.StartOptions;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
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
    final List<Runnable> listeners = new CopyOnWriteArrayList<>();
    final EventLog events = new EventLog(0xe0, 8, () -> 1_700_000_000_000L);
    volatile StartOptions lastOptions;
    volatile Policy lastPolicy;
    volatile Limits.Change lastLimits;
    volatile String lastOrder;
    volatile boolean cancelBlocks;
    volatile boolean cancelling;
    volatile CountDownLatch cancelMayEnd = new CountDownLatch(0);
    private MigrationSnapshot now = Snapshots.of(MigrationState.PREPARING, 1);

    void become(MigrationState state) {
        synchronized (this) {
            now = Snapshots.of(state, now.version() + 1);
            notifyAll();
        }
        events.append(EventLog.Kind.STATE, get(Snapshots.ID));
        listeners.forEach(Runnable::run);
    }

    @Override
    public Checked check(String guest, String to, String reservation) {
        lastOptions = new StartOptions("", reservation, 0, false);
        return new Checked(
                switch (guest) {
                    case "vfio" -> AGAINST;
                    case "hopeless" -> HOPELESS;
                    case "later" -> List.of(new Reason("INBOUND_LIMIT", "try again"));
                    default -> List.of();
                },
                "1.2-there",
                OptionalLong.of(5 << 20),
                guest.equals("vfio")
                        ? Optional.empty()
                        : Optional.of(new Prediction(3 << 20, new Forecast(11_000_000, 12_000_000))));
    }

    @Override
    public MigrationSnapshot start(String guest, String to, String requestId, Policy policy, StartOptions options) {
        List<Reason> against = check(guest, to).against();
        if (!against.isEmpty()) {
            throw new CannotMoveException(guest, against);
        }
        lastPolicy = policy;
        lastOptions = options;
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
    public EventLog events() {
        return events;
    }

    @Override
    public MigrationSnapshot confirmNetworks(String id) {
        lastOrder = "networks";
        return get(id);
    }

    @Override
    public MigrationSnapshot setLimits(String id, Limits.Change change) {
        get(id);
        lastLimits = change;
        return get(id);
    }

    @Override
    public MigrationSnapshot rollback(String id, boolean acceptDataLoss, boolean destinationIsFenced) {
        get(id);
        lastOrder = acceptDataLoss + " " + destinationIsFenced;
        become(MigrationState.FAILED);
        return get(id);
    }

    @Override
    public MigrationSnapshot resume(String id) {
        lastOrder = "resume";
        return get(id);
    }

    @Override
    public MigrationSnapshot cancel(String id) {
        if (cancelBlocks) {
            cancelling = true;
            try {
                new CountDownLatch(1).await();
            } catch (InterruptedException e) {
                // Long after it was interrupted, as one that waits for a QEMU.
                Uninterruptibles.awaitUninterruptibly(cancelMayEnd);
                throw new FerryException(ErrorCategory.UNAVAILABLE, "interrupted", e);
            } finally {
                cancelling = false;
            }
        }
        become(MigrationState.CANCELLED);
        return get(id);
    }

    @Override
    @SuppressWarnings("WaitNotInLoop") // Waking too soon is allowed.
    public synchronized MigrationSnapshot awaitChange(String id, long version, long timeoutMs)
            throws InterruptedException {
        if (now.version() <= version) {
            wait(timeoutMs);
        }
        return get(id);
    }

    @Override
    public Listening onStateChange(String id, Runnable listener) {
        get(id);
        listeners.add(listener);
        return () -> listeners.remove(listener);
    }
}
