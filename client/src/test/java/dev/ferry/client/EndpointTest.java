package dev.ferry.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class EndpointTest {
    @ParameterizedTest
    @CsvSource({"unix:/run/x.sock, /run/x.sock", "unix:///run/x.sock, /run/x.sock", "unix:x.sock, x.sock"})
    void shouldReadUnixSockets(String text, Path path) {
        assertThat(Endpoint.parse(text)).isEqualTo(new Endpoint.Unix(path));
    }

    @ParameterizedTest
    @CsvSource({"localhost:7421, localhost, 7421", "127.0.0.1:1, 127.0.0.1, 1", "[::1]:65535, ::1, 65535"})
    void shouldReadTcpAddressesAndGiveThemBack(String text, String host, int port) {
        assertThat(Endpoint.parse(text)).isEqualTo(new Endpoint.Tcp(new HostPort(host, port)));
        assertThat(Endpoint.parse(text)).hasToString(text);
    }

    @ParameterizedTest
    @CsvSource({
        "unix:, the path is missing",
        "/run/x.sock, say unix:/run/x.sock",
        "localhost, neither unix:PATH nor HOST:PORT",
        "localhost:0, neither",
        "localhost:65536, neither",
        "localhost:http, neither",
        "::1:7420, neither",
        ":7420, neither",
        "a b:7420, neither",
        "'', neither"
    })
    void shouldSayWhatIsWrong(String text, String message) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Endpoint.parse(text))
                .withMessageContaining(message);
    }

    @Test
    void shouldRefuseAPathThatNoSocketCanHave() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Endpoint.parse("unix:/" + "x".repeat(107)))
                .withMessageContaining("at most 107");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Endpoint.parse("unix:/\0"))
                .withMessageContaining("no path");
    }
}
