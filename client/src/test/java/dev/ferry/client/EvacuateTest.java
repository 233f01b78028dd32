package dev.ferry.client;

import static org.assertj.core.api.Assertions.assertThat;

import dev.ferry.v1.CheckRequest;
import dev.ferry.v1.GuestStatus;
import dev.ferry.v1.Migration;
import dev.ferry.v1.MigrationState;
import dev.ferry.v1.Side;
import dev.ferry.v1.StartRequest;
import io.grpc.Status;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The whole command against hosts that are made up. */
class EvacuateTest extends CommandTest {
    /** A destination is given up after 0.4 s; everything else comes at once. */
    private static final Patience QUICK = new Patience(400, 5_000, 5);

    private FakeCluster cluster;

    @BeforeEach
    void makeCluster() {
        cluster = new FakeCluster(ferryd);
    }

    private int evacuate(String... more) {
        String[] args = new String[more.length + 1];
        args[0] = "evacuate";
        System.arraycopy(more, 0, args, 1, more.length);
        return ferry(QUICK, args);
    }

    @Test
    void shouldMoveWhoStallsLeastFirst() {
        cluster.runs("big", 300);
        cluster.runs("busy", 10);
        cluster.runs("idle", 20);
        cluster.stalls.put("big", 500.0);
        cluster.stalls.put("busy", 900.0);
        cluster.stalls.put("idle", 1.0);
        assertThat(evacuate("--to", "b:1", "--parallel", "1")).isZero();
        assertThat(cluster.started).containsExactly("idle at b:1", "big at b:1", "busy at b:1");
        assertThat(cluster.mostMoving).isEqualTo(1);
        assertThat(cluster.left()).isEmpty();
        assertThat(screen.out()).contains("idle ", "b:1", "12.500 ms").endsWith("moved 3 guests, left 0\n");
        assertThat(screen.err()).contains("idle  to b:1: PRECOPY", "idle  moved to b:1, downtime 12.500 ms");
    }

    @Test
    void shouldGoWhereMostRoomIs() {
        for (int i = 0; i < 3; i++) {
            cluster.runs("g" + i, 10 + i);
        }
        cluster.rooms.put("b:1", 10L);
        cluster.rooms.put("c:1", 500L);
        assertThat(evacuate("--to", "b:1,c:1", "--parallel", "2")).isZero();
        assertThat(cluster.started).hasSize(3).allMatch(s -> s.endsWith(" at c:1"));
        assertThat(cluster.mostMoving).isEqualTo(2);
    }

    @Test
    void shouldMoveAsManyAtOnceAsTheHostAllows() {
        for (int i = 0; i < 7; i++) {
            cluster.runs("g" + i, 10);
        }
        assertThat(evacuate("--to", "b:1")).isZero();
        assertThat(cluster.mostMoving).isEqualTo(3);
    }

    @Test
    void shouldSayThatTheHostAllowsFewer() {
        for (int i = 0; i < 7; i++) {
            cluster.runs("g" + i, 10);
        }
        assertThat(evacuate("--to", "b:1", "--parallel", "5")).isZero();
        assertThat(cluster.mostMoving).isEqualTo(3);
        assertThat(screen.err()).contains("lets 3 leave at once (max_outbound)");
    }

    @Test
    void shouldTryTheNextDestinationWhereOneRefuses() {
        cluster.runs("g1", 10);
        cluster.rooms.put("b:1", 5000L);
        cluster.against.put("g1 at b:1", List.of(FakeCluster.reason("MACHINE_UNKNOWN", false)));
        assertThat(evacuate("--to", "b:1,c:1")).isZero();
        assertThat(cluster.started).containsExactly("g1 at c:1");
    }

