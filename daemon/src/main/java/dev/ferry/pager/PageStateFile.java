package dev.ferry.pager;

import dev.ferry.base.ErrorCategory;
import dev.ferry.base.FerryException;
import dev.ferry.memory.PageBitmap;
import dev.ferry.memory.RamBlock;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;

/**
 * The bitmaps of an arriving guest in files on tmpfs: they outlive the daemon, because a page that is valid belongs to the
 * guest and must never be written again. Two files a block. The mappings are left to the garbage collector: a late look at a
 * bitmap of a migration that has ended must not be a segmentation fault.
 */
final class PageStateFile {
    private static final int ZERO_BYTES = 1 << 16;

    private final Path directory;
    private final PageBitmap[] valid;
    private final PageBitmap[] written;

    private PageStateFile(Path directory, List<RamBlock> blocks, boolean fresh) throws IOException {
        this.directory = directory;
        this.valid = new PageBitmap[blocks.size()];
        this.written = new PageBitmap[blocks.size()];
        for (RamBlock block : blocks) {
            valid[block.index()] = bitmap("valid." + block.index(), block.pageCount(), fresh);
            written[block.index()] = bitmap("written." + block.index(), block.pageCount(), fresh);
        }
    }

    /** RESOURCE_EXHAUSTED when there is no room; nothing is left behind then. */
    static PageStateFile create(Path directory, List<RamBlock> blocks) {
        try {
            Files.createDirectories(directory);
            return new PageStateFile(directory, blocks, true);
        } catch (IOException e) {
            remove(directory);
            throw new FerryException(ErrorCategory.RESOURCE_EXHAUSTED, "page bitmaps in " + directory + ": " + e, e);
        }
    }

    /** Those of an earlier daemon, with every bit that it had set. */
    static PageStateFile open(Path directory, List<RamBlock> blocks) {
        try {
            return new PageStateFile(directory, blocks, false);
        } catch (IOException | IllegalArgumentException e) {
            throw new FerryException(ErrorCategory.INTERNAL, "page bitmaps in " + directory + ": " + e, e);
        }
    }

    private PageBitmap bitmap(String name, long pages, boolean fresh) throws IOException {
        return fresh ? newBitmap(name, pages) : oldBitmap(name, pages);
    }

    private PageBitmap oldBitmap(String name, long pages) throws IOException {
        int size = PageBitmap.sizeBytes(pages);
        try (FileChannel file =
                FileChannel.open(directory.resolve(name), StandardOpenOption.READ, StandardOpenOption.WRITE)) {
            if (file.size() != size) {
                throw new IOException(name + " has " + file.size() + " bytes, not " + size);
            }
            return PageBitmap.over(file.map(FileChannel.MapMode.READ_WRITE, 0, size), pages);
        }
    }

    /** Written before it is mapped: a full tmpfs is an error here and not a SIGBUS later. */
    private PageBitmap newBitmap(String name, long pages) throws IOException {
        int size = PageBitmap.sizeBytes(pages);
        try (FileChannel file = FileChannel.open(
                directory.resolve(name),
                StandardOpenOption.CREATE_NEW,
                StandardOpenOption.READ,
                StandardOpenOption.WRITE)) {
            ByteBuffer zeros = ByteBuffer.allocateDirect(ZERO_BYTES);
            for (long at = 0; at < size; at += zeros.position()) {
                zeros.position(0).limit((int) Math.min(ZERO_BYTES, size - at));
                file.write(zeros, at);
            }
            return PageBitmap.over(file.map(FileChannel.MapMode.READ_WRITE, 0, size), pages);
        }
    }

    PageBitmap[] valid() {
        return valid.clone();
    }

    PageBitmap[] written() {
        return written.clone();
    }

    /** The guest has settled or is gone. Harmless twice. */
    void remove() {
        removeIfPresent(directory);
    }

    /** Of a migration that an earlier daemon began. */
    static void removeIfPresent(Path directory) {
        if (Files.isDirectory(directory)) {
            remove(directory);
        }
    }

    private static void remove(Path directory) {
        try (DirectoryStream<Path> entries = Files.newDirectoryStream(directory)) {
            for (Path entry : entries) {
                Files.deleteIfExists(entry);
            }
            Files.deleteIfExists(directory);
        } catch (IOException e) {
            throw new FerryException(ErrorCategory.INTERNAL, "removing " + directory + ": " + e, e);
        }
    }
}
