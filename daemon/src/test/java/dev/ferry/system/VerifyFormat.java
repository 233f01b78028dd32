package dev.ferry.system;

/** What the verifying guest writes into a page: guest/verify/FORMAT.md, word for word. */
final class VerifyFormat {
    static final int PAGE_WORDS = 1024;
    private static final int[] TABLE = table();

    private VerifyFormat() {}

    static int mix(int value) {
        int x = value;
        x ^= x >>> 16;
        x *= 0x7feb352d;
        x ^= x >>> 15;
        x *= 0x846ca68b;
        return x ^ (x >>> 16);
    }

    static int tableWord(int index) {
        return TABLE[index];
    }

    static boolean isZero(int pfn, int version, int zeroPercent) {
        return version == 0 || (version % 2 == 0 && (mix(pfn) >>> 16) % 100 < zeroPercent);
    }

    /** The word at this place of the page. */
    static int word(int pfn, int version, int zeroPercent, int at) {
        if (isZero(pfn, version, zeroPercent)) {
            return 0;
        }
        return switch (at) {
            case 0 -> 0x59525246;
            case 1 -> pfn;
            case 2 -> version;
            case 3 -> ~version;
            default -> TABLE[Integer.remainderUnsigned(mix(pfn ^ mix(version)), 65536) + at];
        };
    }

    /** The version after this one. */
    static int successor(int version) {
        return version == -1 ? 1 : version + 1;
    }

    private static int[] table() {
        int[] words = new int[66_560];
        int s = 0x46455252;
        for (int i = 0; i < words.length; i++) {
            s ^= s << 13;
            s ^= s >>> 17;
            s ^= s << 5;
            words[i] = s;
        }
        return words;
    }
}
