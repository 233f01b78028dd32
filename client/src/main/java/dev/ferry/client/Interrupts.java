package dev.ferry.client;

import java.lang.reflect.Proxy;

/**
 * Ctrl-C as a question first. sun.misc.Signal is in every JDK (module jdk.unsupported) and there is no other way; it is reached by
 * reflection because javac warns of it. Where it is missing, Ctrl-C ends the process as ever.
 */
final class Interrupts implements AutoCloseable {
    private final Object before;

    private Interrupts(Object before) {
        this.before = before;
    }

    /** @param interrupted called on a thread of the JVM's, each time */
    static Interrupts listen(Runnable interrupted) {
        try {
            Class<?> handler = Class.forName("sun.misc.SignalHandler");
            return new Interrupts(handle(Proxy.newProxyInstance(
                    handler.getClassLoader(), new Class<?>[] {handler}, (self, method, arguments) -> {
                        if (method.getName().equals("handle")) {
                            interrupted.run();
                            return null;
                        }
                        return method.getName().equals("equals") ? self == arguments[0] : 0; // and hashCode
                    })));
        } catch (ReflectiveOperationException e) {
            return new Interrupts(null);
        }
    }

    private static Object handle(Object handler) throws ReflectiveOperationException {
        Class<?> signal = Class.forName("sun.misc.Signal");
        return signal.getMethod("handle", signal, Class.forName("sun.misc.SignalHandler"))
                .invoke(null, signal.getConstructor(String.class).newInstance("INT"), handler);
    }

    @Override
    public void close() {
        if (before != null) {
            try {
                handle(before);
            } catch (ReflectiveOperationException e) {
                throw new IllegalStateException(e); // it worked a moment ago
            }
        }
    }
}
