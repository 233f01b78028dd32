package dev.ferry.system;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class VerifyFormatTest {
    @Test
    void shouldComputeTheCheckValuesOfTheFormat() {
        assertThat(VerifyFormat.mix(1)).isEqualTo(0x688990c0);
        assertThat(VerifyFormat.tableWord(0)).isEqualTo(0x6de3eef5);
        assertThat(VerifyFormat.tableWord(66_559)).isEqualTo(0x30c9ce9d);
        assertThat(VerifyFormat.word(0x1234, 7, 0, 4)).isEqualTo(0xfc33bbb5);
        assertThat(VerifyFormat.word(0x1234, 7, 0, 1023)).isEqualTo(0x34926a15);
    }
}
