package dev.ferry.sys;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.ferry.base.FerryException;
import java.nio.ByteBuffer;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

final class MappedFileTest {
    private static final int PID = Math.toIntExact(ProcessHandle.current().pid());

    @Test
    @Tag("kernel")
    void shouldOpenWhatIsMeantAndHasNoName() {
        ByteBuffer page = NativeBuffer.allocate(PageSize.BASE);
        try (RamFile file = MemFd.create("ram", 8 * PageSize.BASE);
                Mapping mapping = file.mapRaw()) {
            long from = mapping.address();
            String path = "/proc/" + PID + "/map_files/" + Long.toHexString(from) + "-"
                    + Long.toHexString(from + mapping.lengthBytes());
            try (RamFile opened = MappedFile.open(PID, from, path, file.identity()::equals)) {
                assertThat(opened.identity()).isEqualTo(file.identity());
                opened.write(0, NativeBuffer.address(page), PageSize.BASE);
            }
            assertThat(file.nextData(0)).isZero();
            assertThatThrownBy(() -> MappedFile.open(PID, from, path, "1:2"::equals))
                    .isInstanceOf(FerryException.class)
                    .hasMessageContaining(file.identity());
        }
    }

    /** As the kernel packs them for stat(2); hosts with many containers have minors beyond a byte. */
    @Test
    void shouldNameADeviceAsMapsDoes() {
        assertThat(new FileStatus(0x1a, 1, 0, 1).mapsDevice()).isEqualTo("00:1a");
        assertThat(new FileStatus(0x100023, 1, 0, 1).mapsDevice()).isEqualTo("00:123");
        assertThat(new FileStatus(0x10305, 1, 0, 1).mapsDevice()).isEqualTo("103:05");
    }
}
