package dev.ferry.migration;

/**
 * Memory for guests that arrive.
 *
 * @param freeBytes now
 * @param takenAtOnce the whole of an arriving guest's memory is taken when it begins to arrive, not page by page
 */
public record MemoryRoom(long freeBytes, boolean takenAtOnce) {}
