package dev.ferry.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import picocli.CommandLine;

class RateTest {
    @ParameterizedTest
    @CsvSource({
        "100, 100",
        "100MB, 100000000",
        "1GiB, 1073741824",
        "1Gbit, 125000000",
        "10gbit/s, 1250000000",
        "1.5 MiB, 1572864",
        "64k, 64000"
    })
    void shouldTellBytesFromBits(String text, long bytesPerSecond) {
        assertThat(new Rate().convert(text)).isEqualTo(bytesPerSecond);
    }

    @Test
    void shouldSayHowARateIsWritten() {
        assertThatThrownBy(() -> new Rate().convert("fast"))
                .isInstanceOf(CommandLine.TypeConversionException.class)
                .hasMessageContaining("1Gbit");
    }
}
