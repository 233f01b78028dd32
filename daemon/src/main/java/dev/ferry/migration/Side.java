package dev.ferry.migration;

/** The two hosts of a migration. */
public enum Side {
    SOURCE,
    DESTINATION
}
