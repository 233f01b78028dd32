package dev.ferry.daemon;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The answer to SIGHUP: the configuration is read again. Java would end the process. One at a time, on a thread for each signal. */
final class ReloadSignal {
    private static final Logger LOG = LoggerFactory.getLogger(ReloadSignal.class);

    private ReloadSignal() {}

    /** @param reload says what became of it */
    static void listen(ServiceManager manager, Supplier<String> reload) {
        Object once = new Object();
        handle(() -> {
            synchronized (once) {
                manager.reloading();
                try {
                    manager.reloaded(reload.get());
                } catch (RuntimeException e) {
                    LOG.error("reading the configuration again failed: a bug", e);
                    manager.reloaded("reading the configuration again failed: " + e);
                }
            }
        });
    }

    /** sun.misc.Signal is of jdk.unsupported, which is there to stay, but the compiler warns of everybody who names it. */
    private static void handle(Runnable action) {
        try {
            Class<?> signal = Class.forName("sun.misc.Signal");
            Class<?> handler = Class.forName("sun.misc.SignalHandler");
            Object ours = Proxy.newProxyInstance(
                    handler.getClassLoader(), new Class<?>[] {handler}, (proxy, method, arguments) -> {
                        action.run();
                        return null;
                    });
            signal.getMethod("handle", signal, handler)
                    .invoke(null, signal.getConstructor(String.class).newInstance("HUP"), ours);
        } catch (InvocationTargetException e) {
            LOG.warn("SIGHUP ends this ferryd and does not read its configuration again: {}", e.getCause());
        } catch (ReflectiveOperationException e) {
            LOG.warn("SIGHUP ends this ferryd and does not read its configuration again: {}", e);
        }
    }
}
