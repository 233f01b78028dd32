package dev.ferry.migration;

/**
 * What the source expects of the switch, made when pre-copy ends. Zero: not known.
 *
 * @param downtimeNs from the stop of the source to the answer that the guest runs
 * @param postcopyNs from there until the destination has everything
 */
public record Forecast(long downtimeNs, long postcopyNs) {
    public static final Forecast NONE = new Forecast(0, 0);
}
