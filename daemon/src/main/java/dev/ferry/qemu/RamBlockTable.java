package dev.ferry.qemu;

import dev.ferry.base.ErrorCategory;
import dev.ferry.base.FerryException;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What the monitor's {@code info ramblock} and {@code info mtree -f} say, as values. Pure text in, values out. Newer QEMUs print a
 * host address with each block; 7.2 does not, there the flat view tells where a block is mapped and gpa2hva the rest.
 */
final class RamBlockTable {
    private static final Pattern BLOCK =
            Pattern.compile("^\\s*(\\S.*?)\\s+(\\d+) ([KMG]iB|B)\\s+0x([0-9a-f]+)\\s+0x([0-9a-f]+)"
                    + "\\s+0x([0-9a-f]+)(?:\\s+0x([0-9a-f]+))?.*$");
    private static final Pattern RANGE = Pattern.compile(
            "^\\s+([0-9a-f]{16})-([0-9a-f]{16}) \\(prio -?\\d+, (?:ram|rom|romd|nv-ram)\\): (\\S+)(?: @([0-9a-f]{16}))?.*$");
    /** The patterns look back and forth within a line: QEMU's own have less than 400. */
    private static final int MAX_LINE_CHARACTERS = 2000;

    private static final int MAX_BLOCKS = 4096;
    private static final int MAX_RANGES = 1 << 16;
    private static final Pattern HOST = Pattern.compile("is 0x([0-9a-f]+)");

    private RamBlockTable() {}

    /** @param usedBytes its length now, not the length it may grow to */
    record Block(String name, int pageSizeBytes, long usedBytes, OptionalLong hostAddress) {
        /** Without the device or object path in front. */
        String lastName() {
            return name.substring(name.lastIndexOf('/') + 1);
        }

        /**
         * ROMs that QEMU loads from its own files when it starts, and the tables that it builds for the firmware when the guest
         * resets: the guest cannot write them, so the destination has them already.
         */
        boolean isRebuiltByQemu() {
            return name.startsWith("/rom@") || name.endsWith(".rom");
        }
    }

    /** A piece of guest physical space. */
    record Mapped(long guestAddress, String lastName, long offsetInBlock) {}

    static List<Block> blocks(String infoRamblock) {
        List<Block> blocks = new ArrayList<>();
        for (String line : lines(infoRamblock)) {
            Matcher m = BLOCK.matcher(line);
            if (m.matches()) {
                requireLess(blocks.size(), MAX_BLOCKS, "RAM blocks");
                int unit = switch (m.group(3)) {
                    case "KiB" -> 10;
                    case "MiB" -> 20;
                    case "GiB" -> 30;
                    default -> 0;
                };
                blocks.add(new Block(
                        m.group(1),
                        pageSize(m.group(2), unit, line),
                        hex(m.group(5), line),
                        m.group(7) == null ? OptionalLong.empty() : OptionalLong.of(hex(m.group(7), line))));
            }
        }
        return blocks;
    }

    /** Of the address space "memory", in ascending order. */
    static List<Mapped> flatView(String infoMtree) {
        List<Mapped> ranges = new ArrayList<>();
        boolean inside = false;
        for (String line : lines(infoMtree)) {
            if (line.startsWith("FlatView")) {
                if (!ranges.isEmpty()) {
                    return ranges;
                }
                inside = false;
            } else if (line.startsWith(" AS \"memory\"")) {
                inside = true;
            } else if (inside) {
                Matcher m = RANGE.matcher(line);
                if (m.matches()) {
                    requireLess(ranges.size(), MAX_RANGES, "ranges of memory");
                    String name = m.group(3);
                    ranges.add(new Mapped(
                            Long.parseUnsignedLong(m.group(1), 16),
                            name.substring(name.lastIndexOf('/') + 1),
                            m.group(4) == null ? 0 : Long.parseUnsignedLong(m.group(4), 16)));
                }
            }
        }
        return ranges;
    }

    /** The answer of gpa2hva. */
    static OptionalLong hostAddress(String gpa2hva) {
        Matcher m = HOST.matcher(gpa2hva);
        return m.find() ? OptionalLong.of(hex(m.group(1), gpa2hva)) : OptionalLong.empty();
    }

    private static List<String> lines(String text) {
        return text.lines().filter(l -> l.length() <= MAX_LINE_CHARACTERS).toList();
    }

    private static int pageSize(String number, int unit, String line) {
        try {
            return Math.toIntExact(Math.multiplyExact(Long.parseLong(number), 1L << unit));
        } catch (ArithmeticException | NumberFormatException e) {
            throw nonsense(line, e);
        }
    }

    private static long hex(String digits, String line) {
        try {
            return Long.parseUnsignedLong(digits, 16);
        } catch (NumberFormatException e) {
            throw nonsense(line, e);
        }
    }

    private static FerryException nonsense(String line, Exception e) {
        return new FerryException(
                ErrorCategory.INTERNAL, "QEMU says of its memory '" + line.strip() + "', which cannot be", e);
    }

    private static void requireLess(int count, int most, String what) {
        if (count >= most) {
            throw new FerryException(ErrorCategory.INTERNAL, "QEMU tells more than " + most + " " + what);
        }
    }
}
