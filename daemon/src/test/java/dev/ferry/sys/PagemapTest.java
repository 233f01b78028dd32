package dev.ferry.sys;

import static dev.ferry.sys.TrackedRam.bits;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.ferry.base.ErrorCategory;
import dev.ferry.sys.TrackedRam.Kind;
import java.util.BitSet;
import java.util.Random;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Write tracking of this process's own mappings, written by system calls. */
@Tag("kernel")
final class PagemapTest {
    private static final int LAST = TrackedRam.PAGES - 1;

    @ParameterizedTest
    @EnumSource
    void shouldReportEveryWriteOnce(Kind kind) throws Exception {
        try (TrackedRam ram = TrackedRam.of(kind)) {
            ram.write(bits(1, 2, 3, 700, 9000));
            ram.register();
            ram.protect();
            assertThat(ram.harvest()).as("nothing written since").isEqualTo(bits());
            BitSet written = bits(2, 3, 4, 511, 512, 8999, 9001, LAST);
            ram.write(written);
            assertThat(ram.harvest()).isEqualTo(written);
            assertThat(ram.harvest()).isEqualTo(bits());
            ram.write(bits(512));
            assertThat(ram.harvest()).isEqualTo(bits(512));
        }
    }

    /** More runs than one call can answer, again and again, never one lost. */
    @ParameterizedTest
    @EnumSource
    void shouldNotLoseRunsWhenVectorIsFull(Kind kind) throws Exception {
        try (TrackedRam ram = TrackedRam.of(kind)) {
            ram.register();
            ram.protect();
            BitSet everyOther = new BitSet();
            for (int i = 0; i < TrackedRam.PAGES; i += 2) {
                everyOther.set(i);
            }
            ram.write(everyOther);
            assertThat(ram.harvest()).isEqualTo(everyOther);
            assertThat(ram.harvest()).isEqualTo(bits());
        }
    }

    @ParameterizedTest
    @EnumSource
    void shouldReportWhatRandomWritesTouched(Kind kind) throws Exception {
        Random random = new Random(7);
        try (TrackedRam ram = TrackedRam.of(kind)) {
            ram.register();
            ram.protect();
            for (int round = 0; round < 5; round++) {
                BitSet written = new BitSet();
                for (int i = 0; i < 500; i++) {
                    int first = random.nextInt(TrackedRam.PAGES);
                    written.set(first, Math.min(TrackedRam.PAGES, first + 1 + random.nextInt(3)));
                }
                ram.write(written);
                assertThat(ram.harvest()).isEqualTo(written);
            }
        }
    }

    /** Without a first protection everything counts as written, also what was never touched: too much, never too little. */
    @ParameterizedTest
    @EnumSource
    void shouldReportEverythingThatWasNeverProtected(Kind kind) throws Exception {
        try (TrackedRam ram = TrackedRam.of(kind)) {
            ram.write(bits(1, 700));
            ram.register();
            BitSet all = new BitSet();
            all.set(0, TrackedRam.PAGES);
            assertThat(ram.harvest()).isEqualTo(all);
            BitSet written = bits(1, 5, 12000);
            ram.write(written);
            BitSet harvested = ram.harvest();
            if (kind == Kind.SHARED_FILE_HUGE) {
                // Protected by the harvest instead of UFFDIO_WRITEPROTECT, a huge page of a file is unmapped at the
                // first
                // write to it, and all of it counts as written: too much once more.
                harvested.and(written);
            }
            assertThat(harvested).isEqualTo(written);
        }
    }

    /** Swapping out, or a guest's balloon: the page table entry goes, the write must not. */
    @ParameterizedTest
    @EnumSource
    void shouldReportWriteWhosePageTableEntryIsGone(Kind kind) throws Exception {
        try (TrackedRam ram = TrackedRam.of(kind)) {
            ram.register();
            ram.protect();
            ram.write(bits(700));
            ram.dontNeed(700);
            assertThat(ram.harvest()).isEqualTo(bits(700));
        }
    }

