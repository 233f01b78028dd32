package dev.ferry.qemu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.ferry.base.FerryException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class CommandLineReaderTest {
    private static GuestDefinition read(String... arguments) {
        List<String> line = new ArrayList<>(List.of("qemu-system-x86_64"));
        line.addAll(Arrays.asList(arguments));
        return GuestDefinition.fromCommandLine("web", "/usr/bin/qemu-system-x86_64", line, "/srv/vm", "pc-q35-7.2");
    }

    private static GuestDefinition words(String line) {
        return read(line.split(" "));
    }

    @Test
    void shouldTakeOutWhatBelongsToTheProcess() {
        GuestDefinition guest =
                words("-name web -machine q35,usb=off,memory-backend=m,accel=kvm:tcg -m 512 -smp 2,sockets=2 "
                        + "-cpu max -object memory-backend-ram,id=m,size=512M -qmp unix:/q,server=on,wait=off -S -incoming defer "
                        + "-daemonize -pidfile /p -D /log -chardev socket,id=mon0,path=/m,server=on,wait=off "
                        + "-mon chardev=mon0,mode=control -device virtio-rng-pci -display none");
        assertThat(guest.machine()).isEqualTo("pc-q35-7.2,usb=off");
        assertThat(guest.accel()).isEqualTo("kvm:tcg");
        assertThat(guest.cpu()).isEqualTo("max");
        assertThat(guest.smp()).isEqualTo("2,sockets=2");
        assertThat(guest.memoryBytes()).isEqualTo(512L << 20);
        assertThat(guest.nodes()).isEmpty();
        assertThat(guest.arguments()).containsExactly("-device", "virtio-rng-pci", "-display", "none");
    }

    @Test
    void shouldMakePathsAbsolute() {
        GuestDefinition guest = words("-kernel bzImage -initrd ./i.gz -drive if=virtio,file=disk.qcow2 -bios /b.bin "
                + "-drive file=nbd://h/x -serial file:out.log boot.img");
        assertThat(guest.arguments())
                .containsSubsequence("-kernel", "/srv/vm/bzImage")
                .contains("if=virtio,file=/srv/vm/disk.qcow2", "/b.bin", "file=nbd://h/x", "/srv/vm/boot.img")
                .anyMatch(a -> a.startsWith("file,id=ferry-serial") && a.endsWith(",path=/srv/vm/out.log,append=on"));
    }

    @Test
    void shouldAppendToSerialFiles() {
        assertThat(words("-serial file:/out").arguments())
                .containsExactly(
                        "-chardev", "file,id=ferry-serial0,path=/out,append=on", "-serial", "chardev:ferry-serial0");
    }

    @Test
    void shouldLeaveTheKernelCommandLineAlone() {
        String append = "console=ttyS0,115200 fd=1,path=x file=y";
        assertThat(read("-kernel", "/k", "-append", append).arguments()).contains(append);
    }

    @Test
    void shouldNotTakeAnOptionForTheValueOfAFlag() {
        assertThat(words("-s -S -usb -device virtio-rng-pci").arguments())
                .doesNotContain("-S")
                .contains("-usb", "-device", "virtio-rng-pci");
    }

    @Test
    void shouldKeepSlotsForMemory() {
        GuestDefinition guest = words("-m 1G,slots=4,maxmem=4G");
        assertThat(guest.memoryBytes()).isEqualTo(1L << 30);
        assertThat(guest.arguments()).containsExactly("-m", "slots=4,maxmem=4G");
    }

    @Test
    void shouldReadNodesInTheirOrderWithAllTheirCpus() {
        GuestDefinition guest = read(
                "-m",
                "768M",
                "-smp",
                "4",
                "-object",
                "memory-backend-ram,id=b,size=512M",
                "-object",
                "{\"qom-type\":\"memory-backend-memfd\",\"id\":\"a\",\"size\":268435456}",
                "-numa",
                "node,nodeid=1,cpus=2-3,memdev=b",
                "-numa",
                "node,nodeid=0,cpus=0,cpus=1,memdev=a",
                "-numa",
                "dist,src=0,dst=1,val=20");
        assertThat(guest.nodes())
                .containsExactly(
                        new GuestDefinition.Node(256L << 20, "0,1"), new GuestDefinition.Node(512L << 20, "2-3"));
        assertThat(guest.memoryBytes()).isEqualTo(768L << 20);
        assertThat(guest.arguments()).containsExactly("-numa", "dist,src=0,dst=1,val=20");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "-netdev tap,id=n,fd=24",
                "-netdev tap,fds=24:25,id=n",
                "-device {\"driver\":\"x\",\"fd\":\"7\"}",
                "-readconfig /etc/vm.conf",
                "-nographic",
                "-nographic -serial file:/x"
            })
    void shouldRefuseWhatCannotTravel(String line) {
        assertThatThrownBy(() -> words(line))
                .isInstanceOf(FerryException.class)
                .hasMessageContaining("web")
                .hasMessageContaining(line.split(" ", -1)[0]);
    }

    @Test
    void shouldAllowDescriptorsOfTheMonitorThatIsTakenOut() {
        assertThat(words(
                                "-chardev socket,id=charmonitor,fd=22,server=on,wait=off -mon chardev=charmonitor,id=m,mode=control")
                        .arguments())
                .isEmpty();
    }

    @Test
    void shouldAllowNographicWithItsOwnSerialPortAndMonitor() {
        assertThat(words("-nographic -serial null -monitor none").arguments())
                .contains("-nographic", "-serial", "null");
    }

    @Test
    void shouldComeOutOfItsOwnArgumentsUnchanged() {
        GuestDefinition guest = read("-append", "a=${b}", "-device", "virtio-rng-pci", "-m", "256");
        HostProfile host = TestProfiles.plain();
        List<String> argv =
                new QemuArguments(guest, host, host.guestsDir().resolve("web"), false).build(List.of(), false);
        assertThat(argv).containsSubsequence("-append", "a=${b}");
        assertThat(GuestDefinition.fromCommandLine("web", guest.emulator(), argv, "/", "pc-q35-7.2"))
                .isEqualTo(guest);
    }
}
