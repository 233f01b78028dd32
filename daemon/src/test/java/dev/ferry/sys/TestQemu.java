package dev.ferry.sys;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * A QEMU that is not our child, under TCG as uid 65534 or under KVM as we are, with a guest that is one boot sector: it counts
 * at 0x20000 and writes the count into 64 pages in turn.
 */
final class TestQemu implements AutoCloseable {
    enum Accelerator {
        TCG,
        KVM
    }

    static final int RAM_BYTES = 64 << 20;
    static final int COUNTER = 0x20000;
    private static final Duration LIMIT = Duration.ofSeconds(30);

    final int pid;
    final PidFd process;
    /** Guest physical address 0 in QEMU's address space. */
    final long ramAddress;
    /** Null when the RAM is private. */
    final RamFile ram;

    private final Path directory;
    private final UnixConnection qmp;
    private final StringBuilder unread = new StringBuilder();

    private TestQemu(Path directory, int pid, PidFd process, boolean shared) {
        this.directory = directory;
        this.pid = pid;
        this.process = process;
        String socket = directory.resolve("qmp").toString();
        await().atMost(LIMIT).until(() -> Files.exists(directory.resolve("qmp")));
        await().atMost(LIMIT).ignoreExceptionsInstanceOf(SysException.class).until(() -> {
            UnixConnection.connect(socket, LIMIT).close();
            return true;
        });
        this.qmp = UnixConnection.connect(socket, LIMIT);
        execute("\"qmp_capabilities\"");
        String answer = execute("\"human-monitor-command\",\"arguments\":{\"command-line\":\"gpa2hva 0\"}");
        this.ramAddress = Long.parseUnsignedLong(group(answer, "is 0x([0-9a-f]+)"), 16);
        this.ram = shared ? RamFile.open(directory.resolve("ram").toString(), true) : null;
    }

    static TestQemu start(Accelerator accelerator, boolean shared) throws Exception {
        Path directory = Files.createTempDirectory(Path.of("/dev/shm"), "ferry-qemu");
        Files.setPosixFilePermissions(directory, PosixFilePermissions.fromString("rwxrwxrwx"));
        Path disk = buildDisk(directory);
        List<String> command = new ArrayList<>();
        if (accelerator == Accelerator.TCG) {
            command.addAll(List.of("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"));
        }
        String memory = shared
                ? "memory-backend-file,id=m,size=64M,share=on,mem-path=" + directory.resolve("ram")
                : "memory-backend-ram,id=m,size=64M";
        command.addAll(List.of("qemu-system-x86_64", "-machine", "q35,memory-backend=m", "-m", "64"));
        command.addAll(List.of("-accel", accelerator == Accelerator.TCG ? "tcg" : "kvm", "-object", memory));
        command.addAll(List.of("-display", "none", "-nodefaults", "-device", "ide-hd,drive=d"));
        command.addAll(List.of("-drive", "if=none,id=d,format=raw,read-only=off,snapshot=on,file=" + disk));
        command.addAll(List.of("-qmp", "unix:" + directory.resolve("qmp") + ",server=on,wait=off"));
        int pid = Orphan.start(command.toArray(new String[0]));
        PidFd process = PidFd.open(pid);
        try {
            TestQemu qemu = new TestQemu(directory, pid, process, shared);
            qemu.awaitCounterAbove(0);
            return qemu;
        } catch (RuntimeException e) {
            process.signal(9);
            throw e;
        }
    }

    private static Path buildDisk(Path directory) throws Exception {
        Path source = Files.writeString(directory.resolve("boot.S"), BOOT_SECTOR);
        Path disk = directory.resolve("disk");
        String link = "-Wl,-Ttext=0x7c00,--oformat=binary,--build-id=none";
        CProgram.run("gcc", "-m32", "-nostdlib", "-static", link, "-o", disk.toString(), source.toString());
        // SeaBIOS passes over a disk of one sector.
        CProgram.run("truncate", "-s", "1M", disk.toString());
        CProgram.run("chmod", "644", disk.toString());
        return disk;
    }

    /** Sends a command, its name and arguments as JSON, descriptors with it; the line that answers it. */
    String execute(String command, Fd... descriptors) {
        byte[] line = ("{\"execute\":" + command + "}\n").getBytes(StandardCharsets.UTF_8);
        qmp.write(line, 0, line.length, descriptors);
        while (true) {
            String answer = readLine();
            assertThat(answer).doesNotContain("\"error\"");
            if (answer.contains("\"return\"")) {
                return answer;
            }
        }
    }

    private String readLine() {
        byte[] bytes = new byte[4096];
        int newline;
        while ((newline = unread.indexOf("\n")) < 0) {
            int count = qmp.read(bytes, 0, bytes.length);
            assertThat(count).as("QEMU hung up").isPositive();
            unread.append(new String(bytes, 0, count, StandardCharsets.UTF_8));
        }
        String line = unread.substring(0, newline);
        unread.delete(0, newline + 1);
        return line;
    }

    static String group(String text, String pattern) {
        Matcher matcher = Pattern.compile(pattern).matcher(text);
        assertThat(matcher.find()).as("%s in %s", pattern, text).isTrue();
        return matcher.group(1);
    }

    /** Reads through QEMU's own page tables. */
    long counter() {
        ByteBuffer value = NativeBuffer.allocate(8);
        ProcessMemory.read(pid, ramAddress + COUNTER, NativeBuffer.address(value), 4);
        return Integer.toUnsignedLong(value.getInt(0));
    }

    void awaitCounterAbove(long value) {
        await().atMost(LIMIT).pollInterval(Duration.ofMillis(5)).until(() -> counter() > value);
    }

    @Override
    public void close() throws IOException {
        if (process.isAlive()) {
            process.signal(9);
        }
        assertThat(process.awaitExit(10_000)).isTrue();
        qmp.close();
        process.close();
        if (ram != null) {
            ram.close();
        }
        try (Stream<Path> files = Files.list(directory)) {
            for (Path file : files.toList()) {
                Files.delete(file);
            }
        }
        Files.delete(directory);
    }

    private static final String BOOT_SECTOR = """
            .code16
            .globl _start
            _start:
                cli
                mov $0x2000, %ax
                mov %ax, %ds
            again:
                incl 0
                mov 0, %eax
                and $0x3f, %ax
                shl $8, %ax
                add $0x3000, %ax
                mov %ax, %es
                mov 0, %eax
                mov %eax, %es:0
                jmp again
                .org 510
                .word 0xaa55
            """;
}
