package dev.ferry.qemu;

import com.code_intelligence.jazzer.junit.FuzzTest;
import dev.ferry.base.FerryException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.params.provider.MethodSource;

/** Definitions from a command line, from a person, from a peer: refused by name, or one that a QEMU can be started from. */
class DefinitionFuzzTest {
    private static final Path DIRECTORY = Path.of("/run/ferry/guests/web");

    private static Stream<byte[]> bytes(String... texts) {
        return Stream.of(texts).map(t -> t.getBytes(StandardCharsets.UTF_8));
    }

    /** It can be written down in either form, read again, and made a command line of. */
    private static void check(GuestDefinition definition) {
        if (!GuestDefinition.fromJson(definition.toJson()).equals(definition)) {
            throw new AssertionError("another definition after JSON");
        }
        definition.toToml();
        try {
            new QemuArguments(definition, TestProfiles.plain(), DIRECTORY, false).build(List.of(), true);
        } catch (FerryException e) {
            // A variable that this host does not have.
        }
    }

    static Stream<byte[]> commandLines() {
        return bytes(
                "-m\0512\0-smp\0002\0-device\0virtio-rng-pci",
                "-object\0memory-backend-ram,id=m,size=512M\0-numa\0node,nodeid=0,memdev=m,cpus=0-1\0-m\0512",
                "-numa\0node,nodeid=x",
                "-numa\0node,nodeid=99999999999,memdev=m",
                "-object\0{\"qom-type\":\"memory-backend-file\",\"id\":\"m\",\"size\":9}\0-machine\0q35,memory-backend=m",
                "-object\0{\"qom-type\":[[[[",
                "-object\0{}",
                "-chardev\0file,id=a,path=/x\0-mon\0chardev=a\0-serial\0chardev:a",
                "-serial\0file:\0-drive\0file=,,\0-append\0${x}",
                "-m\0099999999999999999999T",
                "-name\0a\0-");
    }

    @MethodSource("commandLines")
    @FuzzTest
    void commandLine(byte[] bytes) {
        List<String> line = new ArrayList<>(List.of("qemu-system-x86_64"));
        line.addAll(List.of(new String(bytes, StandardCharsets.UTF_8).split("\0", -1)));
        GuestDefinition definition;
        try {
            definition = GuestDefinition.fromCommandLine("web", "qemu-system-x86_64", line, "/srv/vm", "pc-q35-7.2");
        } catch (FerryException e) {
            return;
        }
        check(definition);
    }

    static Stream<byte[]> tomls() {
        return bytes(
                "name = \"web\"\nmemory = \"1GiB\"\nargs = [\"-device\", \"virtio-rng-pci\"]\n",
                "name = \"web\"\n[[node]]\nmemory = \"8388607TiB\"\n[[node]]\nmemory = \"8388607TiB\"\n",
                "name = \"web\"\nmemory = \"0\"\n[[node]]\nmemory = \"0\"\ncpus = \"0\"",
                "a = 0x" + "f".repeat(3000),
                "a = " + "[".repeat(2000),
                "a" + ".a".repeat(3000) + " = 1",
                "name = 1979-05-27T07:32:00Z\nmemory = 99999999999999999999999999\n",
                "node = [1]\nname = \"x\"",
                "name = \"\\uD800\"\nmemory = \"1\"");
    }

    @MethodSource("tomls")
    @FuzzTest
    void toml(byte[] bytes) {
        GuestDefinition definition;
        try {
            definition = GuestDefinition.fromToml(new String(bytes, StandardCharsets.UTF_8), "guest.toml");
        } catch (FerryException e) {
            return;
        }
        check(definition);
        if (!GuestDefinition.fromToml(definition.toToml(), "again.toml").equals(definition)) {
            throw new AssertionError("another definition after TOML:\n" + definition.toToml());
        }
    }

    static Stream<byte[]> jsons() {
        String rest =
                "\"emulator\":\"q\",\"machine\":\"m\",\"accel\":\"tcg\",\"cpu\":\"\",\"smp\":\"1\",\"backing\":\"private\"";
        return bytes(
                "{\"name\":\"web\",\"memoryBytes\":4096,\"arguments\":[\"-S\"]," + rest + "}",
                "{\"name\":\"web\",\"memoryBytes\":4096,\"nodes\":[{\"memoryBytes\":4096}]," + rest + "}",
                "{\"name\":\"web\",\"memoryBytes\":4096,\"nodes\":[{\"memoryBytes\":-4096},{\"memoryBytes\":8192}],"
                        + rest + "}",
                "{\"name\":\"web\",\"memoryBytes\":4096,\"arguments\":[null]," + rest + "}",
                "{\"name\":\"web\",\"memoryBytes\":4096,\"nodes\":[null]," + rest + "}",
                "{\"name\":\"web\",\"memoryBytes\":1}",
                "null",
                "",
                "[".repeat(3000));
    }

    @MethodSource("jsons")
    @FuzzTest
    void json(byte[] bytes) {
        GuestDefinition definition;
        try {
            definition = GuestDefinition.fromJson(new String(bytes, StandardCharsets.UTF_8));
        } catch (FerryException e) {
            return;
        }
        check(definition);
        definition.withMachine("pc-q35-7.2");
    }
}
