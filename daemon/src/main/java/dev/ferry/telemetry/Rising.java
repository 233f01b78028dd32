package dev.ferry.telemetry;

/** A counter that goes on where it was, when what it reads begins anew at zero, as after a restart of a daemon. One thread. */
final class Rising {
    private long value;
    private long raw;

    Rising(long value) {
        this.value = value;
        this.raw = value;
    }

    long read(long now) {
        value += now >= raw ? now - raw : now;
        raw = now;
        return value;
    }
}
