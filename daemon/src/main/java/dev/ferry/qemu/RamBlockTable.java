package dev.ferry.qemu;

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
        for (String line : infoRamblock.lines().toList()) {
            Matcher m = BLOCK.matcher(line);
            if (m.matches()) {
                int unit = switch (m.group(3)) {
                    case "KiB" -> 10;
                    case "MiB" -> 20;
                    case "GiB" -> 30;
                    default -> 0;
                };
                blocks.add(new Block(
                        m.group(1),
                        Math.toIntExact(Long.parseLong(m.group(2)) << unit),
                        Long.parseUnsignedLong(m.group(5), 16),
                        m.group(7) == null
                                ? OptionalLong.empty()
                                : OptionalLong.of(Long.parseUnsignedLong(m.group(7), 16))));
            }
        }
        return blocks;
    }

    /** Of the address space "memory", in ascending order. */
    static List<Mapped> flatView(String infoMtree) {
        List<Mapped> ranges = new ArrayList<>();
        boolean inside = false;
        for (String line : infoMtree.lines().toList()) {
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
        return m.find() ? OptionalLong.of(Long.parseUnsignedLong(m.group(1), 16)) : OptionalLong.empty();
    }
}
