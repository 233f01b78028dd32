package dev.ferry.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class RateTest {
    @ParameterizedTest
    @CsvSource({
        "1B, 1",
        "100MB, 100000000",
        "100mB, 100000000",
        "100MB/s, 100000000",
        "1.5 kB, 1500",
        "1KiB, 1024",
        "1GiB, 1073741824",
        "2TB, 2000000000000",
        "1Gbit, 125000000",
        "10Gbit/s, 1250000000",
        "800kbit, 100000",
        "1Mibit, 131072",
        "8bit, 1",
        "9bit, 1"
    })
    void shouldTellBytesFromBits(String text, long bytesPerSecond) {
        assertThat(Rate.parse(text).bytesPerSecond()).isEqualTo(bytesPerSecond);
    }

    @ParameterizedTest
    @ValueSource(strings = {"100", "100M", "100Mb", "100mb", "1Gb", "1iB", "1XB", "1 parsec", "1MBps", "100Mb/s"})
    void shouldRefuseAUnitThatIsNotClear(String text) {
        assertThatIllegalArgumentException().isThrownBy(() -> Rate.parse(text)).withMessageContaining("Mbit");
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "MB", "-1MB", "1,5MB", "1e6B", "MB100", "∞"})
    void shouldRefuseWhatIsNoNumber(String text) {
        assertThatIllegalArgumentException().isThrownBy(() -> Rate.parse(text)).withMessageContaining("no rate");
    }

    @ParameterizedTest
    @ValueSource(strings = {"0MB", "0.1B", "7bit"})
    void shouldRefuseLessThanAByte(String text) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Rate.parse(text))
                .withMessageContaining("at least one byte");
    }

    @ParameterizedTest
    @ValueSource(strings = {"999999999999999999TB", "9223372036854775808B", "9223373TB"})
    void shouldRefuseMoreThanFits(String text) {
        assertThatIllegalArgumentException().isThrownBy(() -> Rate.parse(text));
    }
}
