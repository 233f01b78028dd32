package dev.ferry.migration;

import java.nio.ByteBuffer;

/**
 * Pages of a small block, for the blackout.
 *
 * @param data whole pages, from position to limit
 */
public record SmallPages(int block, long firstPage, ByteBuffer data) {}
