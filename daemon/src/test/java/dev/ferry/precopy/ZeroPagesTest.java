package dev.ferry.precopy;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ZeroPagesTest {
    @ParameterizedTest
    @ValueSource(ints = {4096, 4099, 5000, 8191, 65536 + 4096, 300_000 + 4095})
    void shouldSeeASingleByteAnywhere(int at) {
        ByteBuffer buffer = ByteBuffer.allocateDirect(400_000);
        int length = 390_000;
        assertThat(ZeroPages.isZero(buffer, 4096, length)).isTrue();
        buffer.put(at, (byte) 1);
        assertThat(ZeroPages.isZero(buffer, 4096, length)).isFalse();
    }

    @Test
    void shouldNotLookBeyondItsPage() {
        ByteBuffer buffer = ByteBuffer.allocateDirect(3 * 4096);
        buffer.put(4095, (byte) 1);
        buffer.put(8192, (byte) 1);
        assertThat(ZeroPages.isZero(buffer, 4096, 4096)).isTrue();
    }
}
