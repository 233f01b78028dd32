package dev.ferry.daemon;

import static org.assertj.core.api.Assertions.assertThat;

import dev.ferry.sys.Fd;
import io.netty.bootstrap.Bootstrap;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.SimpleChannelInboundHandler;
import io.netty.channel.epoll.EpollDomainDatagramChannel;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.unix.DomainDatagramPacket;
import io.netty.channel.unix.DomainSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ServiceManagerTest {
    private final MultiThreadIoEventLoopGroup loop = new MultiThreadIoEventLoopGroup(1, EpollIoHandler.newFactory());
    private final BlockingQueue<String> heard = new LinkedBlockingQueue<>();

    @AfterEach
    void stop() {
        loop.shutdownGracefully(0, 1, TimeUnit.SECONDS);
    }

    @Test
    void shouldNotifyAPath(@TempDir Path dir) throws InterruptedException {
        String socket = dir.resolve("notify").toString();
        listen(socket);
        new ServiceManager(socket).ready();
        assertThat(heard.poll(10, TimeUnit.SECONDS)).isEqualTo("READY=1\n");
        new ServiceManager(socket).stopping();
        assertThat(heard.poll(10, TimeUnit.SECONDS)).isEqualTo("STOPPING=1\n");
    }

    @Test
    void shouldTellThatItReadsItsConfigurationAgainAndWhatBecameOfIt(@TempDir Path dir) throws InterruptedException {
        String socket = dir.resolve("notify").toString();
        listen(socket);
        long beforeUs = System.nanoTime() / 1000;
        new ServiceManager(socket).reloading();
        String reloading = heard.poll(10, TimeUnit.SECONDS);
        assertThat(reloading).startsWith("RELOADING=1\nMONOTONIC_USEC=");
        assertThat(Long.parseLong(
                        reloading.substring(reloading.lastIndexOf('=') + 1).strip()))
                .isBetween(beforeUs, System.nanoTime() / 1000);
        new ServiceManager(socket).reloaded("two\nlines");
        assertThat(heard.poll(10, TimeUnit.SECONDS)).isEqualTo("READY=1\nSTATUS=two lines\n");
    }

    @Test
    void shouldNotifyAnAbstractName() throws InterruptedException {
        String name = "ferry-test-" + ProcessHandle.current().pid();
        listen("\0" + name);
        new ServiceManager("@" + name).ready();
        assertThat(heard.poll(10, TimeUnit.SECONDS)).isEqualTo("READY=1\n");
    }

    @Test
    void shouldHaveADescriptorKeptOnceUntilItIsDropped(@TempDir Path dir) throws Exception {
        String socket = dir.resolve("notify").toString();
        listen(socket);
        ServiceManager manager = new ServiceManager(socket);
        try (Fd fd = Fd.open("/dev/null", 0, 0)) {
            manager.keep("uffd-1.in-7-9", fd);
            assertThat(heard.poll(10, TimeUnit.SECONDS)).isEqualTo("FDSTORE=1\nFDNAME=uffd-1.in-7-9\nFDPOLL=0\n");
            manager.keep("uffd-1.in-7-9", fd);
        }
        assertThat(manager.names()).containsExactly("uffd-1.in-7-9");
        // It is the next daemon's to have.
        assertThat(manager.take("uffd-1.in-7-9")).isEmpty();
        manager.drop("uffd-1.in-7-9");
        assertThat(heard.poll(10, TimeUnit.SECONDS)).isEqualTo("FDSTOREREMOVE=1\nFDNAME=uffd-1.in-7-9\n");
        manager.drop("uffd-1.in-7-9");
        manager.alive();
        assertThat(heard.poll(10, TimeUnit.SECONDS)).isEqualTo("WATCHDOG=1\n");
        assertThat(manager.names()).isEmpty();
    }

    @Test
    void shouldKeepNothingWhereNobodyListens() {
        try (Fd fd = Fd.open("/dev/null", 0, 0)) {
            ServiceManager manager = ServiceManager.of(Map.of("LISTEN_PID", "6", "LISTEN_FDS", "1"), 7);
            manager.keep("a", fd);
            assertThat(manager.names()).isEmpty();
            assertThat(manager.take("a")).isEmpty();
        }
    }

    @Test
    void shouldNotMindThatNobodyListens(@TempDir Path dir) {
        new ServiceManager(null).ready();
        new ServiceManager("").ready();
        new ServiceManager(dir.resolve("nobody").toString()).ready();
        assertThat(heard).isEmpty();
    }

    @Test
    void shouldKnowHowOftenItIsToTellThatItLives() {
        assertThat(ServiceManager.watchdogNs(Map.of(), 7)).isEmpty();
        assertThat(ServiceManager.watchdogNs(Map.of("WATCHDOG_USEC", "30000000"), 7))
                .hasValue(30_000_000_000L);
        assertThat(ServiceManager.watchdogNs(Map.of("WATCHDOG_USEC", "5", "WATCHDOG_PID", "7"), 7))
                .hasValue(5_000);
        assertThat(ServiceManager.watchdogNs(Map.of("WATCHDOG_USEC", "5", "WATCHDOG_PID", "8"), 7))
                .isEmpty();
        assertThat(ServiceManager.watchdogNs(Map.of("WATCHDOG_USEC", "x"), 7)).isEmpty();
    }

    private void listen(String socket) {
        new Bootstrap()
                .group(loop)
                .channel(EpollDomainDatagramChannel.class)
                .handler(new SimpleChannelInboundHandler<DomainDatagramPacket>() {
                    @Override
                    protected void channelRead0(ChannelHandlerContext context, DomainDatagramPacket packet) {
                        heard.add(packet.content().toString(StandardCharsets.US_ASCII));
                    }
                })
                .bind(new DomainSocketAddress(socket))
                .syncUninterruptibly();
    }
}
