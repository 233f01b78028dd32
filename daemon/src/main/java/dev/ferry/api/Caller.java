package dev.ferry.api;

import java.util.List;

/**
 * Who is at the other end of a control connection, as the kernel says it.
 *
 * @param name for people: a user's name, or where a connection without a user comes from
 * @param uid -1: not over a unix socket
 * @param pid when it connected; another process may have the number since
 */
record Caller(String name, int uid, int pid) {
    /** Nobody authenticates a TCP connection; the configuration has said that this is wanted. */
    static Caller overTcp(String address) {
        return new Caller(address, -1, -1);
    }

    /** @param users names or numbers */
    boolean isOneOf(List<String> users) {
        return uid >= 0 && (users.contains(name) || users.contains(Integer.toString(uid)));
    }

    @Override
    public String toString() {
        return uid < 0 ? name : "user " + name + " (uid " + uid + ")";
    }
}
