package dev.ferry.migration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.ferry.base.ErrorCategory;
import dev.ferry.base.FerryException;
import dev.ferry.memory.RamBlock;
import java.lang.reflect.Proxy;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** A host with 100 MiB. */
class ReservationsTest {
    private static final long MIB = 1 << 20;
    private static final long TTL_NS = TimeUnit.SECONDS.toNanos(60);

    private long nowNs;
    private long arriving;
    private boolean takenAtOnce;
    private boolean awaited;

    private final GuestHost host = (GuestHost) Proxy.newProxyInstance(
            GuestHost.class.getClassLoader(),
            new Class<?>[] {GuestHost.class},
            (self, method, arguments) -> switch (method.getName()) {
                case "memoryRoom" -> Optional.of(new MemoryRoom(100 * MIB, takenAtOnce));
                case "isAwaited" -> awaited;
                default -> throw new AssertionError(method);
            });
    private final Reservations reservations = new Reservations(host, () -> arriving, () -> nowNs, () -> 5);

    private static IncomingSpec spec(long id, String guest, long mib, String reservation) {
        RamBlock ram = new RamBlock(0, "ram", mib * MIB, 4096, true);
        RamBlock rom = new RamBlock(1, "rom", 200 * MIB, 4096, false);
        return new IncomingSpec(
                id, 1, guest, "{}", "7.2", "pc", List.of(ram, rom), "there", LostPagePolicy.defaults(), reservation);
    }

    private String reserve(String guest, long mib) {
        return reservations.reserve(guest, mib * MIB, TTL_NS, "").id();
    }

    private List<String> against(IncomingSpec spec) {
        return reservations.against(spec).stream().map(Reason::code).toList();
    }

    private static void assertRefused(Throwable e, ErrorCategory category, String reason) {
        assertThat(((FerryException) e).category()).isEqualTo(category);
        assertThat(((FerryException) e).reason()).isEqualTo(reason);
    }

    @Test
    void shouldNotPromiseTheSameMemoryTwice() {
        String first = reserve("a", 60);
        assertThatThrownBy(() -> reserve("b", 41))
                .hasMessageContaining("nothing was reserved")
                .hasMessageContaining("40 MiB are left")
                .satisfies(e -> assertRefused(e, ErrorCategory.FAILED_PRECONDITION, "DESTINATION_MEMORY"));
        reserve("b", 40);
        assertThat(reservations.capacity().availableBytes()).isZero();
        assertThat(reservations.capacity().reservedBytes()).isEqualTo(100 * MIB);
        reservations.release(first);
        assertThat(reservations.capacity().availableBytes()).isEqualTo(60 * MIB);
    }

    @Test
    void shouldCountReservationsOfOthersInAChecksAnswer() {
        String mine = reserve("a", 60);
        assertThat(against(spec(1, "a", 60, mine))).isEmpty();
        assertThat(against(spec(1, "a", 60, ""))).containsExactly("DESTINATION_MEMORY");
        assertThat(against(spec(2, "b", 40, ""))).isEmpty();
        assertThat(against(spec(2, "b", 41, ""))).containsExactly("DESTINATION_MEMORY");
    }

    @Test
    void shouldCountWhatGuestsStillHaveToBring() {
        arriving = 30 * MIB;
        assertThat(against(spec(1, "a", 71, ""))).containsExactly("DESTINATION_MEMORY");
        assertThat(against(spec(1, "a", 70, ""))).isEmpty();
        takenAtOnce = true; // huge pages: no longer among the free ones
        assertThat(against(spec(1, "a", 71, ""))).isEmpty();
    }

    @Test
    void shouldAskNoMemoryForAGuestThatIsAwaited() {
        reserve("b", 100);
        awaited = true;
        assertThat(against(spec(1, "a", 71, ""))).isEmpty();
    }

    @Test
    void shouldLetGoWhenTheTimeIsOver() {
        String id = reserve("a", 100);
        nowNs = TTL_NS - 1;
        assertThat(reservations.reservations()).hasSize(1);
        nowNs = TTL_NS;
        assertThat(reservations.reservations()).isEmpty();
        assertThatThrownBy(() -> reservations.release(id))
                .satisfies(e -> assertRefused(e, ErrorCategory.NOT_FOUND, "RESERVATION_UNKNOWN"));
        assertThat(against(spec(1, "a", 60, id))).containsExactly("RESERVATION_UNKNOWN");
    }

    @Test
    void shouldUseAReservationUpOnlyWhenTheGuestArrives() {
        IncomingSpec spec = spec(1, "a", 60, reserve("a", 60));
        reservations.claim(spec);
        reservations.givenUp(spec);
        assertThat(reservations.reservations()).hasSize(1);
        reservations.claim(spec);
        reservations.settled(spec);
        assertThat(reservations.reservations()).isEmpty();
        assertThatThrownBy(() -> reservations.claim(spec)).hasMessageContaining("RESERVATION_UNKNOWN");
    }

    @Test
    void shouldHoldMemoryWhileAnArrivalBeginsThoughItsReservationExpires() {
        IncomingSpec spec = spec(1, "a", 60, reserve("a", 60));
        reservations.claim(spec);
        nowNs = TTL_NS;
        assertThatThrownBy(() -> reserve("b", 41)).hasMessageContaining("40 MiB are left");
        reserve("b", 40);
        reservations.givenUp(spec);
        assertThat(reservations.reservations()).as("only that of b").hasSize(1);
    }

    @Test
    void shouldHoldMemoryWhileAnArrivalWithoutReservationBegins() {
        IncomingSpec first = spec(1, "a", 60, "");
        reservations.claim(first);
        assertThatThrownBy(() -> reservations.claim(spec(2, "b", 60, ""))).hasMessageContaining("DESTINATION_MEMORY");
        reservations.givenUp(first);
        reservations.claim(spec(2, "b", 60, ""));
    }

    @Test
    void shouldRefuseAReservationOfAnotherGuestOrSize() {
        String id = reserve("a", 50);
        assertThat(against(spec(1, "b", 50, id))).containsExactly("RESERVATION_MISMATCH");
        assertThat(against(spec(1, "a", 51, id))).containsExactly("RESERVATION_MISMATCH");
    }

    @Test
    void shouldAnswerTheSameRequestWithTheSameReservation() {
        String id = reservations.reserve("a", MIB, TTL_NS, "r").id();
        assertThat(reservations.reserve("a", MIB, TTL_NS, "r").id()).isEqualTo(id);
        assertThatThrownBy(() -> reservations.reserve("a", 2 * MIB, TTL_NS, "r"))
                .satisfies(e -> assertRefused(e, ErrorCategory.INVALID_ARGUMENT, "REQUEST_ID_REUSED"));
        assertThat(reservations.reservations()).hasSize(1);
    }

    @Test
    void shouldNotOverflow() {
        assertThatThrownBy(() -> reservations.reserve("a", Long.MAX_VALUE, TTL_NS, ""))
                .hasMessageContaining("nothing was reserved");
    }
}
