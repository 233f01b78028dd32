package dev.ferry.api;

import dev.ferry.base.ErrorCategory;
import dev.ferry.base.FerryException;
import dev.ferry.migration.GuestControl;
import java.util.List;

/**
 * One guest of 1 MiB with 64 KiB of firmware; every name is its name, but not {@code nobody}. None starts: the error has the
 * whole definition in it.
 */
final class FakeGuests implements GuestControl {
    private static GuestView guest(String name) {
        return new GuestView(
                name,
                "RUNNING",
                42,
                "/run/q.sock",
                "7.2.22",
                "pc-q35-7.2",
                List.of(
                        new BlockView("pc.ram", 1 << 20, 4096, "private", true),
                        new BlockView("pc.bios", 1 << 16, 4096, "private", false)),
                "",
                true,
                "name = \"g\"\n");
    }

    @Override
    public GuestView run(String toml, String fileName) {
        throw new FerryException(ErrorCategory.INVALID_ARGUMENT, fileName + ":1: name: missing: " + toml);
    }

    @Override
    public GuestView attach(String name, String qmpSocket, boolean incoming) {
        return guest(name);
    }

    @Override
    public List<GuestView> list() {
        return List.of(guest("g1"));
    }

    @Override
    public GuestView show(String name) {
        if ("nobody".equals(name)) {
            throw new FerryException(ErrorCategory.NOT_FOUND, "no guest nobody");
        }
        return guest(name);
    }

    @Override
    public GuestView detach(String name) {
        return guest(name);
    }
}
