package dev.ferry.system;

import static org.assertj.core.api.Assertions.assertThat;

import dev.ferry.v1.Policy;
import java.util.Objects;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The same on the QEMU of backports, which bin/test fetches; and from the distribution's to it. */
@Tag("backports")
class BackportsTest {
    private static final String EMULATOR =
            Objects.requireNonNull(System.getenv("FERRY_TEST_QEMU_BACKPORTS"), "run bin/test, which fetches that QEMU");
    private static final String LOAD = "rate=5000 write=20 pattern=random";

    @ParameterizedTest
    @ValueSource(strings = {"private", "memfd", "shared"})
    void shouldMoveAGuestWhateverItsMemoryIsMadeOf(String backing) throws Exception {
        try (Lab lab = new Lab()) {
            String toml = "emulator = \"" + EMULATOR + "\"\nbacking = \"" + backing + "\"\n"
                    + VerifyingGuest.toml("v1", "tcg", "256MiB", 2, LOAD, "");
            VerifyingGuest guest = lab.runOnA(toml, "v1");
            lab.move(guest, lab.a, lab.b, Policy.getDefaultInstance());
            guest.awaitTick();
            guest.verify();
            assertThat(guest.verifyFromOutside().pages()).isGreaterThan(60_000);
            guest.reset();
            guest.verify();
            lab.move(guest, lab.b, lab.a, Policy.getDefaultInstance());
            guest.verify();
        }
    }
}
