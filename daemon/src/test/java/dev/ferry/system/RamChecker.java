package dev.ferry.system;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;

/**
 * Checks the whole RAM of a stopped verifying guest from outside, by its RAM files in the order of guest physical addresses
 * (one for each NUMA node). Below 4 GiB only. Reads through the files; holes stay holes.
 */
final class RamChecker {
    private static final int DESCRIPTOR = 0x100000;
    private static final int PAGE_BYTES = 4096;

    private final List<FileChannel> files = new ArrayList<>();
    private final ByteBuffer page = ByteBuffer.allocateDirect(PAGE_BYTES).order(ByteOrder.LITTLE_ENDIAN);
    private final ByteBuffer table;
    private final ByteBuffer descriptor;

    /** What was found: bad is empty when every byte of every test page is right. */
    record Result(int pages, int inFlight, List<String> bad) {}

    static Result check(List<Path> ramFiles) throws IOException {
        RamChecker checker = new RamChecker(ramFiles);
        try {
            return checker.run();
        } finally {
            for (FileChannel file : checker.files) {
                file.close();
            }
        }
    }

    private RamChecker(List<Path> ramFiles) throws IOException {
        for (Path p : ramFiles) {
            files.add(FileChannel.open(p, StandardOpenOption.READ));
        }
        descriptor = read(DESCRIPTOR, 0x1c0);
        byte[] magic = new byte[16];
        descriptor.get(0, magic);
        if (!new String(magic, StandardCharsets.US_ASCII).equals("FERRY-VERIFY-RAM")
                || descriptor.getInt(0x10) != 1
                || descriptor.getInt(0x14) != 1) {
            throw new IOException("no ready verifying guest in " + ramFiles);
        }
        table = read(Integer.toUnsignedLong(descriptor.getInt(0x1c)), descriptor.getInt(0x18) * 4);
    }

    private Result run() throws IOException {
        List<String> bad = new ArrayList<>();
        int inFlight = 0;
        int checked = 0;
        for (int region = 0; region < descriptor.getInt(0x30); region++) {
            int firstPfn = descriptor.getInt(0x40 + region * 16);
            int pages = descriptor.getInt(0x44 + region * 16);
            int firstIndex = descriptor.getInt(0x48 + region * 16);
            for (int i = 0; i < pages && bad.size() < 20; i++) {
                int slot = slotOf(firstIndex + i);
                inFlight += slot >= 0 ? 1 : 0;
                String problem = problem(firstPfn + i, table.getInt((firstIndex + i) * 4), slot);
                if (problem != null) {
                    bad.add("page " + (firstIndex + i) + " pfn " + (firstPfn + i) + ": " + problem);
                }
                checked++;
            }
        }
        return new Result(checked, inFlight, bad);
    }

    /** The vCPU slot that is writing this page, or −1. */
    private int slotOf(int index) {
        for (int cpu = 0; cpu < 32; cpu++) {
            if (descriptor.getInt(0xc0 + cpu * 8) == index && cpu < descriptor.getInt(0x28)) {
                return cpu;
            }
        }
        return -1;
    }

    private String problem(int pfn, int version, int slot) throws IOException {
        int next = slot < 0 ? version : descriptor.getInt(0xc4 + slot * 8);
        if (next != version && next != VerifyFormat.successor(version)) {
            return "in flight to version " + next + " from " + version;
        }
        int zero = descriptor.getInt(0x20);
        readInto(page, (long) pfn * PAGE_BYTES);
        int at = 0;
        // In flight: new words up to some point, old ones from there.
        while (next != version && at < VerifyFormat.PAGE_WORDS && word(at) == VerifyFormat.word(pfn, next, zero, at)) {
            at++;
        }
        for (; at < VerifyFormat.PAGE_WORDS; at++) {
            int want = VerifyFormat.word(pfn, version, zero, at);
            if (word(at) != want) {
                return "word " + at + " is " + Integer.toHexString(word(at)) + ", not " + Integer.toHexString(want)
                        + " of version " + version;
            }
        }
        return null;
    }

    private int word(int at) {
        return page.getInt(at * 4);
    }

    private ByteBuffer read(long address, int length) throws IOException {
        ByteBuffer buffer = ByteBuffer.allocate(length).order(ByteOrder.LITTLE_ENDIAN);
        readInto(buffer, address);
        return buffer;
    }

    private void readInto(ByteBuffer buffer, long address) throws IOException {
        buffer.clear();
        long start = 0;
        for (FileChannel file : files) {
            while (buffer.hasRemaining() && address + buffer.position() < start + file.size()) {
                if (file.read(buffer, address + buffer.position() - start) < 0) {
                    throw new IOException("RAM file is cut short");
                }
            }
            start += file.size();
        }
        if (buffer.hasRemaining()) {
            throw new IOException("address " + Long.toHexString(address) + " is beyond the guest's RAM");
        }
    }
}
