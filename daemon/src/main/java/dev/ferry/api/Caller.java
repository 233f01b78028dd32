package dev.ferry.api;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.ferry.net.CertificateNames;
import java.util.List;

/** Who is at the other end of a control connection. Users of this host and names of certificates are never taken for each other. */
sealed interface Caller {
    /** For limits. */
    String who();

    /** Into a line of the audit log. */
    void describe(ObjectNode line);

    /**
     * A user of this host, as the kernel says it.
     *
     * @param name for people
     * @param pid when it connected; another process may have the number since
     */
    record User(String name, int uid, int pid) implements Caller {
        /** @param users names or numbers */
        boolean isOneOf(List<String> users) {
            return Users.isOneOf(uid, users);
        }

        @Override
        public String who() {
            return "uid " + uid;
        }

        @Override
        public void describe(ObjectNode line) {
            line.put("user", name).put("uid", uid).put("pid", pid);
        }

        @Override
        public String toString() {
            return "user " + name + " (uid " + uid + ")";
        }
    }

    /**
     * Over TCP with TLS: a certificate of the CA.
     *
     * @param names its subject alternative names, DNS and IP
     * @param address where it comes from
     */
    record Client(List<String> names, String address) implements Caller {
        boolean hasOneOf(List<String> clients) {
            return names.stream().anyMatch(name -> CertificateNames.isOneOf(name, clients));
        }

        @Override
        public String who() {
            return "certificate " + (names.isEmpty() ? "" : names.get(0));
        }

        @Override
        public void describe(ObjectNode line) {
            line.put("certificate", String.join(", ", names)).put("address", address);
        }

        @Override
        public String toString() {
            return names.isEmpty()
                    ? "a client at " + address + " whose certificate has no subject alternative name (DNS or IP)"
                    : "client " + String.join(", ", names) + " at " + address;
        }
    }

    /** Over TCP on loopback without TLS: nobody in particular; the configuration has said that this is wanted. */
    record Anybody(String address) implements Caller {
        @Override
        public String who() {
            return "anybody";
        }

        @Override
        public void describe(ObjectNode line) {
            line.put("address", address);
        }

        @Override
        public String toString() {
            return "somebody at " + address;
        }
    }
}
