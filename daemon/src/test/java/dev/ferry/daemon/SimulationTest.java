package dev.ferry.daemon;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import dev.ferry.migration.FaultPoint;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.slf4j.LoggerFactory;

/**
 * The two state machines, the journal and the page protocol under many schedules of loss, delay, repetition, cuts, kills and restarts: see
 * {@link SimWorld}. A schedule that fails is named by its seed; {@code -Dferry.sim.seed=N} runs that one alone and prints it.
 */
class SimulationTest {
    private static final int SCHEDULES = 100_000;
    private static final int SCHEDULES_PER_BUG = 4_000;

    private static Level before;

    /** What the state machines log in a hundred thousand moves helps nobody. */
    @BeforeAll
    static void beQuiet() {
        Logger logger = (Logger) LoggerFactory.getLogger("dev.ferry");
        before = logger.getLevel();
        logger.setLevel(Level.OFF);
    }

    @AfterAll
    static void speakAgain() {
        ((Logger) LoggerFactory.getLogger("dev.ferry")).setLevel(before);
    }

    private static ByteBuffer pages() {
        return ByteBuffer.allocateDirect(1 << 20);
    }

    @Test
    void shouldKeepEveryPromiseInEverySchedule() throws Exception {
        Long only = Long.getLong("ferry.sim.seed");
        if (only != null) {
            new SimWorld(only, SimWorld.Bug.NONE, pages()).run();
            return;
        }
        int count = Integer.getInteger("ferry.sim.schedules", SCHEDULES);
        AtomicLong next = new AtomicLong();
        AtomicLong struck = new AtomicLong();
        Set<FaultPoint> killedAt = ConcurrentHashMap.newKeySet();
        List<Throwable> failures = new ArrayList<>();
        List<Thread> threads = new ArrayList<>();
        for (int t = 0; t < Runtime.getRuntime().availableProcessors(); t++) {
            Thread thread = new Thread(() -> {
                ByteBuffer buffer = pages();
                for (long seed = next.getAndIncrement(); seed < count; seed = next.getAndIncrement()) {
                    try {
                        SimWorld.Result result = new SimWorld(seed, SimWorld.Bug.NONE, buffer).run();
                        struck.addAndGet(result.struck());
                        killedAt.addAll(result.killedAt());
                    } catch (Throwable e) {
                        synchronized (failures) {
                            failures.add(e);
                        }
                        next.set(count);
                    }
                }
            });
            thread.start();
            threads.add(thread);
        }
        for (Thread thread : threads) {
            thread.join();
        }
        if (!failures.isEmpty()) {
            throw new AssertionError("replay with -Dferry.sim.seed", failures.get(0));
        }
        System.out.println(count + " schedules, " + struck + " faults struck");
        assertThat(struck.get()).isGreaterThan(count);
        assertThat(killedAt).as("boundaries at which a daemon was killed").contains(FaultPoint.values());
    }

    @ParameterizedTest
    @EnumSource(value = SimWorld.Bug.class, mode = EnumSource.Mode.EXCLUDE, names = "NONE")
    void shouldFindABugThatWasPlanted(SimWorld.Bug bug) {
        ByteBuffer buffer = pages();
        for (long seed = 0; seed < SCHEDULES_PER_BUG; seed++) {
            try {
                new SimWorld(seed, bug, buffer).run();
            } catch (SimWorld.Violation e) {
                System.out.println(
                        bug + ": found by " + e.getMessage().lines().findFirst().orElseThrow());
                return;
            }
        }
        throw new AssertionError(bug + " was not found in " + SCHEDULES_PER_BUG + " schedules");
    }
}
