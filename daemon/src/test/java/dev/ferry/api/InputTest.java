package dev.ferry.api;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.ferry.base.ErrorCategory;
import dev.ferry.base.FerryException;
import dev.ferry.migration.Policy;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class InputTest {
    @ParameterizedTest
    @ValueSource(strings = {"a", "web-1.prod_x", "..."})
    void shouldTakeGuestNames(String name) {
        assertThat(Input.guest("guest", name)).isEqualTo(name);
    }

    @ParameterizedTest
    @ValueSource(strings = {"", ".", "..", "a/b", "a b", "ä", "a\n"})
    void shouldRefuseOtherGuestNames(String name) {
        assertInvalid(() -> Input.guest("guest", name), "guest: ");
    }

    @ParameterizedTest
    @ValueSource(strings = {"host:1", "10.0.0.1:65535", "[2001:db8::1]:7420", "a:1,[::1]:2", "a:1,b:2,c:3,d:4"})
    void shouldTakePeers(String to) {
        assertThat(Input.peer(to)).isEqualTo(to);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "host",
                "host:0",
                "host:65536",
                "::1:7420",
                "[::1]",
                "unix:/x",
                "http://h:1",
                "h:1/x",
                "a:1,",
                ",a:1",
                "a:1, b:2",
                "a:1,b",
                "a:1,b:2,c:3,d:4,e:5"
            })
    void shouldRefuseOtherPeers(String to) {
        assertInvalid(() -> Input.peer(to), "to: ");
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "qmp.sock", "./qmp.sock", "~/qmp.sock", "/run/q\0x"})
    void shouldRefusePathsThatDependOnWhoReadsThem(String path) {
        assertThat(Input.absolutePath("qmp_socket", "/run/qmp.sock")).isEqualTo("/run/qmp.sock");
        assertInvalid(() -> Input.absolutePath("qmp_socket", path), "qmp_socket: ");
    }

    @Test
    void shouldLimitRequestIds() {
        assertThat(Input.requestId("x".repeat(128))).hasSize(128);
        assertInvalid(() -> Input.requestId("x".repeat(129)), "129 characters");
        assertInvalid(() -> Input.requestId("a\nb"), "request_id");
    }

    @Test
    void shouldRefuseNumbersOutOfRange() {
        assertPolicyInvalid(dev.ferry.v1.Policy.newBuilder().setPrecopyRounds(-1), "4294967295");
        assertPolicyInvalid(dev.ferry.v1.Policy.newBuilder().setPrecopySeconds(-1), "precopy_seconds");
        assertPolicyInvalid(dev.ferry.v1.Policy.newBuilder().setPrecopySeconds(Double.NaN), "precopy_seconds");
        assertPolicyInvalid(dev.ferry.v1.Policy.newBuilder().setBandwidthBytesPerSecond(-1), "bandwidth");
        assertPolicyInvalid(
                dev.ferry.v1.Policy.newBuilder().setPostcopyBandwidthBytesPerSecond(-1), "postcopy_bandwidth");
    }

    private static void assertPolicyInvalid(dev.ferry.v1.Policy.Builder said, String text) {
        assertInvalid(() -> Policies.of(said.build(), Policy.defaults()), text);
    }

    private static void assertInvalid(Runnable call, String text) {
        assertThatThrownBy(call::run)
                .hasMessageContaining(text)
                .isInstanceOfSatisfying(
                        FerryException.class, e -> assertThat(e.category()).isEqualTo(ErrorCategory.INVALID_ARGUMENT));
    }
}
