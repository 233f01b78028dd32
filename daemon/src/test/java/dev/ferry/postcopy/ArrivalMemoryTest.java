package dev.ferry.postcopy;

import static org.assertj.core.api.Assertions.assertThat;

import dev.ferry.base.NanoClock;
import dev.ferry.memory.PageBitmap;
import dev.ferry.memory.RamBlock;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class ArrivalMemoryTest {
    private static final RamBlock RAM = new RamBlock(0, "ram", 64 * 4096, 4096, true);

    private final Pages pages = new Pages();
    private final List<Long> asked = new ArrayList<>();
    private final ArrivalMemory memory = new ArrivalMemory(List.of(RAM), bitmap(), bitmap(), pages, NanoClock.system());

    @Test
    void shouldMapLaterWhatCouldNotBeMapped() {
        arrive(3);
        memory.arm();
        pages.full = true;
        memory.fault(RAM, 3);
        memory.fault(RAM, 4);
        arrive(4);
        assertThat(pages.mapped).isEmpty();
        pages.full = false;
        assertThat(memory.retry()).hasMessage("no memory");
        assertThat(pages.mapped).containsExactly(3L, 4L);
        assertThat(memory.retry()).isNull();
    }

    @Test
    void shouldServeTheOthersWhenOneCannotBeMapped() {
        memory.arm();
        memory.connect((block, page, count) -> asked.add(page));
        memory.fault(RAM, 5);
        memory.fault(RAM, 6);
        assertThat(asked).containsExactly(5L, 6L);
        pages.refused = 5;
        memory.arrived(RAM, 5, 2, ByteBuffer.allocateDirect(2 * 4096), 0, true);
        assertThat(pages.mapped).containsExactly(6L);
        pages.refused = -1;
        memory.retry();
        assertThat(pages.mapped).contains(5L);
    }

    @Test
    void shouldAskAgainForWhatCouldNotBeAskedFor() {
        memory.arm();
        boolean[] broken = {true};
        memory.connect((block, page, count) -> {
            if (broken[0] && page == 7) {
                throw new IllegalStateException("cannot ask");
            }
            asked.add(page);
        });
        memory.fault(RAM, 7);
        memory.fault(RAM, 8);
        assertThat(asked).containsExactly(8L);
        assertThat(memory.retry()).hasMessage("cannot ask");
        assertThat(asked).as("the others, whatever fails before them").containsExactly(8L, 8L);
        broken[0] = false;
        memory.retry();
        assertThat(asked).contains(7L);
    }

    @Test
    void shouldPoisonWhatIsMissingForGood() {
        arrive(3);
        memory.arm();
        memory.connect((block, page, count) -> asked.add(page));
        memory.fault(RAM, 5);
        memory.poison();
        assertThat(pages.poisoned).hasSize(63).doesNotContain(3L).contains(5L);
        assertThat(memory.poisonedPages()).isEqualTo(63);
        arrive(5);
        memory.arrivedZero(RAM, 6, 1, true);
        assertThat(memory.missingPages()).isEqualTo(63);
        memory.fault(RAM, 5);
        assertThat(pages.poisoned).as("its mark may have gone").hasSize(64);
        memory.fault(RAM, 3);
        assertThat(pages.mapped).containsExactly(3L);
        assertThat(asked).containsExactly(5L);
        memory.poison();
        assertThat(pages.poisoned).hasSize(64);
    }

    private void arrive(long page) {
        memory.arrived(RAM, page, 1, ByteBuffer.allocateDirect(4096), 0, false);
    }

    private static PageBitmap[] bitmap() {
        return new PageBitmap[] {PageBitmap.allocate(RAM.pageCount())};
    }

    private static final class Pages implements GuestPages {
        private final List<Long> mapped = new ArrayList<>();
        private final List<Long> poisoned = new ArrayList<>();
        private boolean full;
        private long refused = -1;

        @Override
        public void write(RamBlock block, long firstPage, int count, ByteBuffer data, int index) {}

        @Override
        public void writeZeros(RamBlock block, long firstPage, long count) {}

        @Override
        public void map(RamBlock block, long firstPage, int count) {
            if (full || firstPage == refused) {
                throw new IllegalStateException("no memory");
            }
            mapped.add(firstPage);
        }

        @Override
        public void mapAhead(RamBlock block, long firstPage, int pages) {}

        @Override
        public void poison(RamBlock block, long firstPage, long count) {
            for (long page = firstPage; page < firstPage + count; page++) {
                poisoned.add(page);
            }
        }

        @Override
        public void mapZero(RamBlock block, long page) {
            map(block, page, 1);
        }
    }
}
