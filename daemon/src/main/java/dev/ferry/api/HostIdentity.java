package dev.ferry.api;

/**
 * How this host is named to schedulers.
 *
 * @param peerAddress where its ferryd listens for others, HOST:PORT
 */
public record HostIdentity(String name, String peerAddress, String version) {}
