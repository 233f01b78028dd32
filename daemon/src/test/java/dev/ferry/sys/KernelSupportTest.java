package dev.ferry.sys;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag("kernel")
final class KernelSupportTest {
    @Test
    void shouldFindEverythingOnThisMachine() {
        assertThat(KernelSupport.userfaultfd().cause()).isEmpty();
        assertThat(KernelSupport.writeTracking().cause()).isEmpty();
        assertThat(KernelSupport.minorFaults().cause()).isEmpty();
        assertThat(KernelSupport.injection().cause()).isEmpty();
    }
}
