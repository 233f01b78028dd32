package dev.ferry.client;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.Any;
import com.google.rpc.ErrorInfo;
import io.grpc.Status;
import io.grpc.protobuf.StatusProto;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Exit codes and what stderr says. */
class ErrorsTest extends CommandTest {
    @ParameterizedTest
    @EnumSource(value = Status.Code.class, names = "OK", mode = EnumSource.Mode.EXCLUDE)
    void shouldEndWith64AndTheStatusCode(Status.Code code) {
        ferryd.refusal = code.toStatus().withDescription("because").asRuntimeException();
        assertThat(ferry("list")).isEqualTo(64 + code.value());
        assertThat(screen.err()).startsWith("ferry: ").contains(code.name()).doesNotContain("\tat ");
        assertThat(screen.out()).isEmpty();
    }

    @Test
    void shouldPrintTheDescriptionAsItCame() {
        ferryd.refusal = Status.NOT_FOUND.withDescription("no guest web9 here").asRuntimeException();
        assertThat(ferry("guest", "show", "web9")).isEqualTo(69);
        assertThat(screen.err()).isEqualTo("ferry: no guest web9 here [NOT_FOUND]\n");
    }

    @Test
    void shouldPrintDetailsThatTheTextDoesNotHold() {
        com.google.rpc.Status status = com.google.rpc.Status.newBuilder()
                .setCode(Status.Code.FAILED_PRECONDITION.value())
                .setMessage("guest web1 cannot move: VFIO_DEVICE: hostdev0")
                .addDetails(info("VFIO_DEVICE", "hostdev0"))
                .addDetails(info("NO_MEMORY", "4.0 GiB needed"))
                .build();
        ferryd.refusal = StatusProto.toStatusRuntimeException(status);
        assertThat(ferry("migrate", "web1", "--to", "b:1")).isEqualTo(73);
        assertThat(screen.err()).isEqualTo("""
                        ferry: guest web1 cannot move: VFIO_DEVICE: hostdev0 [FAILED_PRECONDITION]
                          NO_MEMORY: 4.0 GiB needed
                        """);
    }

    private static Any info(String reason, String message) {
        return Any.pack(ErrorInfo.newBuilder()
                .setReason(reason)
                .putMetadata("message", message)
                .build());
    }

    @Test
    void shouldShowAStackTraceOnlyWhenAskedTo() {
        ferryd.refusal = Status.INTERNAL.withDescription("oops").asRuntimeException();
        assertThat(ferryWithout(Map.of("FERRY_DEBUG", "1", "FERRY_ENDPOINT", ferryd.endpoint()), "list"))
                .isEqualTo(77);
        assertThat(screen.err()).contains("\tat ");
    }

    @Test
    void shouldSayThatTheSocketIsMissing() throws Exception {
        ferryd.stop();
        assertThat(ferry("list")).isEqualTo(78);
        assertThat(screen.err())
                .startsWith("ferry: cannot reach ferryd at " + ferryd.endpoint() + ": No such file")
                .contains("Does ferryd run")
                .hasLineCount(1);
    }

    @Test
    void shouldSayThatNobodyListens() throws Exception {
        ferryd.stop();
        try (ServerSocketChannel left = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
            left.bind(UnixDomainSocketAddress.of(ferryd.socket));
        }
        assertThat(ferry("list")).isEqualTo(78);
        assertThat(screen.err()).contains("Connection refused", "ferryd does not run");
    }

    @Test
    void shouldSayThatNobodyListensOnTcp() {
        assertThat(ferry("--endpoint", "127.0.0.1:1", "--tls", "off", "list")).isEqualTo(78);
        assertThat(screen.err()).contains("127.0.0.1:1", "Connection refused", "does ferryd run");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "nonsense",
                "guest",
                "guest nonsense",
                "guest attach web1",
                "guest run /no/such/file.toml",
                "show",
                "list --no-such-option",
                "list -o xml",
                "list --endpoint nowhere",
                "migrate web1",
                "migrate web1 --to nowhere",
                "migrate web1 --to b:1 --bandwidth 100Mb",
                "migrate web1 --to b:1 --precopy-rounds -1",
                "migrate web1 --to b:1 --precopy-rounds x",
                "migrate web1 --to b:1 --precopy-seconds NaN",
                "migrate web1 web2 --to b:1",
                "watch"
            })
    void shouldEndWith2OnWrongUsage(String line) {
        assertThat(ferry(line.isEmpty() ? new String[0] : line.split(" "))).isEqualTo(ExitCode.USAGE);
        assertThat(screen.err()).startsWith("ferry: ").doesNotContain("\tat ", "Exception");
        assertThat(screen.out()).isEmpty();
        assertThat(ferryd.requests).isEmpty();
    }

    @Test
    void shouldNameTheVariableThatIsWrong() {
        assertThat(ferryWithout(Map.of("FERRY_ENDPOINT", "nowhere"), "list")).isEqualTo(ExitCode.USAGE);
        assertThat(screen.err()).startsWith("ferry: FERRY_ENDPOINT: 'nowhere'");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "--endpoint %s -o json guest list",
                "guest list -o json --endpoint %s",
                "guest --endpoint %s list -o table --output JSON"
            })
    void shouldTakeGlobalOptionsBeforeAndAfterTheCommand(String line) {
        String[] args = String.format(line, ferryd.endpoint()).split(" ");
        assertThat(ferryWithout(Map.of("FERRY_ENDPOINT", "unix:/nowhere"), args))
                .isZero();
        assertThat(screen.out()).startsWith("{");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "guest ",
                "guest run ",
                "guest attach ",
                "guest list ",
                "guest show ",
                "guest detach ",
                "check ",
                "migrate ",
                "list ",
                "show ",
                "watch ",
                "postcopy ",
                "cancel "
            })
    void shouldHelpEverywhere(String command) {
        assertThat(ferry((command + "--help").split(" "))).isZero();
        assertThat(screen.out()).startsWith("Usage: ferry " + command).contains("--endpoint", "Exit codes:");
        assertThat(screen.err()).isEmpty();
    }

    @Test
    void shouldTellItsVersion() {
        assertThat(ferry("--version")).isZero();
        assertThat(screen.out()).startsWith("ferry ");
    }
}
