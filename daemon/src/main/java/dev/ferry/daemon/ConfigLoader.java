package dev.ferry.daemon;

import dev.ferry.api.ControlRoles;
import dev.ferry.api.ListenAddress;
import dev.ferry.api.Users;
import dev.ferry.migration.LostPagePolicy;
import dev.ferry.migration.MoveLimits;
import dev.ferry.migration.Policy;
import dev.ferry.migration.RetryLimits;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;

/** The configuration file. All of it is checked before anything is made or opened. */
final class ConfigLoader {
    private static final String TLS_DIRECTORY = "/etc/ferry/tls/";
    private static final Set<String> LEVELS = Set.of("ERROR", "WARN", "INFO", "DEBUG", "TRACE");
    private static final Pattern NAME = Pattern.compile("[A-Za-z0-9._-]{1,253}");
    private static final Path HOST_NAME = Path.of("/proc/sys/kernel/hostname");
    private static final double WEEK_SECONDS = 7 * 24 * 3600.0;
    private static final double NS_PER_SECOND = 1e9;

    /** After more the destination has ended what it began: {@link dev.ferry.migration.Destinations}. */
    private static final double MOST_RETRY_SECONDS = 14;

    private static final long MOST_RETRIES = 1000;
    private static final long MOST_MOVES = 1000;

    private final TomlReader toml;

    private ConfigLoader(TomlReader toml) {
        this.toml = toml;
    }

    /** What a file says, by key, and what it means. */
    record Loaded(Config config, Map<String, String> said) {}

    static Config load(Path file) throws ConfigException {
        return loadAll(file).config();
    }

    static Loaded loadAll(Path file) throws ConfigException {
        String text;
        try {
            text = Files.readString(file);
        } catch (NoSuchFileException e) {
            throw new ConfigException(file + ": no such file");
        } catch (CharacterCodingException e) {
            throw new ConfigException(file + ":1: not UTF-8 text");
        } catch (IOException e) {
            throw new ConfigException(file + ": cannot be read: " + e);
        }
        return parseAll(file.toString(), text);
    }

    static Config parse(String file, String text) throws ConfigException {
        return parseAll(file, text).config();
    }

    private static Loaded parseAll(String file, String text) throws ConfigException {
        ConfigLoader loader = new ConfigLoader(new TomlReader(file, text));
        Config config = loader.read();
        loader.toml.refuseOthers();
        return new Loaded(config, loader.toml.said());
    }

    private Config read() throws ConfigException {
        Path runtimeDir = path("runtime_dir", "/run/ferry");
        Path stateDir = path("state_dir", "/var/lib/ferry");
        Optional<Config.Tls> tls = tls();
        return new Config(
                name(),
                stateDir,
                runtimeDir,
                new Config.Control(
                        control(runtimeDir, tls.isPresent()),
                        roles(tls.isPresent()),
                        path("control.audit_log", stateDir.resolve("audit.log").toString())),
                peer(),
                tls,
                new Config.Guests(
                        path("guests.ram_dir", "/dev/shm"),
                        toml.text("guests.emulator", ""),
                        toml.text("guests.user", ""),
                        toml.textTable("guests.values"),
                        toml.textTable("guests.paths")),
                policy(Policy.defaults()),
                moveLimits(MoveLimits.DEFAULTS),
                metrics(),
                toml.number("migration.connect_timeout_seconds", 1, 3600, 10),
                retryLimits(),
                level());
    }

    private String name() throws ConfigException {
        String name = toml.text("name", "");
        if (!name.isEmpty() || toml.isSaid("name")) {
            if (!NAME.matcher(name).matches()) {
                throw toml.wrong("name", "\"" + name + "\", allowed are 1 to 253 of A-Z a-z 0-9 . _ -");
            }
            return name;
        }
        return hostName(HOST_NAME);
    }

    /** What the kernel says: a host's name must not depend on a name server that may be away. */
    static String hostName(Path file) {
        try {
            String name = Files.readString(file).strip();
            // "(none)": nobody has set it.
            return NAME.matcher(name).matches() ? name : "localhost";
        } catch (IOException e) {
            return "localhost";
        }
    }

    private Path path(String key, String byDefault) throws ConfigException {
        String said = toml.text(key, byDefault);
        try {
            Path path = Path.of(said);
            if (path.isAbsolute()) {
                return path.normalize();
            }
        } catch (InvalidPathException e) {
            throw toml.wrong(key, "\"" + said + "\" is no path: " + e.getReason());
        }
        throw toml.wrong(key, "\"" + said + "\" is no absolute path");
    }

    private List<String> control(Path runtimeDir, boolean secure) throws ConfigException {
        String key = "control.listen";
        List<String> all = toml.texts(key, List.of("unix:" + runtimeDir.resolve("control.sock")));
        for (String address : all) {
            try {
                ListenAddress.control(address, secure);
            } catch (IllegalArgumentException e) {
                // The default is too long when runtime_dir is.
                throw toml.wrong(toml.isSaid(key) ? key : "runtime_dir", e.getMessage());
            }
        }
        return all;
    }

