package dev.ferry.pager;

import com.code_intelligence.jazzer.junit.FuzzTest;
import dev.ferry.base.FerryException;
import dev.ferry.base.NanoClock;
import dev.ferry.memory.PageBitmap;
import dev.ferry.memory.RamBlock;
import dev.ferry.postcopy.ArrivalMemory;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.params.provider.MethodSource;

/** What an earlier daemon wrote down of an arrival, damaged: refused by name, or bitmaps whose counts agree with their bits. */
class PageStateFuzzTest {
    /** Not a whole number of words. */
    private static final List<RamBlock> BLOCKS = List.of(new RamBlock(0, "pc.ram", 70L << 12, 1 << 12, true));

    private static final int BITMAP_BYTES = 16;

    static Stream<byte[]> bitmaps() {
        byte[] all = new byte[2 * BITMAP_BYTES];
        Arrays.fill(all, (byte) -1);
        return Stream.of(new byte[2 * BITMAP_BYTES], all, new byte[BITMAP_BYTES], new byte[5]);
    }

    @MethodSource("bitmaps")
    @FuzzTest
    void bitmaps(byte[] bytes) throws IOException {
        Path directory = Files.createTempDirectory("ferry-fuzz");
        try {
            int half = Math.min(bytes.length, BITMAP_BYTES);
            Files.write(directory.resolve("valid.0"), Arrays.copyOf(bytes, half));
            Files.write(directory.resolve("written.0"), Arrays.copyOfRange(bytes, half, bytes.length));
            PageStateFile state;
            try {
                state = PageStateFile.open(directory, BLOCKS);
            } catch (FerryException e) {
                return;
            }
            check(state.valid()[0]);
            check(state.written()[0]);
            ArrivalMemory memory =
                    new ArrivalMemory(BLOCKS, state.valid(), state.written(), new NoPages(), NanoClock.system());
            long[] missing = new long[1];
            memory.forEachMissing(BLOCKS.get(0), (first, n) -> missing[0] += n);
            if (memory.missingPages() != missing[0] || memory.isComplete() != (missing[0] == 0)) {
                throw new AssertionError(memory.missingPages() + " missing pages, not " + missing[0]);
            }
        } finally {
            PageStateFile.removeIfPresent(directory);
        }
    }

    private static void check(PageBitmap bitmap) {
        long set = 0;
        for (long page = 0; page < bitmap.pageCount(); page++) {
            set += bitmap.get(page) ? 1 : 0;
        }
        if (bitmap.cardinality() != set) {
            throw new AssertionError(bitmap.cardinality() + " pages are counted, " + set + " are set");
        }
        bitmap.setRange(0, bitmap.pageCount());
        if (bitmap.nextClear(0) >= 0 || bitmap.cardinality() != bitmap.pageCount()) {
            throw new AssertionError("not full");
        }
    }

    static Stream<byte[]> records() {
        String block = "{\"index\":0,\"name\":\"ram\",\"lengthBytes\":4096,\"pageSizeBytes\":4096,\"guestRam\":true}";
        String head = "{\"guest\":\"db1\",\"pid\":5,\"startTime\":7,\"qmpSocket\":\"/q\",\"attached\":false,"
                + "\"definition\":\"{}\",\"ramFiles\":[\"/dev/shm/a\"],\"remoteFd\":9,\"blocks\":[";
        return Stream.of(
                        head + block + "],\"hostAddresses\":[4096]}",
                        head + block + "],\"hostAddresses\":[4096],\"ramIdentities\":[\"26:5\"]}",
                        head + block + "],\"hostAddresses\":[4096],\"ramIdentities\":[\"26:5\",\"26:6\"]}",
                        head + block + "],\"hostAddresses\":[4096],\"ramIdentities\":[null]}",
                        head + block + "],\"hostAddresses\":[]}",
                        head + block + "," + block + "],\"hostAddresses\":[1,2]}",
                        head + block.replace("\"index\":0", "\"index\":7") + "],\"hostAddresses\":[1]}",
                        head + "null],\"hostAddresses\":[null]}",
                        "null",
                        "{}",
                        "",
                        "[".repeat(3000))
                .map(t -> t.getBytes(StandardCharsets.UTF_8));
    }

    /** Whoever goes on with the arrival looks its blocks up by their numbers. */
    @MethodSource("records")
    @FuzzTest
    void arrivalRecord(byte[] bytes) throws IOException {
        Path directory = Files.createTempDirectory("ferry-fuzz");
        try {
            Files.write(directory.resolve("arrival.json"), bytes);
            ArrivalRecord record;
            try {
                record = ArrivalRecord.read(directory);
            } catch (FerryException e) {
                return;
            }
            for (RamBlock block : record.ram()) {
                if (!record.blocks().get(block.index()).equals(block)) {
                    throw new AssertionError("block " + block + " in the wrong place");
                }
                record.hostAddresses().get(block.index());
                record.isFileOf(block, "");
            }
            if (record.guest() == null || record.qmpSocket() == null) {
                throw new AssertionError(record);
            }
        } finally {
            PageStateFile.removeIfPresent(directory);
        }
    }
}
