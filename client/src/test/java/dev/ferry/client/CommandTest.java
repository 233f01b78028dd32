package dev.ferry.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.ferry.v1.Migration;
import dev.ferry.v1.MigrationState;
import dev.ferry.v1.Phase;
import dev.ferry.v1.Side;
import io.grpc.Status;
import java.io.OutputStream;
import java.io.PrintStream;
import org.junit.jupiter.api.Test;

class CommandTest {
    private static int run(String... args) {
        PrintStream nowhere = new PrintStream(OutputStream.nullOutputStream());
        return Main.run(new Output(nowhere, nowhere, false), args);
    }

    @Test
    void shouldEndWithTheCodesThatScriptsRelyOn() {
        assertThat(run()).isEqualTo(2);
        assertThat(run("fly")).isEqualTo(2);
        assertThat(run("migrate", "a")).isEqualTo(2);
        assertThat(run("guest")).isEqualTo(2);
        assertThat(run("--help")).isZero();
        assertThat(run("--endpoint", "nonsense", "list")).isEqualTo(2);
        assertThat(run("--endpoint", "unix:/nowhere/x.sock", "list")).isEqualTo(64 + 14);
        assertThat(run("list", "--endpoint", "127.0.0.1:1")).isEqualTo(64 + 14);
        assertThat(ExitCodes.of(Status.FAILED_PRECONDITION)).isEqualTo(73);
    }

    @Test
    void shouldRefuseWhatIsNoEndpoint() {
        for (String bad : new String[] {"", "unix:", "host", "host:port", "http://x:1"}) {
            assertThatThrownBy(() -> Endpoint.parse(bad)).isInstanceOf(UsageException.class);
        }
        assertThat(Endpoint.parse("[::1]:7").text()).isEqualTo("[::1]:7");
    }

    @Test
    void shouldSayWhereTheGuestIsFromEitherSide() {
        Migration.Builder m =
                Migration.newBuilder().setGuest("db").setPeer("b:1").setSide(Side.SOURCE);
        assertThat(Text.whereabouts(m.setRunsOn(Side.SOURCE).build())).contains("source (this host)");
        assertThat(Text.whereabouts(m.setRunsOn(Side.DESTINATION).build())).contains("destination (b:1)");
        m.setSide(Side.DESTINATION);
        assertThat(Text.whereabouts(m.build())).contains("destination (this host)");
        assertThat(Text.whereabouts(m.setRunsOn(Side.SOURCE).build())).contains("source (b:1)");
    }

    @Test
    void shouldSumUpAMove() {
        Migration m = Migration.newBuilder()
                .setId("00ff")
                .setGuest("db")
                .setState(MigrationState.COMPLETED)
                .setRunsOn(Side.DESTINATION)
                .setSide(Side.SOURCE)
                .setDowntimeMs(3.5)
                .addDowntimePhases(Phase.newBuilder().setName("stop").setMs(1))
                .addDowntimePhases(Phase.newBuilder().setName("load").setMs(2.5))
                .build();
        assertThat(Text.summary(m)).contains("3.50 ms = stop 1.00 + load 2.50").contains("COMPLETED");
        assertThat(Text.ended(m)).isTrue();
    }
}
