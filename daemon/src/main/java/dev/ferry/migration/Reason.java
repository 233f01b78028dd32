package dev.ferry.migration;

/**
 * One reason why a guest cannot move.
 *
 * @param code stable and machine-readable, upper case with underscores: {@code VFIO_DEVICE}
 * @param message for people: what was found, and what to do
 */
public record Reason(String code, String message) {}
