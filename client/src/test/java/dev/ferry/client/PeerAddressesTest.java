package dev.ferry.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class PeerAddressesTest {
    @ParameterizedTest
    @ValueSource(strings = {"host:7420", "10.0.0.1:1,10.1.0.1:2", "[::1]:7420,b:1"})
    void shouldSayThemAsTheyWereSaid(String text) {
        assertThat(PeerAddresses.parse(text)).hasToString(text);
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "host", "a:1,", "a:1,b", ",a:1"})
    void shouldRefuseOthers(String text) {
        assertThatThrownBy(() -> PeerAddresses.parse(text))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("HOST:PORT");
    }
}