    @Test
    void shouldGoOnWithTheRestAndSayWhoIsLeft() {
        cluster.runs("bad", 5);
        cluster.runs("good", 10);
        cluster.against.put("bad at b:1", List.of(FakeCluster.reason("VFIO_DEVICE", false)));
        cluster.against.put("bad at c:1", List.of(FakeCluster.reason("VFIO_DEVICE", false)));
        assertThat(evacuate("--to", "b:1,c:1")).isEqualTo(1);
        assertThat(cluster.left()).containsExactly("bad");
        assertThat(screen.out())
                .contains("moved 1 guest, left 1\n")
                .contains("guest bad is left: it is on this host. b:1, c:1: VFIO_DEVICE: because of VFIO_DEVICE."
                        + " What to do: mend that, and say it again.\n");
        long checks = ferryd.requests.stream()
                .filter(r -> r instanceof CheckRequest c && c.getGuest().equals("bad"))
                .count();
        assertThat(checks).as("what is against it for good is asked once").isEqualTo(2);
    }

    @Test
    void shouldTryElsewhereWhatFailedAndThenLeaveIt() {
        cluster.runs("g1", 10);
        cluster.rooms.put("b:1", 5000L);
        cluster.ends.put("g1 at b:1", FakeCluster.failed("the destination died"));
        assertThat(evacuate("--to", "b:1,c:1")).isZero();
        assertThat(cluster.started).containsExactly("g1 at b:1", "g1 at c:1");

        cluster.started.clear();
        cluster.runs("g2", 10);
        cluster.ends.put("g2 at b:1", FakeCluster.failed("no luck"));
        cluster.ends.put("g2 at c:1", FakeCluster.failed("no luck either"));
        assertThat(evacuate("--to", "b:1,c:1")).isEqualTo(1);
        assertThat(cluster.started).containsExactly("g2 at b:1", "g2 at c:1", "g2 at b:1", "g2 at c:1");
        assertThat(screen.out()).contains("b:1: no luck; c:1: no luck either.");
    }

    @Test
    void shouldWaitForALimit() {
        cluster.runs("g1", 10);
        cluster.runs("g2", 20);
        AtomicInteger refused = new AtomicInteger();
        cluster.beforeStart = () -> {
            if (refused.incrementAndGet() <= 4) {
                throw FakeCluster.refusal(Status.Code.RESOURCE_EXHAUSTED, "not now: INBOUND_LIMIT", "INBOUND_LIMIT");
            }
        };
        assertThat(evacuate("--to", "b:1")).isZero();
        assertThat(refused.get()).isEqualTo(6);
        assertThat(screen.err()).contains("g1  waits: not now: INBOUND_LIMIT");
    }

    /** Guests leave already, to a destination that has been away for longer than anybody waits. */
    private void areLost(String... guests) {
        for (String guest : guests) {
            Migration lost = Migration.newBuilder()
                    .setId("00000000000000" + guest)
                    .setGuest(guest)
                    .setPeer("dead:1")
                    .setSide(Side.SOURCE)
                    .setRunsOn(Side.DESTINATION)
                    .setState(MigrationState.RECOVERING)
                    .setReason("the destination is away")
                    .setStateMs(500)
                    .build();
            cluster.migration(lost);
            cluster.ends.put(guest + " at dead:1", lost);
            cluster.guest(guest, 10, GuestStatus.PAUSED, lost.getId());
        }
    }

    private static void refuseToLetGo() {
        throw FakeCluster.refusal(Status.Code.RESOURCE_EXHAUSTED, "2 leave: OUTBOUND_LIMIT", "OUTBOUND_LIMIT");
    }

    @Test
    void shouldNotWaitForPlacesThatADeadDestinationHolds() {
        areLost("d1", "d2");
        cluster.runs("g1", 10);
        cluster.beforeStart = EvacuateTest::refuseToLetGo;
        assertThat(evacuate("--to", "b:1")).isEqualTo(1);
        String why = "guest g1 is left: it is on this host. max_outbound is taken by guests whose destination is away:"
                + " d1 to dead:1, d2 to dead:1. What to do: raise max_outbound and reload ferryd, or bring the"
                + " destination back";
        assertThat(screen.out()).contains(why, "guest d1 is left: it belongs to the destination, dead:1");

        cluster.beforeStart = () -> {};
        cluster.against.put("g1 at b:1", List.of(FakeCluster.reason("OUTBOUND_LIMIT", true)));
        assertThat(evacuate("--to", "b:1")).isEqualTo(1);
        assertThat(screen.out()).as("said by a check").contains(why);
        assertThat(cluster.started).isEmpty();
    }

