package dev.ferry.precopy;

import static org.assertj.core.api.Assertions.assertThat;

import dev.ferry.memory.RamBlock;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class SentPagesTest {
    private final RamBlock block = new RamBlock(0, "pc.ram", 100 * 4096, 4096, true);
    private final SentPages pages = new SentPages(List.of(block));

    private List<String> stale() {
        List<String> runs = new ArrayList<>();
        pages.forEachStale(block, (first, n) -> runs.add(first + "+" + n));
        return runs;
    }

    @Test
    void shouldCallStaleOnlyWhatWasSentBefore() {
        pages.markSent(block, 0, 50);
        pages.markDirty(block, 45, 10);
        assertThat(stale()).containsExactly("45+5");
        assertThat(pages.nextUnsent(block, 0)).isEqualTo(45);
        assertThat(pages.unsentBytes()).isEqualTo(55 * 4096);
    }

    @Test
    void shouldForgetStalenessWhenThePageIsSentAgain() {
        pages.markSent(block, 0, 100);
        pages.markDirty(block, 10, 3);
        pages.markSent(block, 10, 2);
        assertThat(stale()).containsExactly("12+1");
    }

    @Test
    void shouldKeepDistrustingWhatWasOnceWrittenByDirectIo() {
        pages.distrustDirtyPages();
        pages.markSent(block, 0, 100);
        pages.markDirty(block, 10, 3);
        pages.markSent(block, 10, 3);
        assertThat(stale()).isEmpty();
        pages.markDistrustedDirty();
        assertThat(stale()).containsExactly("10+3");
        assertThat(pages.nextUnsent(block, 0)).isEqualTo(10);
    }

    @Test
    void shouldTakeThePeersWordAfterAReconnect() {
        pages.markSent(block, 0, 20);
        pages.resetToAllSent(block);
        pages.markUnsent(block, 5, 2);
        List<String> unsent = new ArrayList<>();
        pages.forEachUnsent(block, (first, n) -> unsent.add(first + "+" + n));
        assertThat(unsent).containsExactly("5+2");
        assertThat(pages.claimRun(block, 5, 1)).isEqualTo(1);
        assertThat(pages.claimRun(block, 5, 1)).isZero();
    }
}
