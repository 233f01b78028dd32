package dev.ferry.net;

/**
 * What one of many may take at most.
 *
 * @param ofOneAddress connections of one address
 * @param ofOneCaller connections of one certificate's name, from wherever
 * @param waiting connections, of all addresses together, that have not said their first words; the oldest makes room for a new one
 * @param bytesOfOneCaller of messages that have begun and not ended
 */
public record ConnectionLimits(int ofOneAddress, int ofOneCaller, int waiting, long bytesOfOneCaller) {}
