package dev.ferry.system;

import dev.ferry.migration.FaultPoint;
import dev.ferry.migration.Side;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Every boundary of the protocol: the daemon that passes it is killed there and started again; the guest is where
 * {@link Verdict} says, whole, once, and moves again in the next cell. bin/soak --matrix runs every other fault at every boundary.
 */
@Tag("qemu")
class FaultMatrixTest {
    private static FaultStage stage;

    @BeforeAll
    static void begin() throws Exception {
        stage = new FaultStage("64MiB", "");
    }

    @AfterAll
    static void end() throws Exception {
        if (stage != null) {
            stage.close();
        }
    }

    @ParameterizedTest
    @MethodSource("dev.ferry.system.Verdict#ofMoves")
    void shouldLoseNothingWhenTheDaemonIsKilledAt(FaultPoint point) throws Exception {
        Fault kill = point.side() == Side.SOURCE ? Fault.KILL_SOURCE : Fault.KILL_DESTINATION;
        FaultStage.Result result = stage.move(new FaultStage.Strike(point, pass(point), kill), null);
        System.err.println(point + " " + kill + ": " + result);
    }

    /** One of every other kind that does not last long, where it matters most; the rest of the matrix is bin/soak's. */
    @ParameterizedTest
    @CsvSource({
        "ARMED, KILL_SOURCE",
        "COMMIT_ANSWERED, KILL_BOTH",
        "COMMIT_ANSWERED, CUT_SHORT",
        "BATCH_PUSHED, CUT",
        "FAULT_ASKED, KILL_SOURCE_QEMU",
        "DEVICE_STATE_LOADED, KILL_DESTINATION_QEMU",
        "RESUMED_JOURNALLED, KILL_DESTINATION_QEMU"
    })
    void shouldEndAsSpecified(FaultPoint point, Fault fault) throws Exception {
        FaultStage.Result result = stage.move(new FaultStage.Strike(point, pass(point), fault), null);
        System.err.println(point + " " + fault + ": " + result);
    }

    /** Pages and batches are many: not the first one. */
    static int pass(FaultPoint point) {
        return switch (point) {
            case BATCH_PUSHED -> 40;
            case FAULT_ASKED, DEMAND_PAGE_PLACED ->
                12; // the first few are those of the device state, before the commit
            default -> 1;
        };
    }
}
