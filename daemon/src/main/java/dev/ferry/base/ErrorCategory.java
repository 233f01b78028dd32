package dev.ferry.base;

/** What kind of failure an error is, as far as its caller has to act on it. The api floor turns it into a gRPC status. */
public enum ErrorCategory {
    /** The caller said something that can never work. */
    INVALID_ARGUMENT,
    /** No such guest or migration. */
    NOT_FOUND,
    /** The thing exists already, or is being done already. */
    ALREADY_EXISTS,
    /** Not in this state; the message says what state it would take. */
    FAILED_PRECONDITION,
    /** Memory, descriptors, disk. */
    RESOURCE_EXHAUSTED,
    /** Missing privilege. */
    PERMISSION_DENIED,
    /** The peer, QEMU or a socket does not answer; trying again may help. */
    UNAVAILABLE,
    /** A time limit passed. */
    DEADLINE_EXCEEDED,
    /** An older epoch, or an operation that was given up. */
    ABORTED,
    /** This kernel, QEMU or machine lacks something. */
    UNIMPLEMENTED,
    /** A bug, or bytes that contradict themselves. */
    INTERNAL
}