    /** Of private memory a discard is a change (to zeros), of shared memory it is none: the page stays in the file. */
    @ParameterizedTest
    @EnumSource
    void shouldReportDiscardOfPrivateMemory(Kind kind) throws Exception {
        try (TrackedRam ram = TrackedRam.of(kind)) {
            ram.write(bits(700));
            ram.register();
            ram.protect();
            ram.dontNeed(700);
            assertThat(ram.harvest()).isEqualTo(privateMemory(kind) ? bits(700) : bits());
        }
    }

    /** All there before, so in huge pages where there are any: a write to one page still is a write to one page. */
    @ParameterizedTest
    @EnumSource
    void shouldReportSinglePagesOfHugePages(Kind kind) throws Exception {
        try (TrackedRam ram = TrackedRam.of(kind)) {
            KernelTouch.write(ram.page(0), new byte[TrackedRam.PAGES * TrackedRam.PAGE]);
            ram.register();
            ram.protect();
            for (int round = 0; round < 3; round++) {
                BitSet written = bits(3, 1024, 1030, 5000 + round);
                ram.write(written);
                assertThat(ram.harvest()).isEqualTo(written);
            }
        }
    }

    private static boolean privateMemory(Kind kind) {
        return kind == Kind.PRIVATE || kind == Kind.PRIVATE_HUGE;
    }

    @Test
    void shouldTellPopulatedFromZeroPageAndFromHole() throws Exception {
        try (TrackedRam ram = TrackedRam.of(Kind.PRIVATE)) {
            ram.write(bits(1, 2, 3, 700, 9000));
            // Reading an absent page maps the zero page.
            KernelTouch.read(ram.page(800), 1);
            assertThat(ram.populated()).isEqualTo(bits(1, 2, 3, 700, 9000));
        }
    }

    /** Protection leaves markers in place of absent pages, which the kernel calls swapped. */
    @Test
    void shouldTellPopulatedFromProtected() throws Exception {
        try (TrackedRam ram = TrackedRam.of(Kind.PRIVATE)) {
            ram.write(bits(1, 2, 3, 700));
            ram.register();
            ram.protect();
            assertThat(ram.populated()).isEqualTo(bits(1, 2, 3, 700));
            ram.write(bits(4, 9000, LAST));
            assertThat(ram.populated()).isEqualTo(bits(1, 2, 3, 4, 700, 9000, LAST));
        }
    }

    /** Why {@link RamFile#populated} is the one to ask about a shared file. */
    @Test
    void shouldNotBeAskedWhatSharedFileHas() throws Exception {
        try (TrackedRam ram = TrackedRam.of(Kind.SHARED_FILE_HUGE)) {
            ram.write(bits(1));
            ram.register();
            ram.protect();
            assertThat(ram.populated()).isEqualTo(bits());
            boolean[] found = new boolean[1];
            ram.file().populated((start, end) -> found[0] |= start <= TrackedRam.PAGE && end > TrackedRam.PAGE);
            assertThat(found[0]).isTrue();
        }
    }

    @Test
    void shouldRefuseRangeThatIsNotTracked() throws Exception {
        try (TrackedRam ram = TrackedRam.of(Kind.PRIVATE)) {
            assertThatThrownBy(ram::harvest)
                    .isInstanceOfSatisfying(
                            SysException.class, e -> assertThat(e.errno()).isEqualTo(Errno.EPERM))
                    .hasMessageContaining("PAGEMAP_SCAN");
        }
    }

    @Test
    void shouldSayThatProcessHasEnded() throws Exception {
        int pid = Orphan.start("sleep", "60");
        try (PidFd process = PidFd.open(pid);
                Pagemap pagemap = Pagemap.open(pid)) {
            ProcMaps.Mapping mapping = ProcMaps.read(pid).get(0);
            pagemap.populated(mapping.start(), mapping.end(), (start, end) -> {});
            process.signal(9);
            assertThat(process.awaitExit(10_000)).isTrue();
            assertThatThrownBy(() -> pagemap.populated(mapping.start(), mapping.end(), (start, end) -> {}))
                    .isInstanceOfSatisfying(
                            SysException.class, e -> assertThat(e.category()).isEqualTo(ErrorCategory.NOT_FOUND));
        }
    }
}
