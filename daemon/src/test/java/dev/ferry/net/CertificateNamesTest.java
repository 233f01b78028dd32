package dev.ferry.net;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class CertificateNamesTest {
    @ParameterizedTest
    @CsvSource({
        "host-a, host-a, true",
        "Host-A.example, host-a.EXAMPLE, true",
        "fd00:0:0:0:0:0:0:1, fd00::1, true",
        "FD00:0:0:0:0:0:0:1, fd00::1, true",
        "10.0.0.1, 10.0.0.1, true",
        "10.0.0.1, 10.0.0.10, false",
        "host-a, host-ab, false",
        "fd00:0:0:0:0:0:0:1, fd00::2, false",
        "fd00:0:0:0:0:0:0:1, fd00::x, false",
        "host-a, *, false"
    })
    void shouldKnowANameHoweverItIsSpelled(String name, String said, boolean isOne) {
        assertThat(CertificateNames.isOneOf(name, List.of("other", said))).isEqualTo(isOne);
    }
}
