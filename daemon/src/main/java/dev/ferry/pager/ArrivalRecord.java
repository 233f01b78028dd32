package dev.ferry.pager;

import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.ferry.base.ErrorCategory;
import dev.ferry.base.FerryException;
import dev.ferry.memory.RamBlock;
import dev.ferry.sys.PidFd;
import dev.ferry.sys.ProcFs;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;

/**
 * What a later daemon needs to go on with an arrival without asking QEMU, which may be waiting for a page; as JSON beside the
 * bitmaps.
 *
 * @param startTime of /proc/PID/stat: with the pid it names the process for good
 * @param attached somebody else started the QEMU, and it is in the registry
 * @param definition JSON; empty when attached
 * @param ramFiles that Ferry made
 * @param remoteFd the userfaultfd's number in that process
 * @param blocks all, by the source's index
 * @param hostAddresses of guest RAM, by index
 * @param ramIdentities of the files of guest RAM, by index: what a later daemon opens again must be these. Empty when an
 *     older one wrote this
 */
@JsonIgnoreProperties(ignoreUnknown = true)
record ArrivalRecord(
        String guest,
        int pid,
        long startTime,
        String qmpSocket,
        boolean attached,
        String definition,
        List<String> ramFiles,
        int remoteFd,
        List<RamBlock> blocks,
        List<Long> hostAddresses,
        List<String> ramIdentities) {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final String NAME = "arrival.json";
    private static final int SIGKILL = 9;
    private static final long END_LIMIT_MS = 10_000;

    ArrivalRecord {
        ramFiles = List.copyOf(ramFiles);
        blocks = List.copyOf(blocks);
        hostAddresses = List.copyOf(hostAddresses);
        ramIdentities = ramIdentities == null ? List.of() : List.copyOf(ramIdentities);
    }

    void write(Path directory) {
        Path fresh = directory.resolve(NAME + ".new");
        try {
            Files.write(fresh, JSON.writeValueAsBytes(this));
            Files.move(fresh, directory.resolve(NAME), StandardCopyOption.ATOMIC_MOVE);
        } catch (IOException e) {
            throw new FerryException(ErrorCategory.RESOURCE_EXHAUSTED, "writing " + directory.resolve(NAME), e);
        }
    }

    static ArrivalRecord read(Path directory) {
        try {
            ArrivalRecord record = JSON.readValue(directory.resolve(NAME).toFile(), ArrivalRecord.class);
            if (record == null || record.guest() == null || record.qmpSocket() == null || record.definition() == null) {
                throw new IOException(NAME + " does not say which guest it is");
            }
            record.requireWholeLayout();
            return record;
        } catch (IOException e) {
            throw new FerryException(
                    ErrorCategory.INTERNAL, "what was written down of its arrival cannot be read: " + e, e);
        }
    }

    /** Its QEMU, if it lives; returns when it has ended. */
    void end() {
        PidFd process;
        try {
            process = PidFd.open(pid);
        } catch (FerryException e) {
            if (e.category() == ErrorCategory.NOT_FOUND) {
                return;
            }
            throw e;
        }
        try (process) {
            if (!process.isAlive() || ProcFs.startTime(pid) != startTime) {
                return;
            }
            process.signal(SIGKILL);
            if (!process.awaitExit(END_LIMIT_MS)) {
                throw new FerryException(
                        ErrorCategory.DEADLINE_EXCEEDED,
                        "QEMU " + pid + " of guest " + guest + " did not end within " + END_LIMIT_MS / 1000
                                + " s of SIGKILL");
            }
        }
    }

    /** Bitmaps and addresses are looked up by a block's number. */
    private void requireWholeLayout() throws IOException {
        if (!ramIdentities.isEmpty() && ramIdentities.size() != ram().size()) {
            throw new IOException(
                    NAME + " has " + ramIdentities.size() + " identities of " + ram().size() + " RAM blocks");
        }
        for (int i = 0; i < blocks.size(); i++) {
            if (blocks.get(i).index() != i || blocks.get(i).guestRam() != i < ram().size()) {
                throw new IOException(NAME + " has RAM blocks out of order");
            }
        }
        if (ram().isEmpty() || hostAddresses.size() != ram().size()) {
            throw new IOException(
                    NAME + " has " + hostAddresses.size() + " addresses of " + ram().size() + " RAM blocks");
        }
    }

    /** Whether this is the block's file, as far as it was written down. */
    boolean isFileOf(RamBlock block, String identity) {
        return ramIdentities.isEmpty() || ramIdentities.get(block.index()).equals(identity);
    }

    List<RamBlock> ram() {
        return blocks.stream().filter(RamBlock::guestRam).toList();
    }
}