    private ControlRoles roles(boolean secure) throws ConfigException {
        String operators = "control.clients.operators";
        String viewers = "control.clients.viewers";
        ControlRoles roles = new ControlRoles(
                toml.texts("control.viewers", List.of()),
                toml.texts(operators, List.of()),
                toml.texts(viewers, List.of()));
        for (String user : roles.viewers()) {
            if (!Users.isKnown(user)) { // whoever was meant would be an operator
                throw toml.wrong(
                        "control.viewers",
                        "\"" + user
                                + "\" is no user in /etc/passwd: say the number of one who is only in a directory service");
            }
        }
        for (String key : List.of(operators, viewers)) {
            if (!secure && toml.isSaid(key)) {
                throw toml.wrong(key, "are names of certificates, and with [tls] mode = \"off\" nobody has one");
            }
        }
        for (String name : roles.clientViewers()) {
            if (roles.clientOperators().stream().anyMatch(name::equalsIgnoreCase)) {
                throw toml.wrong(viewers, "\"" + name + "\" is in " + operators + " too: it can be only one of them");
            }
        }
        return roles;
    }

    private InetSocketAddress peer() throws ConfigException {
        try {
            return ListenAddress.hostPort(toml.text("peer.listen", "127.0.0.1:7420"));
        } catch (IllegalArgumentException e) {
            throw toml.wrong("peer.listen", e.getMessage());
        }
    }

    private Optional<Config.Tls> tls() throws ConfigException {
        String mode = toml.text("tls.mode", "mutual");
        Config.Tls tls = new Config.Tls(
                path("tls.ca", TLS_DIRECTORY + "ca.crt"),
                path("tls.certificate", TLS_DIRECTORY + "host.crt"),
                path("tls.key", TLS_DIRECTORY + "host.key"),
                toml.texts("tls.allow", List.of()));
        return switch (mode) {
            case "mutual" -> Optional.of(tls);
            case "off" -> Optional.empty();
            default -> throw toml.wrong("tls.mode", "\"" + mode + "\", allowed are \"mutual\" and \"off\"");
        };
    }

    /** Whoever reaches it reads it, so it is on loopback unless it is said that others may. */
    private Optional<InetSocketAddress> metrics() throws ConfigException {
        String key = "metrics.listen";
        String said = toml.text(key, "");
        boolean mayBeRemote = toml.flag("metrics.allow_remote", false);
        if (said.isEmpty()) {
            return Optional.empty();
        }
        InetSocketAddress address;
        try {
            address = ListenAddress.hostPort(said);
        } catch (IllegalArgumentException e) {
            throw toml.wrong(key, e.getMessage());
        }
        if (!address.getAddress().isLoopbackAddress() && !mayBeRemote) {
            throw toml.wrong(
                    key,
                    "\"" + said
                            + "\" is not loopback, and whoever reaches it reads the metrics: listen on 127.0.0.1:PORT,"
                            + " or say allow_remote = true if a firewall keeps others away");
        }
        return Optional.of(address);
    }

    private RetryLimits retryLimits() throws ConfigException {
        RetryLimits builtIn = RetryLimits.DEFAULTS;
        return new RetryLimits(
                (long) (toml.seconds("migration.retry_seconds", MOST_RETRY_SECONDS, builtIn.ns() / NS_PER_SECOND)
                        * NS_PER_SECOND),
                (int) toml.number("migration.retries", 0, MOST_RETRIES, builtIn.times()));
    }

    private Policy policy(Policy builtIn) throws ConfigException {
        return new Policy(
                (int) toml.number("migration.precopy_rounds", 0, Integer.MAX_VALUE, builtIn.precopyRounds()),
                (long) (toml.seconds("migration.precopy_seconds", WEEK_SECONDS, builtIn.precopyNs() / NS_PER_SECOND)
                        * NS_PER_SECOND),
                toml.number("migration.bandwidth", 0, Long.MAX_VALUE, builtIn.bandwidthBytesPerSecond()),
                toml.number(
                        "migration.postcopy_bandwidth", 0, Long.MAX_VALUE, builtIn.postcopyBandwidthBytesPerSecond()),
                builtIn.keepSource(),
                lostPages(builtIn.lostPages()));
    }

    private MoveLimits moveLimits(MoveLimits builtIn) throws ConfigException {
        return new MoveLimits((int) toml.number("migration.max_outbound", 1, MOST_MOVES, builtIn.outbound()), (int)
                toml.number("migration.max_inbound", 1, MOST_MOVES, builtIn.inbound()));
    }

    private LostPagePolicy lostPages(LostPagePolicy builtIn) throws ConfigException {
        String key = "migration.lost_page_policy";
        String said = toml.text(key, builtIn.action().name().toLowerCase(Locale.ROOT));
        LostPagePolicy.Action action = switch (said) {
            case "wait" -> LostPagePolicy.Action.WAIT;
            case "stop" -> LostPagePolicy.Action.STOP;
            case "poison" -> LostPagePolicy.Action.POISON;
            default -> throw toml.wrong(key, "\"" + said + "\", allowed are \"wait\", \"stop\", \"poison\"");
        };
        double limit =
                toml.seconds("migration.lost_page_limit_seconds", WEEK_SECONDS, builtIn.limitNs() / NS_PER_SECOND);
        return new LostPagePolicy(action, (long) (limit * NS_PER_SECOND));
    }

    private String level() throws ConfigException {
        String level = toml.text("log.level", "INFO");
        String upper = level.toUpperCase(Locale.ROOT);
        if (!LEVELS.contains(upper)) {
            throw toml.wrong("log.level", "\"" + level + "\", allowed are error, warn, info, debug, trace");
        }
        return upper;
    }
}
