/**
 * What is measured of migrations: the record behind {@code report}, and metrics. Reads counters that others keep for
 * themselves, from threads of its own; nobody waits for it.
 */
package dev.ferry.telemetry;
