package dev.ferry.sys;

import java.time.Duration;
import java.util.concurrent.CountDownLatch;

/** A process that is asked to end while it has a thread of another one stopped, with the registers of an injected call. */
final class EndingInjector {
    private static final int CALLS = 100;

    private EndingInjector() {}

    /** @param arguments the other's pid. Exits with 0 if it let go before it ended */
    public static void main(String[] arguments) throws InterruptedException {
        CountDownLatch asked = new CountDownLatch(1);
        Runtime.getRuntime().addShutdownHook(new Thread(() -> {
            asked.countDown();
            boolean quiet = RemoteSyscall.quiesce(Duration.ofSeconds(10));
            Runtime.getRuntime().halt(quiet ? 0 : 3);
        }));
        try (RemoteSyscall remote = RemoteSyscall.attach(Integer.parseInt(arguments[0]))) {
            remote.call(Syscalls.GETPID, 0, 0, 0, 0, 0, 0);
            System.out.println("stopped");
            asked.await();
            for (int i = 0; i < CALLS; i++) {
                remote.call(Syscalls.GETPID, 0, 0, 0, 0, 0, 0);
            }
        }
        new CountDownLatch(1).await();
    }
}