    @Test
    void shouldWaitForAPlaceThatBecomesFree() {
        areLost("d1", "d2");
        cluster.runs("g1", 10);
        cluster.runs("g2", 20);
        AtomicInteger refused = new AtomicInteger();
        cluster.beforeStart = () -> {
            if (cluster.started.size() == 1 && refused.incrementAndGet() <= 1) {
                refuseToLetGo();
            }
        };
        assertThat(evacuate("--to", "b:1", "--parallel", "1")).isEqualTo(1);
        assertThat(cluster.started).containsExactly("g1 at b:1", "g2 at b:1");
        assertThat(screen.out()).contains("moved 2 guests, left 2\n");
    }

    @Test
    void shouldNotWaitForEverForDestinationsThatStayFull() {
        Patience hasty = new Patience(400, 5_000, 5, 300);
        cluster.runs("g1", 10);
        cluster.beforeStart = () -> {
            throw FakeCluster.refusal(Status.Code.RESOURCE_EXHAUSTED, "8 arrive: INBOUND_LIMIT", "INBOUND_LIMIT");
        };
        assertThat(ferry(hasty, "evacuate", "--to", "b:1")).isEqualTo(1);
        String why = "guest g1 is left: it is on this host. nothing has changed for 300.000 ms: ";
        assertThat(screen.out()).contains(why + "8 arrive: INBOUND_LIMIT. What to do: see there who arrives");

        cluster.beforeStart = () -> {};
        cluster.ends.put(
                "g1 at b:1",
                FakeCluster.failed("INBOUND_LIMIT: 8 arrive").toBuilder()
                        .setErrorReason("INBOUND_LIMIT")
                        .build());
        assertThat(ferry(hasty, "evacuate", "--to", "b:1")).isEqualTo(1);
        assertThat(screen.out()).as("losing every race").contains(why + "INBOUND_LIMIT: 8 arrive.");
    }

    @Test
    void shouldTryAgainWhatLostTheRaceForTheLastPlace() {
        cluster.runs("g1", 10);
        cluster.ends.put(
                "g1 at b:1",
                FakeCluster.failed("INBOUND_LIMIT: 8 arrive").toBuilder()
                        .setErrorReason("INBOUND_LIMIT")
                        .build());
        AtomicInteger ended = new AtomicInteger();
        cluster.whenEnded = () -> {
            if (ended.incrementAndGet() == 4) {
                cluster.ends.clear();
            }
        };
        assertThat(evacuate("--to", "b:1")).isZero();
        assertThat(cluster.started).hasSize(5);
    }

    @Test
    void shouldGiveUpADestinationThatStaysAway() {
        cluster.runs("g1", 10);
        cluster.runs("g2", 20);
        cluster.away.add("b:1");
        assertThat(evacuate("--to", "b:1,c:1")).isZero();
        assertThat(cluster.started).containsExactly("g1 at c:1", "g2 at c:1");

        cluster.runs("g3", 10);
        assertThat(evacuate("--to", "b:1")).isEqualTo(1);
        assertThat(screen.out())
                .contains("guest g3 is left: it is on this host. b:1: destination b:1: connection refused.");
    }

    @Test
    void shouldGoOnWithWhatMovesAlready() {
        cluster.migration(Migration.newBuilder()
                .setId("00000000000000aa")
                .setGuest("g1")
                .setPeer("c:1")
                .setSide(Side.SOURCE)
                .setRunsOn(Side.SOURCE)
                .setState(MigrationState.PRECOPY)
                .build());
        cluster.guest("g1", 10, GuestStatus.RUNNING, "00000000000000aa");
        cluster.runs("g2", 20);
        assertThat(evacuate("--to", "b:1", "--parallel", "1")).isZero();
        assertThat(cluster.started).containsExactly("g2 at b:1");
        assertThat(cluster.mostMoving).as("the other one counts").isEqualTo(1);
        assertThat(screen.out()).contains("moved 2 guests, left 0");
    }

