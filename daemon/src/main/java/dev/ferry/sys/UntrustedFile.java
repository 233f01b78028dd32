package dev.ferry.sys;

import dev.ferry.base.FerryException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Optional;

/**
 * Reads files from a directory in which somebody who is not trusted may put anything. A link is not followed, a FIFO or a lease
 * is not waited for, and no more is read than was asked for. What is no plain file that can be read so is absent. The directory
 * itself, and those above it, have to be trusted.
 */
public final class UntrustedFile {
    static final int O_NOFOLLOW = 0x20000;

    private UntrustedFile() {}

    /** The first bytes, as UTF-8. */
    public static Optional<String> start(Path file, int mostBytes) {
        return read(file, mostBytes, false);
    }

    /** The last bytes, as UTF-8. */
    public static Optional<String> end(Path file, int mostBytes) {
        return read(file, mostBytes, true);
    }

    private static Optional<String> read(Path file, int mostBytes, boolean fromEnd) {
        try (Fd fd = Fd.open(file.toString(), O_NOFOLLOW | UffdAbi.O_NONBLOCK, 0)) {
            FileStatus status = FileStatus.of(fd);
            if (!status.isRegularFile()) {
                return Optional.empty();
            }
            ByteBuffer buffer = NativeBuffer.allocate(mostBytes);
            long offset = fromEnd ? Math.max(0, status.sizeBytes() - mostBytes) : 0;
            long result = fd.call(Syscalls.PREAD64, NativeBuffer.address(buffer), mostBytes, offset);
            byte[] bytes = new byte[Math.toIntExact(Syscalls.check(result, "pread " + file))];
            buffer.get(bytes);
            return Optional.of(new String(bytes, StandardCharsets.UTF_8));
        } catch (FerryException e) {
            return Optional.empty();
        }
    }
}
