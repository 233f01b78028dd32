package dev.ferry.api;

import static org.assertj.core.api.Assertions.assertThat;

import dev.ferry.v1.DaemonServiceGrpc;
import dev.ferry.v1.EventServiceGrpc;
import dev.ferry.v1.GuestServiceGrpc;
import dev.ferry.v1.MigrationServiceGrpc;
import dev.ferry.v1.PlacementServiceGrpc;
import io.grpc.MethodDescriptor;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class ControlAccessMethodsTest {
    /** Whoever adds a method says here whether a viewer may call it. */
    @Test
    void shouldKeepViewersFromWhatChangesSomething() {
        assertThat(Stream.of(
                                MigrationServiceGrpc.getServiceDescriptor(),
                                GuestServiceGrpc.getServiceDescriptor(),
                                PlacementServiceGrpc.getServiceDescriptor(),
                                EventServiceGrpc.getServiceDescriptor(),
                                DaemonServiceGrpc.getServiceDescriptor())
                        .flatMap(s -> s.getMethods().stream())
                        .map(MethodDescriptor::getFullMethodName)
                        .filter(m -> !ControlAccess.READS.contains(m)))
                .containsExactlyInAnyOrder(
                        "ferry.v1.MigrationService/Start",
                        "ferry.v1.MigrationService/SwitchToPostcopy",
                        "ferry.v1.MigrationService/Cancel",
                        "ferry.v1.MigrationService/SetLimits",
                        "ferry.v1.MigrationService/Rollback",
                        "ferry.v1.MigrationService/Resume",
                        "ferry.v1.MigrationService/ConfirmNetworks",
                        "ferry.v1.GuestService/Run",
                        "ferry.v1.GuestService/Attach",
                        "ferry.v1.GuestService/Detach",
                        "ferry.v1.PlacementService/Reserve",
                        "ferry.v1.PlacementService/ReleaseReservation");
    }
}
