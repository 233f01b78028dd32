package dev.ferry.api;

import java.util.List;

/**
 * Who may do what over the control addresses. Users of this host, whom the kernel lets in (the socket's owner and group), are operators
 * but for viewers, who may only look. A client with a certificate of the CA is nothing unless a name of it is here, and a viewer
 * where that is said of any of its names.
 *
 * @param viewers names or numbers of users of this host
 * @param clientOperators names (DNS or IP) of certificates
 * @param clientViewers likewise
 */
public record ControlRoles(List<String> viewers, List<String> clientOperators, List<String> clientViewers) {
    /** NONE: may ask for health, to see that the way there is open. */
    enum Role {
        NONE,
        VIEWER,
        OPERATOR
    }

    Role of(Caller caller) {
        if (caller instanceof Caller.User user) {
            return user.isOneOf(viewers) ? Role.VIEWER : Role.OPERATOR;
        }
        if (caller instanceof Caller.Client client) {
            if (client.hasOneOf(clientViewers)) {
                return Role.VIEWER;
            }
            return client.hasOneOf(clientOperators) ? Role.OPERATOR : Role.NONE;
        }
        return Role.OPERATOR; // the configuration has said so
    }

    /** For whoever is refused: what is missing. */
    String why(Caller caller) {
        if (caller instanceof Caller.Client client) {
            return of(client) == Role.VIEWER
                    ? " is one of control.clients.viewers in this ferryd's configuration and may only look"
                    : client.names().isEmpty()
                            ? ": this ferryd knows clients by such names only"
                            : " is neither in control.clients.operators nor in control.clients.viewers of this ferryd's"
                                    + " configuration";
        }
        return " is one of control.viewers in this ferryd's configuration and may only look";
    }
}
