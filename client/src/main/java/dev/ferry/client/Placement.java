package dev.ferry.client;

import dev.ferry.v1.CheckRequest;
import dev.ferry.v1.CheckResponse;
import dev.ferry.v1.Migration;
import dev.ferry.v1.Policy;
import dev.ferry.v1.Reason;
import dev.ferry.v1.StartRequest;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;

/**
 * Finds a destination for each guest of an evacuation: of those that take it the one where it has failed least, then the one
 * with the most room, then the one that was named first. What is against a guest for good is asked once, a destination that
 * is away or full is asked again. One thread.
 */
final class Placement {
    static final String OUTBOUND_LIMIT = "OUTBOUND_LIMIT";
    private static final String AGAIN = "mend that, and say it again";

    private final AskedFerryd ferryd;
    private final Patience patience;
    private final Policy policy;
    private final List<Destination> hosts;
    private final String run = UUID.randomUUID().toString();
    private int starts;
    private long somebodyMayLeaveNs = System.nanoTime();
    private boolean isHostFull;

    /** @param to HOST:PORT of each destination */
    Placement(AskedFerryd ferryd, Patience patience, List<String> to, Policy policy) {
        this.ferryd = ferryd;
        this.patience = patience;
        this.policy = policy;
        this.hosts = to.stream().map(Destination::new).toList();
    }

    /** False: this host lets nobody leave for now. */
    boolean maySomebodyLeave() {
        return System.nanoTime() - somebodyMayLeaveNs >= 0;
    }

    /** The last guest that was to start found every place taken that this host has for those that leave. */
    boolean isHostFull() {
        return isHostFull;
    }

    /** When what was refused for now is worth trying again. */
    long later() {
        return System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(2 * patience.retryMs());
    }

    /** Whoever answers says how long a guest may stall: that is the guest's and not the destination's. */
    void predict(Evacuee e) throws LostException, InterruptedException {
        for (Destination host : hosts) {
            if (!e.prediction().hasPredictedDowntimeMs()) {
                ask(e, host, new ArrayList<>());
            }
        }
    }

    /** It moves afterwards, waits, or is left. */
    void start(Evacuee e) throws LostException, InterruptedException {
        isHostFull = false;
        List<String> notNow = new ArrayList<>();
        for (Destination host : candidates(e, notNow)) {
            if (e.state() == Evacuee.State.WAITING) {
                tryStart(e, host, notNow);
            }
        }
        if (e.state() != Evacuee.State.WAITING) {
            return;
        }
        if (notNow.isEmpty()) {
            e.left(against(e), AGAIN);
        } else {
            e.waitsUntil(later(), String.join("; ", notNow));
        }
    }

    /** As {@link #start}, and nothing is started: the destination is that of a plan. */
    void plan(Evacuee e) throws LostException, InterruptedException {
        List<String> notNow = new ArrayList<>();
        List<Destination> able = candidates(e, notNow);
        if (e.state() != Evacuee.State.WAITING) {
            return;
        }
        if (able.isEmpty()) {
            e.left(notNow.isEmpty() ? against(e) : String.join("; ", notNow), AGAIN);
        } else if (!able.get(0).mayHold(e.memoryBytes)) {
            e.left("there is no room for it beside the guests before it", "name one more destination");
        } else {
            able.get(0).promised(e.memoryBytes);
            e.planned(able.get(0).address);
        }
    }

    private List<Destination> candidates(Evacuee e, List<String> notNow) throws LostException, InterruptedException {
        List<Destination> able = new ArrayList<>();
        for (Destination host : hosts) {
            if (ask(e, host, notNow)) {
                able.add(host);
            }
        }
        able.sort(Comparator.<Destination>comparingInt(h -> e.failuresAt(h.address))
                .thenComparing(Comparator.comparingLong(Destination::room).reversed()));
        return able;
    }

