package dev.ferry.system;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedReader;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/** An operator's QMP connection, apart from ferryd's: for keys, status, stop and cont of a test. Not thread-safe. */
final class Qmp implements AutoCloseable {
    private static final ObjectMapper JSON = new ObjectMapper();
    private final SocketChannel channel;
    private final BufferedReader in;

    Qmp(Path socket) throws IOException {
        channel = SocketChannel.open(StandardProtocolFamily.UNIX);
        channel.connect(UnixDomainSocketAddress.of(socket));
        in = new BufferedReader(Channels.newReader(channel, StandardCharsets.UTF_8));
        in.readLine();
        command("qmp_capabilities", "{}");
    }

    JsonNode command(String name, String arguments) throws IOException {
        ByteBuffer line = ByteBuffer.wrap(
                ("{\"execute\":\"" + name + "\",\"arguments\":" + arguments + "}\n").getBytes(StandardCharsets.UTF_8));
        while (line.hasRemaining()) {
            channel.write(line);
        }
        for (String text = in.readLine(); text != null; text = in.readLine()) {
            JsonNode reply = JSON.readTree(text);
            if (reply.has("error")) {
                throw new IOException(name + ": " + reply.get("error"));
            }
            if (reply.has("return")) {
                return reply.get("return");
            }
        }
        throw new IOException(name + ": QEMU closed the connection");
    }

    String status() throws IOException {
        return command("query-status", "{}").get("status").asText();
    }

    void key(char key) throws IOException {
        command("send-key", "{\"keys\":[{\"type\":\"qcode\",\"data\":\"" + key + "\"}],\"hold-time\":20}");
    }

    @Override
    public void close() throws IOException {
        channel.close();
    }
}
