package dev.ferry.api;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** The users of this host that are in /etc/passwd, read each time. Those of a directory service have only their numbers here. */
public final class Users {
    private static final Path FILE = Path.of("/etc/passwd");

    private record User(String name, String uid) {}

    private Users() {}

    private static List<User> all() {
        try (var lines = Files.lines(FILE)) {
            return lines.map(line -> line.split(":", 4))
                    .filter(user -> user.length > 2)
                    .map(user -> new User(user[0], user[2]))
                    .toList();
        } catch (IOException | UncheckedIOException e) {
            return List.of();
        }
    }

    /** The first of them, or the number. */
    static String name(int uid) {
        String number = Integer.toString(uid);
        return all().stream()
                .filter(user -> user.uid().equals(number))
                .map(User::name)
                .findFirst()
                .orElse(number);
    }

    /** A number is known whether or not somebody has it. */
    public static boolean isKnown(String nameOrNumber) {
        return nameOrNumber.matches("[0-9]+")
                || all().stream().anyMatch(user -> user.name().equals(nameOrNumber));
    }

    /** By any name that the number has. */
    static boolean isOneOf(int uid, List<String> namesOrNumbers) {
        String number = Integer.toString(uid);
        return namesOrNumbers.contains(number)
                || all().stream().anyMatch(user -> user.uid().equals(number) && namesOrNumbers.contains(user.name()));
    }
}
