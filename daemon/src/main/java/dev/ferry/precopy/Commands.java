package dev.ferry.precopy;

/** What people may ask of a running pre-copy; looked at between batches. */
public interface Commands {
    /** Throws (the implementation's own exception) when the migration was cancelled. */
    void throwIfCancelled();

    /** True once somebody asked to switch now. */
    boolean switchRequested();
}
