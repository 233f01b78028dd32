package dev.ferry.client;

import dev.ferry.v1.LostPagePolicy;

/** A policy of lost pages as it is typed. */
record LostPages(LostPagePolicy policy) {
    static LostPages parse(String text) {
        return new LostPages(
                switch (text) {
                    case "wait" -> LostPagePolicy.WAIT;
                    case "stop" -> LostPagePolicy.STOP;
                    case "poison" -> LostPagePolicy.POISON;
                    default ->
                        throw new IllegalArgumentException(
                                "\"" + text + "\" is no policy: allowed are wait, stop, poison");
                });
    }
}
