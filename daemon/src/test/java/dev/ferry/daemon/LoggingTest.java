package dev.ferry.daemon;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import io.grpc.Status;
import java.util.logging.Level;
import java.util.logging.LogRecord;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.slf4j.LoggerFactory;

class LoggingTest {
    private final Logger logger = (Logger) LoggerFactory.getLogger("io.grpc.test");
    private final ListAppender<ILoggingEvent> appender = new ListAppender<>();

    @BeforeEach
    void listen() {
        logger.setAdditive(false);
        appender.start();
        logger.addAppender(appender);
    }

    @AfterEach
    void leave() {
        logger.detachAppender(appender);
        logger.setAdditive(true);
    }

    private ILoggingEvent forwarded(Throwable thrown) {
        LogRecord event = new LogRecord(Level.SEVERE, "Exception while executing runnable");
        event.setLoggerName("io.grpc.test");
        event.setThrown(thrown);
        new Logging.Forward().publish(event);
        return appender.list.get(0);
    }

    @Test
    void shouldGiveACallersMistakeOneLine() {
        ILoggingEvent line = forwarded(Status.INTERNAL
                .withDescription("Invalid protobuf byte sequence")
                .asRuntimeException());
        assertThat(line.getThrowableProxy()).isNull();
        assertThat(line.getFormattedMessage())
                .isEqualTo("Exception while executing runnable: INTERNAL: Invalid protobuf byte sequence");
    }

    @Test
    void shouldShowWhereABugIs() {
        assertThat(forwarded(new NullPointerException()).getThrowableProxy()).isNotNull();
    }
}
