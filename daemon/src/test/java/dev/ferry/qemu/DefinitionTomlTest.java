package dev.ferry.qemu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.ferry.base.ErrorCategory;
import dev.ferry.base.FerryException;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class DefinitionTomlTest {
    private static final String FULL = """
            name = "web-1"
            machine = "pc-q35-7.2,usb=off"
            cpu = "max"
            smp = 4
            hugepages = "2MiB"
            backing = "memfd"
            args = ["-display", "none", "-append", "a=\\"b\\"\\tc\\n"]
            [[node]]
            memory = "1GiB"
            cpus = "0-1"
            [[node]]
            memory = "512MiB"
            cpus = "2-3"
            """;

    @Test
    void shouldReadEveryKey() {
        GuestDefinition guest = GuestDefinition.fromToml(FULL, "f.toml");
        assertThat(guest.smp()).isEqualTo("4");
        assertThat(guest.memoryBytes()).isEqualTo(1536L << 20);
        assertThat(guest.hugePageBytes()).isEqualTo(2L << 20);
        assertThat(guest.nodes()).hasSize(2);
        assertThat(guest.arguments()).isEqualTo(List.of("-display", "none", "-append", "a=\"b\"\tc\n"));
    }

    @Test
    void shouldComeBackFromTomlAndJsonUnchanged() {
        GuestDefinition guest = GuestDefinition.fromToml(FULL, "f.toml");
        assertThat(GuestDefinition.fromToml(guest.toToml(), "g.toml")).isEqualTo(guest);
        assertThat(GuestDefinition.fromJson(guest.toJson())).isEqualTo(guest);
    }

    /** The lines of a file are separated by a bar here. */
    @ParameterizedTest
    @CsvSource(
            quoteCharacter = '`',
            delimiter = ';',
            value = {
                "name = 'a'|memory = '1GiB'|memroy = '2GiB';                   f.toml:3: memroy: ",
                "name = 'a'|memory = 256;                                      f.toml:2: memory: ",
                "name = 'a'|memory = 'lots';                                   f.toml:2: memory: ",
                "memory = '1GiB';                                              f.toml:1: name: ",
                "name = 'a';                                                   f.toml:1: memory: ",
                "memory = '1GiB'|name = 'a/b';                                 f.toml:2: name: ",
                "name = 'a'|memory = '1GiB'|backing = 'disk';                  f.toml:3: backing: ",
                "name = 'a'|memory = '1GiB'|hugepages = '3MiB';                f.toml:3: hugepages: ",
                "name = 'a'|memory = '1GiB'|smp = [2];                         f.toml:3: smp: ",
                "name = 'a'|memory = '1GiB'|args = '-usb';                     f.toml:3: args: ",
                "name = 'a'|memory = '1GiB'|args = [1];                        f.toml:3: args: ",
                "name = 'a'|memory = '1GiB'|[[node]]|memory = 'x';             f.toml:4: memory: ",
                "name = 'a'|[[node]]|memory = '1GiB'|cpus = [0];               f.toml:4: cpus: ",
                "name = 'a'|[[node]]|memory = '1GiB'|[[node]]|memory = 'x';    f.toml:5: memory: ",
                "name = 'a'|memory = ;                                         f.toml:2: "
            })
    void shouldNameFileLineAndKey(String toml, String message) {
        String text = toml.replace('|', '\n').replace('\'', '"');
        assertThatThrownBy(() -> GuestDefinition.fromToml(text, "f.toml"))
                .isInstanceOfSatisfying(
                        FerryException.class, e -> assertThat(e.category()).isEqualTo(ErrorCategory.INVALID_ARGUMENT))
                .hasMessageStartingWith(message.strip());
    }
}
