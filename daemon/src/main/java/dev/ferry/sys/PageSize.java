package dev.ferry.sys;

/** The page size of this architecture (x86-64: always 4 KiB). Huge pages are asked of the file or mapping that has them. */
final class PageSize {
    static final int BASE = 4096;

    private PageSize() {}
}