    @Test
    void shouldAdoptAMoveThatSomebodyElseBeganMeanwhile() {
        cluster.runs("g1", 10);
        cluster.beforeStart = () -> {
            cluster.migration(Migration.newBuilder()
                    .setId("00000000000000aa")
                    .setGuest("g1")
                    .setPeer("c:1")
                    .setSide(Side.SOURCE)
                    .setRunsOn(Side.SOURCE)
                    .setState(MigrationState.PRECOPY)
                    .build());
            throw FakeCluster.refusal(Status.Code.ALREADY_EXISTS, "g1 is moving already", "GUEST_MOVING");
        };
        assertThat(evacuate("--to", "b:1")).isZero();
        assertThat(cluster.started).isEmpty();
        assertThat(screen.out()).contains("g1 ", "c:1", "moved 1 guest, left 0");
    }

    @Test
    void shouldTakeWhoCameMeanwhileAndNameWhoCameThen() {
        cluster.runs("g1", 10);
        AtomicInteger ended = new AtomicInteger();
        cluster.whenEnded = () -> {
            int n = ended.incrementAndGet();
            cluster.runs("late" + n, 10);
        };
        assertThat(evacuate("--to", "b:1")).isEqualTo(1);
        assertThat(cluster.started).containsExactly("g1 at b:1", "late1 at b:1");
        assertThat(screen.out()).contains("guest late2 is left", "it came while this host was emptied");
    }

    @Test
    void shouldMoveAGuestThatWasGoneAndRunsAgain() {
        cluster.guest("ended", 10, GuestStatus.GONE, "");
        cluster.runs("g1", 10);
        cluster.whenEnded = () -> {
            cluster.whenEnded = () -> {};
            cluster.runs("ended", 10);
        };
        assertThat(evacuate("--to", "b:1")).as(screen.out()).isZero();
        assertThat(cluster.started).containsExactly("g1 at b:1", "ended at b:1");
        assertThat(cluster.left()).isEmpty();
    }

    @Test
    void shouldNameAGuestThatRunsAgainTooLate() {
        cluster.guest("ended", 10, GuestStatus.GONE, "");
        cluster.runs("g1", 10);
        AtomicInteger ended = new AtomicInteger();
        cluster.whenEnded = () -> {
            if (ended.incrementAndGet() == 1) {
                cluster.runs("late", 10);
            } else {
                cluster.runs("ended", 10);
            }
        };
        assertThat(evacuate("--to", "b:1")).isEqualTo(1);
        assertThat(cluster.started).containsExactly("g1 at b:1", "late at b:1");
        assertThat(screen.out()).contains("moved 2 guests, left 1\n", "guest ended is left: it is on this host.");
    }

    @Test
    void shouldMoveAGuestThatFailedToComeAndCameAgain() {
        Migration coming = Migration.newBuilder()
                .setId("00000000000000bb")
                .setGuest("comes")
                .setPeer("z:1")
                .setSide(Side.DESTINATION)
                .setRunsOn(Side.SOURCE)
                .setState(MigrationState.PRECOPY)
                .build();
        cluster.migration(coming);
        cluster.guest("comes", 10, GuestStatus.INCOMING, coming.getId());
        cluster.ends.put("comes at z:1", FakeCluster.failed("the source died"));
        assertThat(evacuate("--to", "b:1")).as("its QEMU is left behind").isZero();
        assertThat(screen.out()).contains("guest comes: nothing to do, it did not arrive here");

        Migration again = coming.toBuilder().setId("00000000000000cc").build();
        cluster.migration(again);
        cluster.guest("comes", 10, GuestStatus.INCOMING, again.getId());
        cluster.whenEnded = () -> {
            cluster.whenEnded = () -> {};
            cluster.runs("comes", 10);
        };
        assertThat(evacuate("--to", "b:1")).as(screen.out()).isZero();
        assertThat(cluster.started).containsExactly("comes at b:1");
        assertThat(cluster.left()).isEmpty();
    }

