package dev.ferry.precopy;

import static org.assertj.core.api.Assertions.assertThat;

import dev.ferry.memory.PageBitmap;
import dev.ferry.memory.RamBlock;
import dev.ferry.memory.RunList;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Connections that are lost in the middle of pre-copy, under a guest that writes: whatever was lost on the way, no page that
 * counts as valid at the switch is an older version. One page of content is its version.
 */
class PrecopyRestartTest {
    private static final int PAGE = 4096;
    private static final List<RamBlock> BLOCKS = List.of(
            new RamBlock(0, "pc.ram", 512L * PAGE, PAGE, true), new RamBlock(1, "vga", 16L * PAGE, PAGE, false));

    private static final class Lost extends RuntimeException {
        private static final long serialVersionUID = 1L;
    }

    @SuppressWarnings("ArrayRecordComponent")
    private record Frame(int block, long firstPage, int[] versions) {}

    private final int[][] guest = {new int[512], new int[16]};
    private final int[][] there = {new int[512], new int[16]};
    private final PageBitmap[] dirty = {PageBitmap.allocate(512), PageBitmap.allocate(16)};
    private final PageBitmap[] valid = {PageBitmap.allocate(512), PageBitmap.allocate(16)};
    private SplittableRandom random;
    private int version;
    private int losses;
    private int placedOnOldStreams;

    private void guestWrites() {
        int b = random.nextInt(8) == 0 ? 1 : 0;
        int page = random.nextInt(guest[b].length / 2);
        guest[b][page] = random.nextInt(6) == 0 ? 0 : ++version;
        dirty[b].set(page);
    }

    private final SourceMemory memory = new SourceMemory() {
        @Override
        public void startTracking() {}

        @Override
        public void forEachPopulated(RamBlock block, PageBitmap.RunConsumer consumer) {
            for (int p = 0; p < guest[block.index()].length; p++) {
                if (guest[block.index()][p] != 0) {
                    consumer.accept(p, 1);
                }
            }
        }

        @Override
        public void harvest(RamBlock block, PageBitmap.RunConsumer consumer) {
            PageBitmap bits = dirty[block.index()];
            bits.forEachSetRun(0, block.pageCount(), block.pageCount(), consumer);
            bits.clearRange(0, block.pageCount());
        }

        @Override
        public void read(RamBlock block, long firstPage, int pages, ByteBuffer into, int index) {
            for (int p = 0; p < pages; p++) {
                int content = guest[block.index()][(int) firstPage + p];
                for (int i = 0; i < PAGE; i += 4) {
                    into.putInt(index + p * PAGE + i, content);
                }
            }
        }

        @Override
        public void stopTracking() {}
    };

    /** What was sent arrives later, or never. */
    private final class Stream implements PageSink {
        private final Deque<Frame> underWay = new ArrayDeque<>();

        @Override
        public void send(RamBlock block, RunList runs, ByteBuffer data, int dataBytes) {
            int at = 0;
            for (int i = 0; i < runs.size(); i++) {
                int[] versions = new int[(int) runs.pageCount(i)];
                for (int p = 0; p < versions.length && !runs.isZero(i); p++) {
                    versions[p] = data.getInt(at);
                    at += PAGE;
                }
                underWay.add(new Frame(block.index(), runs.firstPage(i), versions));
            }
            for (int n = random.nextInt(40); n > 0; n--) {
                guestWrites();
            }
            while (underWay.size() > 6 || (!underWay.isEmpty() && random.nextInt(3) == 0)) {
                place();
            }
            breakSometimes(12);
        }

        private void breakSometimes(int oneIn) {
            if (losses > 0 && random.nextInt(oneIn) == 0) {
                losses--;
                throw new Lost();
            }
        }

        void place() {
            Frame f = underWay.remove();
            for (int p = 0; p < f.versions.length; p++) {
                there[f.block][(int) f.firstPage + p] = f.versions[p];
            }
            valid[f.block].setRange(f.firstPage, f.versions.length);
        }

