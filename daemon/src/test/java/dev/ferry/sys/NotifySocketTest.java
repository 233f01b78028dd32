package dev.ferry.sys;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

@Tag("kernel")
class NotifySocketTest {
    private static final Duration LIMIT = Duration.ofSeconds(5);

    /** As a service manager does: one message, its text, and the descriptor that came with it, which it writes into. */
    private static final String RECEIVER = """
            #include <stddef.h>
            #include <stdio.h>
            #include <string.h>
            #include <sys/socket.h>
            #include <sys/un.h>
            #include <unistd.h>
            int main(int argc, char **argv) {
                struct sockaddr_un a = {.sun_family = AF_UNIX};
                size_t n = strlen(argv[1]);
                memcpy(a.sun_path, argv[1], n);
                if (*argv[1] == '@') a.sun_path[0] = 0;
                int s = socket(AF_UNIX, SOCK_DGRAM, 0);
                if (bind(s, (struct sockaddr *)&a, offsetof(struct sockaddr_un, sun_path) + n)) return 1;
                if (write(1, "L", 1) != 1) return 2;
                char data[99], control[256];
                struct iovec v = {data, sizeof data};
                struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
                ssize_t got = recvmsg(s, &m, 0);
                struct cmsghdr *h = CMSG_FIRSTHDR(&m);
                if (got < 0 || !h || h->cmsg_type != SCM_RIGHTS || h->cmsg_len != CMSG_LEN(sizeof(int))) return 4;
                int fd;
                memcpy(&fd, CMSG_DATA(h), sizeof fd);
                return pwrite(fd, data, got, 0) == got ? 0 : 5;
            }
            """;

    @Test
    void shouldSendTextAndADescriptorToAPathOrAName(@TempDir Path directory) throws Exception {
        Path receiver = CProgram.compile(directory, "receiver", RECEIVER);
        String name = "@ferry-test-" + ProcessHandle.current().pid();
        for (String address : new String[] {directory.resolve("notify").toString(), name}) {
            Process server = new ProcessBuilder(receiver.toString(), address).start();
            try (RamFile file = MemFd.create("passed", PageSize.BASE)) {
                assertThat(server.getInputStream().read()).isEqualTo('L');
                NotifySocket.send(address, "FDSTORE=1\n", LIMIT, file.fd());
                assertThat(server.waitFor()).isZero();
                ByteBuffer page = NativeBuffer.allocate(PageSize.BASE);
                file.read(0, NativeBuffer.address(page), 16);
                byte[] text = new byte[10];
                page.get(0, text);
                assertThat(text).asString().isEqualTo("FDSTORE=1\n");
            } finally {
                server.destroyForcibly().waitFor();
            }
        }
    }

    @Test
    void shouldSayThatNobodyListens(@TempDir Path directory) {
        String nobody = directory.resolve("nobody").toString();
        assertThatThrownBy(() -> NotifySocket.send(nobody, "READY=1", LIMIT)).hasMessageContaining(nobody);
        assertThatThrownBy(() -> NotifySocket.send("/" + "x".repeat(120), "READY=1", LIMIT))
                .isInstanceOf(SysException.class);
    }
}