    @Test
    void shouldSayWhatBecomesOfGuestsThatDoNotRun() {
        cluster.guest("ended", 10, GuestStatus.GONE, "");
        cluster.guest("waiting", 10, GuestStatus.INCOMING, "");
        cluster.migration(Migration.newBuilder()
                .setId("00000000000000bb")
                .setGuest("comes")
                .setPeer("z:1")
                .setSide(Side.DESTINATION)
                .setRunsOn(Side.DESTINATION)
                .setState(MigrationState.POSTCOPY)
                .build());
        cluster.guest("comes", 10, GuestStatus.RUNNING, "00000000000000bb");
        assertThat(evacuate("--to", "b:1")).isEqualTo(1);
        assertThat(cluster.started).as("when it is here").containsExactly("comes at b:1");
        assertThat(screen.out())
                .contains("guest ended: nothing to do")
                .contains("guest waiting is left", "waits for a guest to arrive");
        assertThat(screen.err()).contains("comes  arrives here by migration 00000000000000bb");
    }

    @Test
    void shouldNotWaitForEverForADestinationThatDiedWithTheGuest() {
        cluster.runs("g1", 10);
        cluster.ends.put(
                "g1 at b:1",
                Migration.newBuilder()
                        .setState(MigrationState.RECOVERING)
                        .setRunsOn(Side.DESTINATION)
                        .setReason("the destination is away")
                        .setStateMs(500)
                        .build());
        assertThat(evacuate("--to", "b:1")).isEqualTo(1);
        assertThat(screen.out())
                .contains(
                        "guest g1 is left: it belongs to the destination, b:1.",
                        "the destination is away",
                        "ferry watch");
    }

    @Test
    void shouldSayWhereAGuestIsThatWasLostOrCancelled() {
        cluster.runs("lost", 10);
        cluster.runs("kept", 10);
        cluster.ends.put(
                "lost at b:1",
                FakeCluster.failed("its QEMU has ended").toBuilder()
                        .setRunsOn(Side.DESTINATION)
                        .build());
        cluster.ends.put(
                "kept at b:1",
                FakeCluster.failed("").toBuilder()
                        .setState(MigrationState.CANCELLED)
                        .build());
        assertThat(evacuate("--to", "b:1")).isEqualTo(1);
        assertThat(screen.out())
                .contains("guest lost is left: it belongs to the destination, b:1.", "docs/operations.md")
                .contains("guest kept is left: it is on this host.", "was cancelled");
        assertThat(cluster.started).hasSize(2);
    }

    @Test
    void shouldPlanAndStartNothing() {
        cluster.runs("g1", 60);
        cluster.runs("g2", 50);
        cluster.runs("bad", 5);
        cluster.rooms.put("b:1", 100L);
        cluster.rooms.put("c:1", 55L);
        cluster.stalls.put("g1", 1.0);
        for (String host : List.of("b:1", "c:1")) {
            cluster.against.put("bad at " + host, List.of(FakeCluster.reason("VFIO_DEVICE", false)));
        }
        assertThat(evacuate("--to", "b:1,c:1", "--dry-run")).isEqualTo(1);
        assertThat(cluster.started).isEmpty();
        assertThat(screen.out())
                .containsPattern("g1 +b:1 +60.0 MiB +60.0 MiB +10.000 ms +1.000 ms\n")
                .as("what g1 takes is not there for g2")
                .containsPattern("g2 +c:1 ")
                .contains("would move 2 guests, leave 1. Nothing was started.")
                .contains("guest bad would be left");

        cluster.runs("g3", 56);
        assertThat(evacuate("--to", "b:1,c:1", "--dry-run")).isEqualTo(1);
        assertThat(screen.out()).contains("guest g3 would be left", "no room for it beside the guests before it");
    }

