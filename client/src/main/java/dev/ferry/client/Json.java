package dev.ferry.client;

import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Message;
import com.google.protobuf.util.JsonFormat;

/** The protocol's JSON form: every field, lowerCamelCase; 64-bit integers are strings, as protobuf has it. */
final class Json {
    private static final JsonFormat.Printer PRINTER = JsonFormat.printer().alwaysPrintFieldsWithNoPresence();

    private Json() {}

    static String of(Message message) {
        try {
            return PRINTER.print(message);
        } catch (InvalidProtocolBufferException e) {
            // Only an Any of an unknown type does this; the protocol has none.
            throw new IllegalArgumentException(e);
        }
    }
}
