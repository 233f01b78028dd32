package dev.ferry.pager;

import static org.assertj.core.api.Assertions.assertThat;

import dev.ferry.memory.RamBlock;
import dev.ferry.qemu.QemuRamBlock;
import dev.ferry.qemu.QemuRamBlock.Backing;
import dev.ferry.qemu.QemuRamBlock.Kind;
import dev.ferry.sys.FaultingRam;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Against the kernel: a thread waits for a page, and gets it. */
@Tag("kernel")
@Timeout(60)
class UffdPagesTest {
    private static final int PAGE = FaultingRam.PAGE_BYTES;
    private static final int HUGE = FaultingRam.HUGE_PAGE_BYTES;
    private static final int PAGES = 1024;

    @Test
    void shouldMapAZeroPageWhereTheFileHasAHole() throws Exception {
        try (FaultingRam ram = FaultingRam.onTmpfs("size=16m", (long) PAGES * PAGE)) {
            assertZeroServed(ram, PAGE, 3);
        }
    }

    /** UFFDIO_ZEROPAGE says EEXIST there, for ever: the page is in the file and not mapped. */
    @ParameterizedTest
    @ValueSource(strings = {"size=16m", "size=16m,huge=always"})
    void shouldMapAZeroPageThatIsInTheFile(String options) throws Exception {
        try (FaultingRam ram = FaultingRam.onTmpfs(options, (long) PAGES * PAGE)) {
            if (options.contains("huge")) {
                pages(ram, PAGE).write(block(ram, PAGE), 0, 1, filled(PAGE, 1), 0);
            } else {
                pages(ram, PAGE).write(block(ram, PAGE), 3, 1, filled(PAGE, 0), 0);
            }
            assertThat(ram.file().nextData(3L * PAGE)).as("in the file").isEqualTo(3L * PAGE);
            assertZeroServed(ram, PAGE, 3);
        }
    }

    /** Here system calls touch them, which get EFAULT where a program gets SIGBUS. */
    @Test
    void shouldPoisonWhatIsNotMappedAndWakeWhoWaits() throws Exception {
        try (FaultingRam ram = FaultingRam.onTmpfs("size=16m", (long) PAGES * PAGE)) {
            UffdPages pages = pages(ram, PAGE);
            RamBlock block = block(ram, PAGE);
            pages.write(block, 5, 2, filled(2 * PAGE, 9), 0);
            pages.map(block, 5, 1);
            CompletableFuture<byte[]> waiter = ram.readLater(3L * PAGE, PAGE);
            assertThat(block.pageAt(ram.awaitFault())).isEqualTo(3);
            pages.poison(block, 0, PAGES);
            assertThat(waiter).failsWithin(Duration.ofSeconds(10));
            pages.poison(block, 0, PAGES);
            assertThat(ram.readLater(5L * PAGE, PAGE).get(10, TimeUnit.SECONDS)).containsOnly(9);
            assertThat(ram.readLater(6L * PAGE, PAGE))
                    .as("what is in the file, but was not mapped")
                    .failsWithin(Duration.ofSeconds(10));
            assertThat(ram.faults()).isZero();
        }
    }

    @Test
    void shouldFillAHoleOfHugetlbfs() throws Exception {
        try (FaultingRam ram = FaultingRam.onHugePages(4)) {
            assertZeroServed(ram, HUGE, 1);
            // Once more: somebody else may have mapped it.
            pages(ram, HUGE).mapZero(block(ram, HUGE), 1);
        }
    }

    @Test
    void shouldMapHugePagesWhole() throws Exception {
        try (FaultingRam ram = FaultingRam.onHugePages(4)) {
            UffdPages pages = pages(ram, HUGE);
            RamBlock block = block(ram, HUGE);
            pages.write(block, 0, 1, filled(HUGE, 7), 0);
            pages.write(block, 1, 1, filled(HUGE, 8), 0);
            pages.mapZero(block, 2);
            pages.writeZeros(block, 1, 1);
            CompletableFuture<byte[]> reader = ram.readLater(HUGE + 5L * PAGE, PAGE);
            assertThat(block.pageAt(ram.awaitFault())).isEqualTo(1);
            pages.map(block, 0, 3);
            assertThat(reader.get(10, TimeUnit.SECONDS)).containsOnly(0);
            assertThat(ram.readLater(HUGE - PAGE, PAGE).get(10, TimeUnit.SECONDS))
                    .containsOnly(7);
            assertThat(ram.faults()).isZero();
            pages.mapAhead(block, 0, 4);
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void shouldPassOverWhatIsGone(boolean ahead) throws Exception {
        try (FaultingRam ram = FaultingRam.onTmpfs("size=16m", (long) PAGES * PAGE)) {
            UffdPages pages = pages(ram, PAGE);
            RamBlock block = block(ram, PAGE);
            pages.write(block, 0, 16, filled(16 * PAGE, 9), 0);
            ram.replace(5L * PAGE, 3L * PAGE);
            if (ahead) {
                pages.mapAhead(block, 0, 16);
            } else {
                pages.map(block, 0, 16);
            }
            // What is before the gap is left to its faults by one that only maps ahead.
            for (int page : ahead ? new int[] {8, 15} : new int[] {0, 4, 8, 15}) {
                assertThat(ram.readLater((long) page * PAGE, PAGE).get(10, TimeUnit.SECONDS))
                        .containsOnly(9);
            }
            assertThat(ram.faults()).isZero();
            pages.mapZero(block, 6);
            UffdPages.unregister(ram.uffd(), List.of(ramBlock(ram, PAGE)));
        }
    }

    private static void assertZeroServed(FaultingRam ram, int pageBytes, long page) throws Exception {
        CompletableFuture<byte[]> reader = ram.readLater(page * pageBytes + pageBytes - PAGE, PAGE);
        RamBlock block = block(ram, pageBytes);
        assertThat(block.pageAt(ram.awaitFault())).isEqualTo(page);
        pages(ram, pageBytes).mapZero(block, page);
        assertThat(reader.get(10, TimeUnit.SECONDS)).containsOnly(0);
    }

    private static UffdPages pages(FaultingRam ram, int pageBytes) {
        return new UffdPages(ram.uffd(), List.of(ramBlock(ram, pageBytes)), List.of(ram.file()));
    }

    private static QemuRamBlock ramBlock(FaultingRam ram, int pageBytes) {
        return new QemuRamBlock(block(ram, pageBytes), ram.address(), new Backing(Kind.FILE, "", 0, false));
    }

    private static RamBlock block(FaultingRam ram, int pageBytes) {
        return new RamBlock(0, "ram", ram.file().lengthBytes(), pageBytes, true);
    }

    private static ByteBuffer filled(int bytes, int value) {
        ByteBuffer buffer = ByteBuffer.allocateDirect(bytes);
        while (buffer.hasRemaining()) {
            buffer.put((byte) value);
        }
        return buffer;
    }
}