    /**
     * Whether this destination takes this guest, as far as it can be said before.
     *
     * @param notNow gets what is only against it for now
     */
    private boolean ask(Evacuee e, Destination host, List<String> notNow) throws LostException, InterruptedException {
        long now = System.nanoTime();
        if (e.isRefusedBy(host.address) || e.state() != Evacuee.State.WAITING) {
            return false;
        }
        if (host.isGivenUp(now, TimeUnit.MILLISECONDS.toNanos(patience.lostMs()))) {
            return false;
        }
        if (!host.mayBeAsked(now)) {
            notNow.add(host.why());
            return false;
        }
        try {
            CheckResponse checked = ferryd.check(CheckRequest.newBuilder()
                    .setGuest(e.guest)
                    .setTo(host.address)
                    .build());
            e.predicted(checked);
            host.answered(
                    checked.hasDestinationMemoryAvailableBytes()
                            ? OptionalLong.of(checked.getDestinationMemoryAvailableBytes())
                            : OptionalLong.empty());
            return judge(e, host, checked.getReasonsList(), notNow);
        } catch (StatusRuntimeException refused) {
            refused(e, host, refused, System.nanoTime() - now, notNow);
            return false;
        }
    }

    private boolean judge(Evacuee e, Destination host, List<Reason> against, List<String> notNow) {
        String text =
                against.stream().map(r -> r.getCode() + ": " + r.getMessage()).collect(Collectors.joining("; "));
        if (against.isEmpty()) {
            return true;
        }
        isHostFull |= against.stream().anyMatch(r -> r.getCode().equals(OUTBOUND_LIMIT));
        if (against.stream().allMatch(Reason::getTemporary)) {
            notNow.add(text);
        } else if (against.stream().anyMatch(r -> r.getCode().equals("GUEST_ARRIVING"))) {
            notNow.add(text);
        } else {
            e.refusedBy(host.address, text);
        }
        return false;
    }

    private void tryStart(Evacuee e, Destination host, List<String> notNow) throws LostException, InterruptedException {
        long beginNs = System.nanoTime();
        starts++;
        try {
            e.moves(ferryd.start(StartRequest.newBuilder()
                    .setGuest(e.guest)
                    .setTo(host.address)
                    .setRequestId("evacuate-" + run + "-" + starts)
                    .setPolicy(policy)
                    .build()));
        } catch (StatusRuntimeException refused) {
            refused(e, host, refused, System.nanoTime() - beginNs, notNow);
        }
    }

    private void refused(Evacuee e, Destination host, StatusRuntimeException why, long tookNs, List<String> notNow)
            throws LostException, InterruptedException {
        Status status = why.getStatus();
        String text = status.getDescription() == null ? status.getCode().name() : status.getDescription();
        switch (status.getCode()) {
            case UNAVAILABLE, DEADLINE_EXCEEDED -> {
                if (text.contains(host.address)) {
                    long pauseNs = Math.max(2 * tookNs, TimeUnit.MILLISECONDS.toNanos(4 * patience.retryMs()));
                    host.didNotAnswer(text, System.nanoTime(), pauseNs);
                    notNow.add(text);
                } else {
                    e.failedAt(host.address, text);
                    notNow.add(text);
                }
            }
            case RESOURCE_EXHAUSTED -> {
                notNow.add(text);
                if (Reasons.of(why).contains(OUTBOUND_LIMIT)) { // nobody else may leave either
                    isHostFull = true;
                    somebodyMayLeaveNs = later();
                }
            }
            case ALREADY_EXISTS -> {
                List<Migration> its = ferryd.moving(e.guest);
                if (its.isEmpty()) {
                    notNow.add(text);
                } else {
                    e.moves(its.get(0));
                }
            }
            case NOT_FOUND -> e.gone("it is not here any more: " + text);
            default -> e.refusedBy(host.address, text);
        }
    }

    /** Everything that is against it, each thing once. */
    private String against(Evacuee e) {
        Map<String, List<String>> byReason = new LinkedHashMap<>();
        for (Destination host : hosts) {
            String reason = e.refusals().getOrDefault(host.address, host.why());
            if (!reason.isEmpty()) {
                byReason.computeIfAbsent(reason, r -> new ArrayList<>()).add(host.address);
            }
        }
        return byReason.entrySet().stream()
                .map(r -> String.join(", ", r.getValue()) + ": " + r.getKey())
                .collect(Collectors.joining("; "));
    }
}
