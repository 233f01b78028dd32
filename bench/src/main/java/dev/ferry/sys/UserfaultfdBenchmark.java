package dev.ferry.sys;

import java.nio.ByteBuffer;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/**
 * A minor fault: one thread touches a page, another reads the event and answers with UFFDIO_CONTINUE. The touch is a system
 * call's, since no Java thread may wait for a page outside of one.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
public class UserfaultfdBenchmark {
    private static final int PAGES = 4096;
    private static final int PAGE = PageSize.BASE;
    private static final long LENGTH = (long) PAGES * PAGE;

    private final ByteBuffer events = NativeBuffer.allocate(16 * Userfaultfd.EVENT_SIZE_BYTES);
    private final ByteBuffer content = NativeBuffer.allocate(PAGE);
    private RamFile file;
    private RamFile touched;
    private Mapping memory;
    private Userfaultfd uffd;
    private EventFd stop;
    private Thread pager;

    @Setup
    public void open() {
        file = MemFd.create("uffd-benchmark", LENGTH);
        touched = MemFd.create("uffd-benchmark-touch", PAGE);
        memory = Mapping.shared(file.fd(), LENGTH);
        uffd = Userfaultfd.create();
        uffd.api(Userfaultfd.FEATURE_MISSING_SHMEM | Userfaultfd.FEATURE_MINOR_SHMEM);
        uffd.register(memory.address(), LENGTH, Userfaultfd.MODE_MISSING | Userfaultfd.MODE_MINOR);
        stop = EventFd.create();
        pager = new Thread(this::serve, "pager");
        pager.start();
    }

    /** Every page is in the file and none is mapped. */
    @Setup(Level.Invocation)
    public void arm() {
        file.punch(0, LENGTH);
        for (int page = 0; page < PAGES; page++) {
            file.write((long) page * PAGE, NativeBuffer.address(content), PAGE);
        }
    }

    @Benchmark
    @OperationsPerInvocation(PAGES)
    public void faultAndContinue() {
        for (int page = 0; page < PAGES; page++) {
            touched.read(0, memory.address() + (long) page * PAGE, 1);
        }
    }

    /** The same system call where no fault is: to be taken off. */
    @Benchmark
    @OperationsPerInvocation(PAGES)
    public void touchAlone() {
        for (int page = 0; page < PAGES; page++) {
            touched.read(0, NativeBuffer.address(content), 1);
        }
    }

    private void serve() {
        for (int n = 0; n >= 0 && !stop.clear(); n = uffd.readEvents(events, -1, stop.raw())) {
            for (int i = 0; i < n; i++) {
                uffd.continueRange(Userfaultfd.pagefaultAddress(events, i), PAGE);
            }
        }
    }

    @TearDown
    public void close() throws InterruptedException {
        stop.signal();
        pager.join();
        uffd.close();
        memory.close();
        touched.close();
        file.close();
        stop.close();
    }
}
