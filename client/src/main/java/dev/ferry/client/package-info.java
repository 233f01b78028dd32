/**
 * The command line {@code ferry}: parses, calls one ferryd over gRPC, prints. A command runs on the main thread and ends
 * with the process. Results go to stdout; progress, hints and errors to stderr.
 */
package dev.ferry.client;
