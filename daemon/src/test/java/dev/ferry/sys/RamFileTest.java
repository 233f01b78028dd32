package dev.ferry.sys;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.ferry.base.ErrorCategory;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class RamFileTest {
    private static final int PAGE = PageSize.BASE;
    private static final int HUGE = 2 << 20;

    @TempDir
    Path directory;

    private final ByteBuffer page = NativeBuffer.allocate(PAGE);
    private final long pageAddress = NativeBuffer.address(page);

    @Test
    void shouldCreateOnceAndPrivate() throws Exception {
        String path = directory.resolve("ram").toString();
        try (RamFile file = RamFile.create(path, 8 * PAGE)) {
            assertThat(file.lengthBytes()).isEqualTo(8 * PAGE);
            assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(Path.of(path))))
                    .isEqualTo("rw-------");
            assertThatThrownBy(() -> RamFile.create(path, PAGE))
                    .isInstanceOfSatisfying(
                            SysException.class, e -> assertThat(e.category()).isEqualTo(ErrorCategory.ALREADY_EXISTS))
                    .hasMessageContaining(path);
        }
        assertThat(Files.size(Path.of(path))).isEqualTo(8 * PAGE);
    }

    @Test
    void shouldLeaveNothingBehindWhenLengthIsRefused() {
        Path path = directory.resolve("ram");
        assertThatThrownBy(() -> RamFile.create(path.toString(), -1)).isInstanceOf(SysException.class);
        assertThat(path).doesNotExist();
    }

    @Test
    void shouldReadBackWhatWasWritten() {
        try (RamFile file = MemFd.create("ram", 8 * PAGE)) {
            page.putLong(0, 42).putLong(PAGE - 8, 43);
            file.write(3 * PAGE, pageAddress, PAGE);
            page.putLong(0, 0).putLong(PAGE - 8, 0);
            file.read(3 * PAGE, pageAddress, PAGE);
            assertThat(page.getLong(0)).isEqualTo(42);
            assertThat(page.getLong(PAGE - 8)).isEqualTo(43);
            file.read(0, pageAddress, PAGE);
            assertThat(page.getLong(0)).isZero();
            assertThat(populated(file)).as("reading fills no hole").containsExactly(3L * PAGE, 4L * PAGE);
        }
    }

    @Test
    void shouldPunchHoles() {
        try (RamFile file = MemFd.create("ram", 8 * PAGE)) {
            for (int i = 0; i < 8; i++) {
                page.putLong(0, i + 1);
                file.write((long) i * PAGE, pageAddress, PAGE);
            }
            file.punch(2 * PAGE, 3 * PAGE);
            assertThat(populated(file)).containsExactly(0L, 2L * PAGE, 5L * PAGE, 8L * PAGE);
            file.read(3 * PAGE, pageAddress, PAGE);
            assertThat(page.getLong(0)).isZero();
            assertThat(file.lengthBytes()).isEqualTo(8 * PAGE);
            file.punch(0, 8 * PAGE);
            assertThat(populated(file)).isEmpty();
        }
    }

    @Test
    void shouldRefuseWhatIsOutside() {
        try (RamFile file = MemFd.create("ram", 2 * PAGE)) {
            assertThatThrownBy(() -> file.write(PAGE + 1, pageAddress, PAGE))
                    .isInstanceOf(IndexOutOfBoundsException.class);
            assertThatThrownBy(() -> file.read(-1, pageAddress, 1)).isInstanceOf(IndexOutOfBoundsException.class);
            assertThatThrownBy(() -> file.punch(Long.MAX_VALUE, 1)).isInstanceOf(IndexOutOfBoundsException.class);
        }
    }

    @Test
    void shouldTellTheSameFileByItsIdentity() {
        String path = directory.resolve("ram").toString();
        try (RamFile one = RamFile.create(path, PAGE);
                RamFile again = RamFile.open(path, false);
                RamFile other = MemFd.create("other", PAGE);
                Fd fd = Fd.open(path, 0, 0)) {
            assertThat(again.identity()).isEqualTo(one.identity()).isNotEqualTo(other.identity());
            int self = Math.toIntExact(ProcessHandle.current().pid());
            assertThat(ProcFs.descriptorIdentity(self, fd.raw())).isEqualTo(one.identity());
        }
    }

    @Test
    void shouldMapForSmallFiles() {
        RamFile file = MemFd.create("bitmap", 3 * PAGE);
        ByteBuffer map = file.map();
        assertThat(map.capacity()).isEqualTo(3 * PAGE);
        map.putLong(PAGE, 77);
        file.read(PAGE, pageAddress, PAGE);
        assertThat(page.getLong(0)).isEqualTo(77);
        long address = NativeBuffer.address(map);
        assertThat(mapped(address)).isTrue();
        file.close();
        file.close();
        assertThat(mapped(address)).isFalse();
    }

    @Test
    @Tag("kernel")
    void shouldSayThatTmpfsIsFull() throws Exception {
        try (MountedFs tmpfs = MountedFs.mount("tmpfs", "size=64k");
                RamFile file = RamFile.create(tmpfs.file("ram"), 1 << 20)) {
            ByteBuffer much = NativeBuffer.allocate(1 << 20);
            assertNoSpace(() -> file.write(0, NativeBuffer.address(much), 1 << 20));
            // What is there can still be written, and a hole makes room.
            file.write(0, pageAddress, PAGE);
            file.punch(0, 1 << 20);
            file.write(512 << 10, pageAddress, PAGE);
        }
    }

    @Test
    @Tag("kernel")
    void shouldKnowPageSizeOfTmpfsWithHugePages() throws Exception {
        try (MountedFs tmpfs = MountedFs.mount("tmpfs", "size=4m,huge=always");
                RamFile file = RamFile.create(tmpfs.file("ram"), HUGE)) {
            assertThat(file.pageSizeBytes()).isEqualTo(PAGE);
        }
    }

    @Test
    @Tag("kernel")
    void shouldWriteHugePages() throws Exception {
        try (HugePages pages = HugePages.allow(2);
                RamFile file = MemFd.createHuge("ram", 4L * HUGE)) {
            assertThat(pages).isNotNull();
            assertThat(file.pageSizeBytes()).isEqualTo(HUGE);
            page.putLong(0, 42);
            file.write(HUGE + 3 * PAGE, pageAddress, PAGE);
            file.write(HUGE - PAGE, pageAddress, PAGE);
            page.putLong(0, 0);
            file.read(HUGE + 3 * PAGE, pageAddress, PAGE);
            assertThat(page.getLong(0)).isEqualTo(42);
            file.read(HUGE + 4 * PAGE, pageAddress, PAGE);
            assertThat(page.getLong(0)).isZero();
            assertNoSpace(() -> file.write(3L * HUGE, pageAddress, PAGE));
            file.punch(HUGE, HUGE);
            file.write(3L * HUGE, pageAddress, PAGE);
        }
    }

    private static void assertNoSpace(Runnable write) {
        assertThatThrownBy(write::run).isInstanceOfSatisfying(SysException.class, e -> {
            assertThat(e.errno()).isEqualTo(Errno.ENOSPC);
            assertThat(e.category()).isEqualTo(ErrorCategory.RESOURCE_EXHAUSTED);
        });
    }

    private static List<Long> populated(RamFile file) {
        List<Long> edges = new ArrayList<>();
        file.populated((start, end) -> {
            edges.add(start);
            edges.add(end);
        });
        return edges;
    }

    private static boolean mapped(long address) {
        return ProcMaps.read(Math.toIntExact(ProcessHandle.current().pid())).stream()
                .anyMatch(m -> m.start() <= address && address < m.end());
    }
}
