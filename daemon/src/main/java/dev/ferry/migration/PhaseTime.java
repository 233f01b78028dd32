package dev.ferry.migration;

/** A named part of the downtime. */
public record PhaseTime(String name, long durationNs) {}