    @Test
    void shouldPrintOneJsonDocument() {
        cluster.runs("g1", 60);
        cluster.runs("bad", 5);
        cluster.against.put("bad at b:1", List.of(FakeCluster.reason("VFIO_DEVICE", false)));
        assertThat(evacuate("--to", "b:1", "-o", "json")).isEqualTo(1);
        assertThat(screen.out())
                .startsWith("{")
                .contains("\"plan\": false", "\"moved\": 1", "\"left\": 1")
                .containsPattern("\"guest\": \"g1\",\\s+\"state\": \"MOVED\"")
                .contains("\"downtimeMs\": 12.5", "\"runsOn\": \"DESTINATION\"")
                .containsPattern("\"guest\": \"bad\",\\s+\"state\": \"LEFT\"")
                .contains("VFIO_DEVICE: because of VFIO_DEVICE");
    }

    @Test
    void shouldStartEachGuestWithThePolicyAndARequestIdOfItsOwn() {
        cluster.runs("g1", 10);
        cluster.runs("g2", 10);
        assertThat(evacuate("--to", "b:1", "--precopy-rounds", "2", "--keep-source"))
                .isZero();
        List<StartRequest> starts = ferryd.requests.stream()
                .filter(StartRequest.class::isInstance)
                .map(StartRequest.class::cast)
                .toList();
        assertThat(starts).hasSize(2).allSatisfy(s -> {
            assertThat(s.getPolicy().getPrecopyRounds()).isEqualTo(2);
            assertThat(s.getPolicy().getKeepSource()).isTrue();
            assertThat(s.getRequestId()).startsWith("evacuate-");
        });
        assertThat(starts.get(0).getRequestId()).isNotEqualTo(starts.get(1).getRequestId());
    }

    @Test
    void shouldGoOnWhenItsDaemonIsRestarted() {
        cluster.runs("g1", 10);
        cluster.runs("g2", 10);
        AtomicInteger ended = new AtomicInteger();
        cluster.whenEnded = () -> {
            if (ended.incrementAndGet() == 1) {
                new Thread(this::restart, "restart").start();
            }
        };
        assertThat(ferry(new Patience(20_000, 20_000, 5), "evacuate", "--to", "b:1", "--parallel", "1"))
                .isZero();
        assertThat(cluster.left()).isEmpty();
        assertThat(cluster.started).hasSize(2);
    }

    private void restart() {
        try {
            ferryd.stop();
            ferryd.start();
        } catch (Exception e) {
            throw new IllegalStateException(e);
        }
    }

    @Test
    void shouldSayThatMovesGoOnWhenItsDaemonStaysAway() {
        cluster.runs("g1", 10);
        cluster.runs("g2", 10);
        cluster.whenEnded = () -> ferryd.refusal = Status.UNAVAILABLE.asRuntimeException();
        assertThat(evacuate("--to", "b:1", "--parallel", "1")).isEqualTo(78);
        assertThat(screen.err()).contains("Guests that move go on without us", "say the same command again");
        assertThat(cluster.started).hasSize(1);
    }

    @Test
    void shouldRefuseWhatMakesNoSense() {
        assertThat(evacuate("--to", "b:1", "--parallel", "0")).isEqualTo(ExitCode.USAGE);
        assertThat(screen.err()).contains("--parallel: 0 is less than one");
        assertThat(evacuate("--to", "10.0.0.1:7755")).isEqualTo(ExitCode.USAGE);
        assertThat(screen.err()).contains("is the host that is to be emptied");
        assertThat(evacuate()).isEqualTo(ExitCode.USAGE);
    }

    @Test
    void shouldBeDoneAtOnceWhereNobodyIs() {
        assertThat(evacuate("--to", "b:1")).isZero();
        assertThat(screen.out()).isEqualTo("moved 0 guests, left 0\n");
    }
}
