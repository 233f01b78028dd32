package dev.ferry.memory;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

class RamBlockTest {
    private final RamBlock huge = new RamBlock(0, "huge", 6L << 20, 2 << 20, true);

    @Test
    void shouldCountInItsOwnPages() {
        assertThat(huge.pageCount()).isEqualTo(3);
        assertThat(huge.offsetOf(2)).isEqualTo(4L << 20);
        assertThat(huge.pageAt((4L << 20) + 5)).isEqualTo(2);
    }

    @Test
    void shouldSayWhatItContainsWhateverAPeerAsks() {
        assertThat(huge.contains(0, 3)).isTrue();
        assertThat(huge.contains(2, 1)).isTrue();
        assertThat(huge.contains(2, 2)).isFalse();
        assertThat(huge.contains(-1, 1)).isFalse();
        assertThat(huge.contains(0, 0)).isFalse();
        assertThat(huge.contains(1, Long.MAX_VALUE)).isFalse();
        assertThat(huge.contains(Long.MAX_VALUE, 1)).isFalse();
    }

    @Test
    void shouldRefuseWhatIsNoBlock() {
        assertThatThrownBy(() -> new RamBlock(0, "a", 4097, 4096, true)).hasMessageContaining("whole number of pages");
        assertThatThrownBy(() -> new RamBlock(0, "a", 8192, 6000, true)).hasMessageContaining("page size");
        assertThatThrownBy(() -> new RamBlock(-1, "a", 8192, 4096, true)).hasMessageContaining("index");
    }
}
