package dev.ferry.client;

import com.google.protobuf.Any;
import com.google.rpc.ErrorInfo;
import dev.ferry.v1.CheckRequest;
import dev.ferry.v1.CheckResponse;
import dev.ferry.v1.GetRequest;
import dev.ferry.v1.Guest;
import dev.ferry.v1.GuestStatus;
import dev.ferry.v1.ListResponse;
import dev.ferry.v1.Migration;
import dev.ferry.v1.MigrationState;
import dev.ferry.v1.Phase;
import dev.ferry.v1.Reason;
import dev.ferry.v1.Side;
import dev.ferry.v1.StartRequest;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.protobuf.StatusProto;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;

/**
 * The guests and destinations behind a {@link FakeFerryd}, as far as an evacuation sees them: every move completes after it was
 * asked for a few times, unless the test has said otherwise. Called on the server's threads.
 */
final class FakeCluster {
    private static final int ASKED_UNTIL_DONE = 3;
    static final long MIB = 1 << 20;

    private final FakeFerryd ferryd;
    private final Map<String, Guest> guests = new LinkedHashMap<>();
    private final Map<String, Migration> migrations = new LinkedHashMap<>();
    private final Map<String, Integer> asked = new HashMap<>();
    final Map<String, Long> rooms = new HashMap<>();
    final Map<String, Double> stalls = new HashMap<>();
    final Set<String> away = new HashSet<>();

    /** {@code guest at host}: what Check answers. */
    final Map<String, List<Reason>> against = new HashMap<>();

    /** {@code guest at host}: how the move ends. */
    final Map<String, Migration> ends = new HashMap<>();

    final List<String> started = new CopyOnWriteArrayList<>();

    /** Before each start; may throw its refusal. */
    Runnable beforeStart = () -> {};

    /** When a move has ended. */
    Runnable whenEnded = () -> {};

    int mostMoving;

    FakeCluster(FakeFerryd ferryd) {
        this.ferryd = ferryd;
        ferryd.check = this::check;
        ferryd.start = this::start;
        ferryd.get = this::get;
        update();
    }

    synchronized void guest(String name, long mib, GuestStatus status, String migration) {
        guests.put(
                name,
                Guest.newBuilder()
                        .setName(name)
                        .setStatus(status)
                        .setMemoryBytes(mib * MIB)
                        .setMigrationId(migration)
                        .build());
        update();
    }

    void runs(String name, long mib) {
        guest(name, mib, GuestStatus.RUNNING, "");
    }

    synchronized void migration(Migration m) {
        migrations.put(m.getId(), m);
        update();
    }

    static Reason reason(String code, boolean temporary) {
        return Reason.newBuilder()
                .setCode(code)
                .setMessage("because of " + code)
                .setTemporary(temporary)
                .build();
    }

    static StatusRuntimeException refusal(Status.Code code, String text, String reason) {
        return StatusProto.toStatusRuntimeException(com.google.rpc.Status.newBuilder()
                .setCode(code.value())
                .setMessage(text)
                .addDetails(Any.pack(ErrorInfo.newBuilder().setReason(reason).build()))
                .build());
    }

    private void update() {
        ferryd.guests = List.copyOf(guests.values());
        ferryd.pages = List.of(
                ListResponse.newBuilder().addAllMigrations(migrations.values()).build());
    }

    private static StatusRuntimeException unreachable(String host) {
        return refusal(Status.Code.UNAVAILABLE, "destination " + host + ": connection refused", "UNAVAILABLE");
    }

    private synchronized CheckResponse check(CheckRequest r) {
        if (away.contains(r.getTo())) {
            throw unreachable(r.getTo());
        }
        CheckResponse.Builder answer = CheckResponse.newBuilder()
                .addAllReasons(against.getOrDefault(r.getGuest() + " at " + r.getTo(), List.of()))
                .setDestinationMemoryAvailableBytes(rooms.getOrDefault(r.getTo(), 1024L) * MIB);
        if (answer.getReasonsList().stream().allMatch(Reason::getTemporary)) {
            answer.setMemoryPopulatedBytes(guests.get(r.getGuest()).getMemoryBytes())
                    .setPredictedDowntimeMs(10)
                    .setPredictedPostcopyMs(stalls.getOrDefault(r.getGuest(), 100.0));
        }
        return answer.build();
    }

    private synchronized Migration start(StartRequest r) {
        beforeStart.run();
        if (away.contains(r.getTo())) {
            throw unreachable(r.getTo());
        }
        for (Migration m : migrations.values()) {
            if (m.getRequestId().equals(r.getRequestId())) {
                return m;
            }
        }
        Migration m = Migration.newBuilder()
                .setId(String.format("%016x", migrations.size() + 1))
                .setGuest(r.getGuest())
                .setPeer(r.getTo())
                .setRequestId(r.getRequestId())
                .setState(MigrationState.PRECOPY)
                .setSide(Side.SOURCE)
                .setRunsOn(Side.SOURCE)
                .build();
        started.add(r.getGuest() + " at " + r.getTo());
        migrations.put(m.getId(), m);
        mostMoving = Math.max(mostMoving, (int) migrations.values().stream()
                .filter(x -> !Whereabouts.hasEnded(x))
                .count());
        update();
        return m;
    }

    private synchronized Migration get(GetRequest r) {
        Migration m = migrations.get(r.getId());
        if (m == null) {
            throw refusal(Status.Code.NOT_FOUND, "no migration " + r.getId(), "MIGRATION_UNKNOWN");
        }
        boolean done = !Whereabouts.hasEnded(m) && asked.merge(r.getId(), 1, Integer::sum) >= ASKED_UNTIL_DONE;
        if (!done) {
            return m;
        }
        Migration end = ends.getOrDefault(m.getGuest() + " at " + m.getPeer(), completed());
        m = m.toBuilder()
                .setState(end.getState())
                .setRunsOn(end.getRunsOn())
                .setError(end.getError())
                .setErrorReason(end.getErrorReason())
                .setReason(end.getReason())
                .setStateMs(end.getStateMs())
                .setDowntimeMs(12.5)
                .addDowntimePhases(Phase.newBuilder().setMs(12.5))
                .build();
        migrations.put(m.getId(), m);
        if (m.getState() == MigrationState.COMPLETED && m.getSide() == Side.SOURCE) {
            guests.remove(m.getGuest());
        }
        whenEnded.run();
        update();
        return m;
    }

    static Migration completed() {
        return Migration.newBuilder()
                .setState(MigrationState.COMPLETED)
                .setRunsOn(Side.DESTINATION)
                .build();
    }

    static Migration failed(String error) {
        return Migration.newBuilder()
                .setState(MigrationState.FAILED)
                .setRunsOn(Side.SOURCE)
                .setError(error)
                .build();
    }

    synchronized List<String> left() {
        return new ArrayList<>(guests.keySet());
    }
}
