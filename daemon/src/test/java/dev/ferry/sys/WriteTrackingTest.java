package dev.ferry.sys;

import static dev.ferry.sys.TrackedRam.bits;
import static org.assertj.core.api.Assertions.assertThat;

import dev.ferry.sys.TrackedRam.Kind;
import java.util.BitSet;
import java.util.Random;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Tracking that costs what is populated, of this process's own mappings, written by system calls. */
@Tag("kernel")
final class WriteTrackingTest {
    private static final int REGION_PAGES = 512;
    private static final int LAST = TrackedRam.PAGES - 1;

    @ParameterizedTest
    @EnumSource
    void shouldReportEveryWriteOnce(Kind kind) throws Exception {
        try (TrackedRam ram = TrackedRam.of(kind)) {
            ram.write(bits(1, 700, 9000));
            WriteTracking tracking = start(ram);
            assertThat(harvest(ram, tracking)).as("nothing written since").isEqualTo(bits());
            BitSet written = bits(1, 2, 600, 8999);
            ram.write(written);
            assertThat(harvest(ram, tracking))
                    .as("exact where something was before")
                    .isEqualTo(written);
            assertThat(harvest(ram, tracking)).isEqualTo(bits());
        }
    }

    @ParameterizedTest
    @EnumSource
    void shouldFindWhatWasPopulatedSince(Kind kind) throws Exception {
        try (TrackedRam ram = TrackedRam.of(kind)) {
            ram.write(bits(1));
            WriteTracking tracking = start(ram);
            BitSet written = bits(4000, 12_000, LAST);
            ram.write(written);
            BitSet harvested = harvest(ram, tracking);
            assertThat(missing(written, harvested)).isEqualTo(bits());
            assertThat(harvested.get(1)).isFalse();
            assertThat(harvested.cardinality()).as("their regions and no more").isLessThanOrEqualTo(3 * REGION_PAGES);
            assertThat(harvest(ram, tracking)).isEqualTo(bits());
            ram.write(bits(4001));
            assertThat(harvest(ram, tracking)).as("tracked from now on").isEqualTo(bits(4001));
        }
    }

    /** Swapped out, for example: a shared page is in no page table then, and still was written. */
    @ParameterizedTest
    @EnumSource
    void shouldFindWhatWasPopulatedAndWhosePageTableEntryIsGone(Kind kind) throws Exception {
        try (TrackedRam ram = TrackedRam.of(kind)) {
            ram.write(bits(1));
            WriteTracking tracking = start(ram);
            ram.write(bits(1, 4000));
            ram.dontNeed(1);
            ram.dontNeed(4000);
            BitSet harvested = harvest(ram, tracking);
            assertThat(harvested.get(1)).isTrue();
            // Of private memory it is as if nothing had ever been there.
            if (kind != Kind.PRIVATE && kind != Kind.PRIVATE_HUGE) {
                assertThat(harvested.get(4000)).isTrue();
            }
        }
    }

    /** A whole region, so that the kernel may free the page table: the zeros that are there now must be sent. */
    @ParameterizedTest
    @EnumSource(names = {"PRIVATE", "PRIVATE_HUGE"})
    void shouldReportDiscardOfWholeRegions(Kind kind) throws Exception {
        try (TrackedRam ram = TrackedRam.of(kind)) {
            KernelTouch.write(ram.page(0), new byte[4 * REGION_PAGES * TrackedRam.PAGE]);
            WriteTracking tracking = start(ram);
            BitSet discarded = new BitSet();
            discarded.set(100, 100 + 2 * REGION_PAGES);
            Syscalls.check(
                    Syscalls.call(28, ram.page(100), 2L * REGION_PAGES * TrackedRam.PAGE, 4), "madvise(DONTNEED)");
            assertThat(missing(discarded, harvest(ram, tracking))).isEqualTo(bits());
            assertThat(harvest(ram, tracking)).isEqualTo(bits());
            ram.write(bits(500));
            assertThat(harvest(ram, tracking)).isEqualTo(bits(500));
        }
    }

    @ParameterizedTest
    @EnumSource
    void shouldNotMissRandomWrites(Kind kind) throws Exception {
        Random random = new Random(11);
        try (TrackedRam ram = TrackedRam.of(kind)) {
            ram.write(bits(5, 6000));
            WriteTracking tracking = start(ram);
            BitSet ever = bits(5, 6000);
            for (int round = 0; round < 8; round++) {
                BitSet written = new BitSet();
                for (int i = 0; i < 40; i++) {
                    int first = random.nextInt(TrackedRam.PAGES);
                    written.set(first, Math.min(TrackedRam.PAGES, first + 1 + random.nextInt(3)));
                }
                ram.write(written);
                BitSet harvested = harvest(ram, tracking);
                assertThat(missing(written, harvested)).isEqualTo(bits());
                ever.or(harvested);
                assertThat(missing(harvested, ever)).isEqualTo(bits());
            }
            assertThat(tracking.trackedBytes())
                    .isLessThanOrEqualTo((long) TrackedRam.PAGES * TrackedRam.PAGE + 2 * (2 << 20));
        }
    }

    private static WriteTracking start(TrackedRam ram) {
        ram.uffd()
                .api(Userfaultfd.FEATURE_WP_ASYNC
                        | Userfaultfd.FEATURE_WP_UNPOPULATED
                        | Userfaultfd.FEATURE_WP_HUGETLBFS_SHMEM);
        long length = (long) TrackedRam.PAGES * TrackedRam.PAGE;
        WriteTracking tracking = ram.file() == null
                ? WriteTracking.ofPrivate(
                        ram.uffd(), ram.pagemap(), ram.memory().address(), length)
                : WriteTracking.ofFile(ram.uffd(), ram.pagemap(), ram.memory().address(), length, ram.file(), 0);
        tracking.start();
        return tracking;
    }

    private static BitSet harvest(TrackedRam ram, WriteTracking tracking) {
        BitSet pages = new BitSet(TrackedRam.PAGES);
        tracking.harvest((start, end) -> pages.set(
                Math.toIntExact((start - ram.memory().address()) / TrackedRam.PAGE),
                Math.toIntExact((end - ram.memory().address()) / TrackedRam.PAGE)));
        return pages;
    }

    private static BitSet missing(BitSet wanted, BitSet from) {
        BitSet missing = (BitSet) wanted.clone();
        missing.andNot(from);
        return missing;
    }
}