        @Override
        public void awaitPlaced() {
            breakSometimes(3);
            while (!underWay.isEmpty()) {
                place();
            }
            breakSometimes(6); // the word that it is placed is lost
        }

        @Override
        public long bytesSent() {
            return 0;
        }
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8})
    void shouldNeverLeaveAnOlderVersionValid(long seeds) {
        int recovered = 0;
        for (long seed = seeds * 1_000; seed < seeds * 1_000 + 250; seed++) {
            recovered += move(seed);
        }
        assertThat(recovered).as("connections that were lost").isGreaterThan(250);
        assertThat(placedOnOldStreams).as("pages that came after the loss").isPositive();
    }

    /** @return connections that were lost */
    private int move(long seed) {
        random = new SplittableRandom(seed);
        for (int b = 0; b < 2; b++) {
            Arrays.fill(there[b], 0);
            Arrays.fill(guest[b], 0);
            valid[b].clearRange(0, guest[b].length);
        }
        for (int i = 0; i < 300; i++) {
            guestWrites();
        }
        losses = random.nextInt(6);
        int lost = 0;
        SentPages sent = new SentPages(BLOCKS);
        Stream stream = new Stream();
        long[] now = {0};
        Precopy precopy = new Precopy(
                memory,
                stream,
                sent,
                new PageSender(memory, stream, PAGE),
                new Pacer(() -> now[0], 0),
                new StopRule(1 + random.nextInt(4), Long.MAX_VALUE / 4),
                new Commands() {
                    @Override
                    public void throwIfCancelled() {}

                    @Override
                    public boolean switchRequested() {
                        return random.nextInt(400) == 0;
                    }
                },
                new PrecopyProgress() {
                    @Override
                    public void roundBegins(int round, long toSendBytes) {}

                    @Override
                    public void sent(long pages, long zeroPages, long bytes) {}

                    @Override
                    public void dirtySync(long dirtyBytes, long roundNs) {}

                    @Override
                    public void stopped(String rule) {}
                },
                () -> now[0]);
        while (true) {
            try {
                precopy.run();
                break;
            } catch (Lost e) {
                lost++;
                // What the destination's old event loop still places before the next stream is open.
                while (!stream.underWay.isEmpty() && random.nextInt(4) > 0) {
                    stream.place();
                    placedOnOldStreams++;
                }
                stream = new Stream();
                precopy.restart(stream);
                distrustMissing(sent);
            }
        }
        precopy.dirtySync();
        for (RamBlock block : BLOCKS) {
            sent.forEachStale(block, (first, pages) -> valid[block.index()].clearRange(first, pages));
        }
        sent.forEachUnsent(BLOCKS.get(1), (first, pages) -> {
            System.arraycopy(guest[1], (int) first, there[1], (int) first, (int) pages);
            valid[1].setRange(first, pages);
        });
        for (int b = 0; b < 2; b++) {
            for (int p = 0; p < guest[b].length; p++) {
                if (b == 1 || valid[b].get(p)) {
                    assertThat(there[b][p])
                            .as(
                                    "seed %d, %d lost, page %d of %s",
                                    seed, lost, p, BLOCKS.get(b).name())
                            .isEqualTo(guest[b][p]);
                } else {
                    // It is fetched after the switch, and the push must know that.
                    assertThat(sent.nextUnsent(BLOCKS.get(b), p))
                            .as("seed %d", seed)
                            .isEqualTo(p);
                }
            }
        }
        return lost;
    }

    private void distrustMissing(SentPages sent) {
        PageBitmap v = valid[0];
        for (long p = v.nextClear(0); p >= 0; p = v.nextClear(p + 1)) {
            sent.distrust(BLOCKS.get(0), p, 1);
            if (p + 1 >= BLOCKS.get(0).pageCount()) {
                break;
            }
        }
    }
}
