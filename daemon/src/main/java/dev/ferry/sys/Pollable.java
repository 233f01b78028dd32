package dev.ferry.sys;

/** Something that an event loop can wait for. */
public interface Pollable {
    /** Readable when there is something to do; good until its owner is closed. */
    int descriptor();
}
