package dev.ferry.qemu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.ferry.base.FerryException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class QemuArgumentsTest {
    private static final String MINIMAL = "name = \"web\"\nmemory = \"256MiB\"\n";

    private static List<String> build(String toml, HostProfile host, boolean kvm, List<Path> files, boolean incoming) {
        GuestDefinition definition = GuestDefinition.fromToml(toml, "web.toml");
        return new QemuArguments(definition, host, host.guestsDir().resolve("web"), kvm).build(files, incoming);
    }

    private static List<String> build(String toml) {
        return build(toml, TestProfiles.plain(), false, List.of(), false);
    }

    @Test
    void shouldAddOnlyWhatFerryNeeds() {
        assertThat(String.join(" ", build(MINIMAL)))
                .startsWith("qemu-system-x86_64 -name web -machine q35,memory-backend=ferry-ram0 -accel tcg -smp 1 -m ")
                .contains("-object memory-backend-ram,id=ferry-ram0,size=")
                .contains("-qmp unix:/run/ferry/guests/web/qmp.sock,server=on,wait=off")
                .contains("-qmp unix:/run/ferry/guests/web/monitor.sock,server=on,wait=off")
                .contains("-pidfile /run/ferry/guests/web/pid")
                .doesNotContain("-S", "-incoming", "-nodefaults", "-numa");
    }

    @Test
    void shouldGiveAnArrivingGuestItsFiles() {
        List<String> argv = build(MINIMAL, TestProfiles.plain(), true, List.of(Path.of("/dev/shm/f")), true);
        assertThat(argv)
                .containsSubsequence("-accel", "kvm", "-accel", "tcg")
                .containsSubsequence("-S", "-incoming", "defer");
        assertThat(argv)
                .anyMatch(a -> a.startsWith("memory-backend-file,id=ferry-ram0")
                        && a.endsWith(",share=on,mem-path=/dev/shm/f"));
    }

    @Test
    void shouldDropKvmWithItsOptionsWhereThereIsNone() {
        String accel = "accel = \"kvm,kernel-irqchip=split:tcg\"\n";
        assertThat(build(MINIMAL + accel)).containsSubsequence("-accel", "tcg").noneMatch(a -> a.startsWith("kvm"));
        assertThat(build(MINIMAL + "accel = \"kvm\"\n")).containsSubsequence("-accel", "kvm");
    }

    @Test
    void shouldGiveEachNodeItsMemoryAndAllItsCpus() {
        List<String> argv = build("name = \"web\"\n[[node]]\nmemory = \"128MiB\"\ncpus = \"0,2-3\"\n"
                + "[[node]]\nmemory = \"64MiB\"\ncpus = \"1\"\n");
        assertThat(argv)
                .contains("q35")
                .contains("node,nodeid=0,cpus=0,cpus=2-3,memdev=ferry-ram0")
                .contains("node,nodeid=1,cpus=1,memdev=ferry-ram1");
    }

    @Test
    void shouldReplaceKeysAndPaths() {
        HostProfile host =
                TestProfiles.of(Map.of("TAP", "tap7"), Map.of("/vm", "/srv", "/vm/fast", "/nvme", "/srv", "/no"));
        String args =
                "args = [\"-netdev\", \"tap,ifname=${TAP}\", \"-drive\", \"file=/vm/fast/a,id=/vmx\", \"-kernel\", "
                        + "\"/vm/k\", \"-append\", \"root=/vm/x\", \"-D2\", \"${guest_dir}/${name}\"]\n";
        assertThat(build(MINIMAL + args, host, false, List.of(), false))
                .contains(
                        "tap,ifname=tap7", "file=/nvme/a,id=/vmx", "/srv/k", "root=/vm/x", "/run/ferry/guests/web/web");
    }

    @Test
    void shouldNameAKeyThatTheHostLacks() {
        assertThatThrownBy(() -> build(MINIMAL + "args = [\"${TAP}\"]\n"))
                .isInstanceOf(FerryException.class)
                .hasMessageContaining("${TAP}");
    }
}
