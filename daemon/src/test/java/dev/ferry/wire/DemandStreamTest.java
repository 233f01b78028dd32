package dev.ferry.wire;

import static org.assertj.core.api.Assertions.assertThat;

import dev.ferry.memory.RamBlock;
import dev.ferry.migration.DemandSource;
import io.grpc.ClientCall;
import io.grpc.Metadata;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;

/** A destination that asks for pages and does not read them. */
class DemandStreamTest {
    private static final int PAGE = 4096;

    private final Call call = new Call();
    private final List<Long> read = new ArrayList<>();
    private final DemandStream stream = new DemandStream(call, new Source(), 7, 1, "there", broken -> {});

    private final class Source implements DemandSource {
        @Override
        public RamBlock block(int index) {
            return new RamBlock(index, "ram", 1L << 30, PAGE, true);
        }

        @Override
        public boolean read(RamBlock block, long firstPage, int count, ByteBuffer into) {
            read.add(firstPage);
            return true;
        }
    }

    /** As much of gRPC's as is used here: it says whether what was sent is on the wire. */
    private static final class Call extends ClientCall<PageFrame, PageFrame> {
        private boolean ready = true;
        private String cancelled = "";
        private final List<Long> sent = new ArrayList<>();

        @Override
        public void start(Listener<PageFrame> listener, Metadata headers) {}

        @Override
        public void request(int messages) {}

        @Override
        public void cancel(String message, Throwable cause) {
            cancelled = message + ": " + cause.getMessage();
        }

        @Override
        public void halfClose() {}

        @Override
        public void sendMessage(PageFrame message) {
            sent.add(message.sequence);
        }

        @Override
        public boolean isReady() {
            return ready;
        }
    }

    private void ask(long sequence) {
        PageFrame request = new PageFrame();
        request.migration = 7;
        request.epoch = 1;
        request.sequence = sequence;
        request.runs.add(sequence, 1, true);
        stream.onMessage(request);
    }

    @Test
    void shouldAnswerAtOnceWhileAnswersAreRead() {
        ask(1);
        ask(2);
        assertThat(call.sent).containsExactly(1L, 2L);
        assertThat(stream.bytesSent()).isPositive();
    }

    @Test
    void shouldReadNoPageBeforeTheLastAnswersAreOnTheWire() {
        call.ready = false;
        LongStream.rangeClosed(1, 3).forEach(this::ask);
        assertThat(read).isEmpty();
        call.ready = true;
        ask(4);
        assertThat(call.sent).as("in order").isEmpty();
        stream.onReady();
        assertThat(call.sent).containsExactly(1L, 2L, 3L, 4L);
        assertThat(read).containsExactly(1L, 2L, 3L, 4L);
        ask(5);
        assertThat(call.sent).endsWith(5L);
    }

    @Test
    void shouldEndWithWhoAsksAndDoesNotRead() {
        call.ready = false;
        LongStream.rangeClosed(1, 4096).forEach(this::ask);
        assertThat(call.cancelled).isEmpty();
        ask(4097);
        assertThat(call.cancelled).contains("more than 4096 page requests");
        call.ready = true;
        stream.onReady();
        assertThat(read).isEmpty();
    }
}
