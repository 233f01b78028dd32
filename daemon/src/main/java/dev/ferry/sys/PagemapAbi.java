package dev.ferry.sys;

/** Numbers and layouts of PAGEMAP_SCAN (include/uapi/linux/fs.h, Linux 6.7). Every field is 8 bytes. */
final class PagemapAbi {
    /** struct pm_scan_arg. */
    static final int SIZE = 0;

    static final int FLAGS = 8;
    static final int START = 16;
    static final int END = 24;
    static final int WALK_END = 32;
    static final int VECTOR = 40;
    static final int VECTOR_LENGTH = 48;
    static final int MAX_PAGES = 56;
    static final int CATEGORY_INVERTED = 64;
    static final int CATEGORY_MASK = 72;
    static final int CATEGORY_ANYOF_MASK = 80;
    static final int RETURN_MASK = 88;
    static final int ARGUMENT_SIZE = 96;

    /** struct page_region: start, end, categories. */
    static final int REGION_START = 0;

    static final int REGION_END = 8;
    static final int REGION_CATEGORIES = 16;
    static final int REGION_SIZE = 24;

    static final long PM_SCAN_WP_MATCHING = 1;
    static final long PM_SCAN_CHECK_WPASYNC = 2;

    static final long PAGE_IS_WPALLOWED = 1;
    static final long PAGE_IS_WRITTEN = 1 << 1;
    static final long PAGE_IS_FILE = 1 << 2;
    static final long PAGE_IS_PRESENT = 1 << 3;
    static final long PAGE_IS_SWAPPED = 1 << 4;
    static final long PAGE_IS_PFNZERO = 1 << 5;
    static final long PAGE_IS_HUGE = 1 << 6;

    static final long PAGEMAP_SCAN = Ioctl.iowr('f', 16, ARGUMENT_SIZE);

    private PagemapAbi() {}
}
