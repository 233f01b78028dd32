package dev.ferry.client;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class UnitsTest {
    @ParameterizedTest
    @CsvSource({
        "0, 0 B",
        "1023, 1023 B",
        "1024, 1.0 KiB",
        "1048575, 1.0 MiB",
        "1610612736, 1.5 GiB",
        "9223372036854775807, 8.0 EiB"
    })
    void shouldScaleBytes(long bytes, String shown) {
        assertThat(Units.bytes(bytes)).isEqualTo(shown);
    }

    @ParameterizedTest
    @CsvSource({
        "0, 0.000 ms",
        "12.3456, 12.346 ms",
        "999.9, 999.900 ms",
        "1500, 1.50 s",
        "59999, 1 min 00 s",
        "185000, 3 min 05 s"
    })
    void shouldScaleDurations(double ms, String shown) {
        assertThat(Units.duration(ms)).isEqualTo(shown);
    }

    @ParameterizedTest
    @CsvSource({"85.4, 85 µs", "999.7, 1.0 ms", "2130, 2.1 ms", "1200000, 1.20 s"})
    void shouldScaleLatencies(double us, String shown) {
        assertThat(Units.micros(us)).isEqualTo(shown);
    }
}
