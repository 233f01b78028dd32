package dev.ferry.sys;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;

/**
 * A process of uid 65534, not our child, whose main thread does one thing over and over and counts what goes wrong. It talks
 * by a shared page: 0 ready, 1 end!, 2 ended well, 3 rounds, 4 EINTR, 5 errors, 6 signals sent, 7 signals handled.
 */
final class Victim implements AutoCloseable {
    private static final int READY = 0;
    private static final int END = 1;
    private static final int ENDED = 2;
    private static final int ROUNDS = 3;
    private static final int INTERRUPTED = 4;
    private static final int ERRORS = 5;
    private static final int SENT = 6;
    private static final int HANDLED = 7;

    final int pid;
    final PidFd process;
    private final RamFile file;
    private final ByteBuffer page;

    private Victim(int pid, RamFile file) {
        this.pid = pid;
        this.process = PidFd.open(pid);
        this.file = file;
        this.page = file.map();
    }

    /** @param mode what the main thread does: see the C source below */
    static Victim start(Path directory, String mode) throws Exception {
        return start(directory, mode, 65534);
    }

    static Victim start(Path directory, String mode, int uid) throws Exception {
        Files.setPosixFilePermissions(directory, PosixFilePermissions.fromString("rwxr-xr-x"));
        Path binary = CProgram.compile(directory, "victim", SOURCE);
        Path shared = directory.resolve("shared");
        RamFile file = RamFile.create(shared.toString(), PageSize.BASE);
        Files.setPosixFilePermissions(shared, PosixFilePermissions.fromString("rw-rw-rw-"));
        Victim victim = new Victim(
                Orphan.start(
                        "setpriv",
                        "--reuid=" + uid,
                        "--regid=65534",
                        "--clear-groups",
                        binary.toString(),
                        mode,
                        shared.toString()),
                file);
        victim.awaitNonZero(READY);
        return victim;
    }

    long rounds() {
        return page.getLong(ROUNDS * 8);
    }

    long interrupted() {
        return page.getLong(INTERRUPTED * 8);
    }

    long errors() {
        return page.getLong(ERRORS * 8);
    }

    long signalsSent() {
        return page.getLong(SENT * 8);
    }

    long signalsHandled() {
        return page.getLong(HANDLED * 8);
    }

    /** R, S, T, ... of /proc/PID/stat. */
    char state() {
        String stat = ProcFiles.text(ProcFiles.path(pid, "stat"));
        return stat.charAt(stat.lastIndexOf(')') + 2);
    }

    void end() {
        page.putLong(END * 8, 1);
        awaitNonZero(ENDED);
        assertThat(process.awaitExit(10_000)).isTrue();
    }

    private void awaitNonZero(int field) {
        await().atMost(Duration.ofSeconds(20))
                .pollInterval(Duration.ofMillis(1))
                .until(() -> page.getLong(field * 8) != 0);
    }

    @Override
    public void close() {
        if (process.isAlive()) {
            process.signal(9);
        }
        process.close();
        file.close();
    }

