package dev.ferry.precopy;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class StopRuleTest {
    private static final long MIB = 1 << 20;
    private final StopRule rule = new StopRule(3, 1000);

    @Test
    void shouldGoOnWhileARoundLeavesClearlyLess() {
        assertThat(rule.afterRound(1, 50 * MIB, 100 * MIB, 10)).isEmpty();
    }

    @Test
    void shouldStopByTheRuleThatItNames() {
        assertThat(rule.afterRound(1, 4 * MIB, 100 * MIB, 10)).contains("converged");
        assertThat(rule.afterRound(1, 71 * MIB, 100 * MIB, 10)).contains("not converging");
        assertThat(rule.afterRound(3, 50 * MIB, 100 * MIB, 10)).contains("round limit");
        assertThat(rule.afterRound(1, 50 * MIB, 100 * MIB, 1000)).contains("time limit");
    }
}
