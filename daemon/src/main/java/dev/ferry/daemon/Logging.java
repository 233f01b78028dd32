package dev.ferry.daemon;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.turbo.TurboFilter;
import ch.qos.logback.core.spi.FilterReply;
import io.grpc.StatusRuntimeException;
import java.util.logging.Handler;
import java.util.logging.LogManager;
import java.util.logging.LogRecord;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.Marker;

/** The level of the configuration, and java.util.logging (grpc-java's) into the same log. */
final class Logging {
    private Logging() {}

    static void start() {
        ((LoggerContext) LoggerFactory.getILoggerFactory()).addTurboFilter(new RehearsalsAreQuiet());
        LogManager.getLogManager().reset();
        java.util.logging.Logger root = java.util.logging.Logger.getLogger("");
        root.setLevel(java.util.logging.Level.WARNING);
        root.addHandler(new Forward());
    }

    static void level(String level) {
        LoggerContext context = (LoggerContext) LoggerFactory.getILoggerFactory();
        context.getLogger(Logger.ROOT_LOGGER_NAME).setLevel(Level.valueOf(level));
    }

    private static final class RehearsalsAreQuiet extends TurboFilter {
        @Override
        public FilterReply decide(
                Marker marker,
                ch.qos.logback.classic.Logger logger,
                Level level,
                String format,
                Object[] arguments,
                Throwable thrown) {
            boolean quiet = Thread.currentThread().getName().startsWith(Rehearsal.THREADS)
                    && !logger.getName().equals(Rehearsal.class.getName());
            return quiet ? FilterReply.DENY : FilterReply.NEUTRAL;
        }
    }

    static final class Forward extends Handler {
        @Override
        public void publish(LogRecord event) {
            String name = event.getLoggerName() == null ? "java" : event.getLoggerName();
            Logger log = LoggerFactory.getLogger(name);
            if (event.getThrown() instanceof StatusRuntimeException status) {
                // What a caller was answered, a message too large or no message at all: its mistake, no bug of ours.
                log.warn("{}: {}", event.getMessage(), status.getMessage());
            } else if (event.getLevel().intValue() >= java.util.logging.Level.SEVERE.intValue()) {
                log.error("{}", event.getMessage(), event.getThrown());
            } else {
                log.warn("{}", event.getMessage(), event.getThrown());
            }
        }

        @Override
        public void flush() {}

        @Override
        public void close() {}
    }
}