    private static final String SOURCE = """
            #define _GNU_SOURCE
            #include <errno.h>
            #include <fcntl.h>
            #include <linux/futex.h>
            #include <linux/userfaultfd.h>
            #include <poll.h>
            #include <pthread.h>
            #include <signal.h>
            #include <string.h>
            #include <sys/epoll.h>
            #include <sys/ioctl.h>
            #include <sys/mman.h>
            #include <sys/syscall.h>
            #include <time.h>
            #include <unistd.h>

            static volatile long *page;
            static int uffd;
            static char *held;
            static int word, pipes[2];
            static const char *mode;
            static pthread_t main_thread;
            static volatile long expected = 1;

            static void on_value(int s, siginfo_t *i, void *c) {
                if (i->si_code != SI_QUEUE || i->si_value.sival_int != expected) page[5]++;
                expected++;
                page[7]++;
            }
            static void on_signal(int s) { page[7]++; }

            static void pause_ms(long ms) {
                struct timespec t = {0, ms * 1000000};
                while (nanosleep(&t, &t) && errno == EINTR) {}
            }

            /* Sends signals if asked to, and ends the main thread's waiting when the test says so. */
            static void *control(void *unused) {
                int queue = !strcmp(mode, "queue"), usr = !strcmp(mode, "ppoll-signals");
                while (!page[1]) {
                    if (queue) {
                        union sigval v = {.sival_int = page[6] + 1};
                        if (!pthread_sigqueue(main_thread, SIGRTMIN, v)) page[6]++;
                        if (page[6] - page[7] > 1000) pause_ms(1);
                    } else if (usr && page[6] == page[7]) {
                        page[6]++;
                        pthread_kill(main_thread, SIGUSR1);
                    } else {
                        pause_ms(1);
                    }
                }
                if (held) {
                    struct uffdio_zeropage z = {.range = {(long)held, 4096}};
                    if (ioctl(uffd, UFFDIO_ZEROPAGE, &z)) page[5]++;
                }
                word = 1;
                syscall(SYS_futex, &word, FUTEX_WAKE, 1, 0, 0, 0);
                if (write(pipes[1], "x", 1) != 1) page[5]++;
                return 0;
            }

            /* A page that nobody has: a system call that reads it is held by the kernel until control() brings it. */
            static void hold(void) {
                uffd = syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);
                struct uffdio_api a = {.api = UFFD_API};
                held = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
                struct uffdio_register r = {.range = {(long)held, 4096}, .mode = UFFDIO_REGISTER_MODE_MISSING};
                if (ioctl(uffd, UFFDIO_API, &a) || ioctl(uffd, UFFDIO_REGISTER, &r)) page[5]++;
            }

            static void result(long r, long good) {
                if (r == good) page[3]++;
                else if (r < 0 && errno == EINTR) page[4]++;
                else page[5]++;
            }

            static long spin(void) {
                double d = 1; long a = 1, b = 2, c = 3, e = 5, f = 7, g = 11;
                for (int i = 0; i < 100000; i++) {
                    d = d * 1.0000001 + 0.5; a += b ^ i; b += c * 3; c ^= e + i; e += f << 1; f ^= g; g += a;
                }
                return a ^ b ^ c ^ e ^ f ^ g ^ (long)d;
            }

            int main(int argc, char **argv) {
                mode = argv[1];
                page = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, open(argv[2], O_RDWR), 0);
                if (page == MAP_FAILED || pipe(pipes)) return 1;
                main_thread = pthread_self();
                struct sigaction q = {.sa_sigaction = on_value, .sa_flags = SA_SIGINFO};
                sigaction(SIGRTMIN, &q, 0);
                struct sigaction u = {.sa_handler = on_signal};
                sigaction(SIGUSR1, &u, 0);
                sigset_t usr, none;
                sigemptyset(&none);
                sigemptyset(&usr);
                sigaddset(&usr, SIGUSR1);
                pthread_sigmask(SIG_BLOCK, &usr, 0);
                if (!strcmp(mode, "held")) hold();
                pthread_t t;
                pthread_create(&t, 0, control, 0);
                struct pollfd p = {pipes[0], POLLIN, 0};
                int ep = epoll_create1(0);
                struct epoll_event ev = {.events = EPOLLIN};
                epoll_ctl(ep, EPOLL_CTL_ADD, pipes[0], &ev);
                long right = spin();
                page[0] = 1;
                while (!page[1]) {
                    if (!strcmp(mode, "futex")) result(syscall(SYS_futex, &word, FUTEX_WAIT, 0, 0, 0, 0), 0);
                    else if (!strcmp(mode, "futex-timed")) {
                        struct timespec long_time = {3600, 0};
                        result(syscall(SYS_futex, &word, FUTEX_WAIT, 0, &long_time, 0, 0), 0);
                    } else if (!strcmp(mode, "poll")) result(poll(&p, 1, 3600000), 1);
                    else if (!strncmp(mode, "ppoll", 5)) {
                        struct timespec long_time = {3600, 0};
                        result(ppoll(&p, 1, &long_time, &none), 1);
                    } else if (!strcmp(mode, "read")) { char b; result(read(pipes[0], &b, 1), 1); }
                    else if (held) result(write(pipes[1], held, 1), 1);
                    else if (!strcmp(mode, "epoll")) result(epoll_wait(ep, &ev, 1, -1), 1);
                    else if (!strcmp(mode, "nanosleep")) {
                        struct timespec before, after, t = {0, 20000000};
                        clock_gettime(CLOCK_MONOTONIC, &before);
                        result(nanosleep(&t, 0), 0);
                        clock_gettime(CLOCK_MONOTONIC, &after);
                        long ns = (after.tv_sec - before.tv_sec) * 1000000000 + after.tv_nsec - before.tv_nsec;
                        if (ns < 20000000) page[5]++;
                    } else result(spin() == right ? 0 : -2, 0);
                }
                pthread_join(t, 0);
                while (expected <= page[6] && !strcmp(mode, "queue")) pause_ms(1);
                page[2] = 1;
                return 0;
            }
            """;
}
