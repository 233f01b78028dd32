package dev.ferry.client;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.WebSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.awaitility.Awaitility;

/** A real Chromium without a window, through its DevTools protocol. Nothing of it is left when it is closed. */
final class Browser implements AutoCloseable {
    private static final long LIMIT_S = 30;

    private final Path home;
    private final Process process;
    private final HttpClient http = HttpClient.newHttpClient();
    private final BlockingQueue<String> messages = new LinkedBlockingQueue<>();
    private final WebSocket socket;
    private int sent;

    Browser() throws Exception {
        home = Files.createTempDirectory("ferry-test-browser-");
        ProcessBuilder builder = new ProcessBuilder(
                "chromium",
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-dev-shm-usage",
                "--no-first-run",
                "--hide-scrollbars",
                "--user-data-dir=" + home.resolve("profile"),
                "--remote-debugging-port=0",
                "about:blank");
        builder.environment().putAll(Map.of("HOME", home.toString(), "TMPDIR", home.toString()));
        process = builder.redirectErrorStream(true)
                .redirectOutput(home.resolve("log").toFile())
                .start();
        try {
            socket = connect();
        } catch (Exception | Error e) {
            end();
            throw e;
        }
    }

    private WebSocket connect() throws Exception {
        Path port = home.resolve("profile/DevToolsActivePort");
        Awaitility.await()
                .atMost(LIMIT_S, TimeUnit.SECONDS)
                .until(() -> Files.exists(port) && Files.readAllLines(port).size() >= 2);
        String authority = "127.0.0.1:" + Files.readAllLines(port).get(0);
        WebSocket browser = http.newWebSocketBuilder()
                .buildAsync(
                        URI.create(
                                "ws://" + authority + Files.readAllLines(port).get(1)),
                        new Listener())
                .get(LIMIT_S, TimeUnit.SECONDS);
        return browser;
    }

    private final class Listener implements WebSocket.Listener {
        private final StringBuilder text = new StringBuilder();

        @Override
        public CompletionStage<?> onText(WebSocket from, CharSequence data, boolean last) {
            text.append(data);
            if (last) {
                messages.add(text.toString());
                text.setLength(0);
            }
            from.request(1);
            return null;
        }
    }

    /** One page, as wide as it is said, in the light or in the dark. */
    final class Page {
        private final String session;

        Page(Path file, int width, boolean isDark) throws Exception {
            String target = call(null, "Target.createTarget", "{\"url\":\"about:blank\"}")
                    .get("targetId")
                    .getAsString();
            session = call(null, "Target.attachToTarget", "{\"targetId\":\"" + target + "\",\"flatten\":true}")
                    .get("sessionId")
                    .getAsString();
            call(
                    session,
                    "Emulation.setDeviceMetricsOverride",
                    "{\"width\":" + width + ",\"height\":800,\"deviceScaleFactor\":2,\"mobile\":" + (width < 600)
                            + "}");
            call(
                    session,
                    "Emulation.setEmulatedMedia",
                    "{\"features\":[{\"name\":\"prefers-color-scheme\",\"value\":\"" + (isDark ? "dark" : "light")
                            + "\"}]}");
            call(session, "Page.enable", "{}");
            call(session, "Page.navigate", "{\"url\":\"" + file.toUri() + "\"}");
            Awaitility.await()
                    .atMost(LIMIT_S, TimeUnit.SECONDS)
                    .until(() -> evaluate("document.readyState + ' ' + (location.protocol == 'file:')")
                            .getAsString()
                            .equals("complete true"));
        }

        /** Past the page's own policy. */
        JsonElement evaluate(String expression) throws Exception {
            JsonObject request = new JsonObject();
            request.addProperty("expression", expression);
            request.addProperty("returnByValue", true);
            JsonObject answer = call(session, "Runtime.evaluate", request.toString());
            if (answer.has("exceptionDetails")) {
                throw new IllegalStateException(answer.toString());
            }
            return answer.getAsJsonObject("result").get("value");
        }

        /** All of the page. */
        void screenshot(Path png) throws Exception {
            JsonObject shot =
                    call(session, "Page.captureScreenshot", "{\"format\":\"png\",\"captureBeyondViewport\":true}");
            Files.createDirectories(png.getParent());
            Files.write(png, Base64.getDecoder().decode(shot.get("data").getAsString()));
        }
    }

    private JsonObject call(String session, String method, String parameters) throws Exception {
        int id = ++sent;
        JsonObject request = new JsonObject();
        request.addProperty("id", id);
        request.addProperty("method", method);
        request.add("params", JsonParser.parseString(parameters));
        if (session != null) {
            request.addProperty("sessionId", session);
        }
        socket.sendText(request.toString(), true).get(LIMIT_S, TimeUnit.SECONDS);
        while (true) {
            String message = messages.poll(LIMIT_S, TimeUnit.SECONDS);
            if (message == null) {
                throw new IllegalStateException(
                        "no answer to " + method + "\n" + Files.readString(home.resolve("log")));
            }
            JsonObject answer = JsonParser.parseString(message).getAsJsonObject();
            if (answer.has("id") && answer.get("id").getAsInt() == id) {
                if (answer.has("error")) {
                    throw new IllegalStateException(method + ": " + answer.get("error"));
                }
                return answer.getAsJsonObject("result");
            }
        }
    }

    private void end() throws Exception {
        List<ProcessHandle> children = process.descendants().toList();
        process.destroyForcibly().waitFor();
        for (ProcessHandle child : children) {
            child.destroyForcibly();
            child.onExit().get(LIMIT_S, TimeUnit.SECONDS);
        }
        try (Stream<Path> all = Files.walk(home)) {
            for (Path p : all.sorted(Comparator.reverseOrder()).toList()) {
                Files.deleteIfExists(p);
            }
        }
    }

    @Override
    public void close() throws Exception {
        socket.abort();
        end();
    }
}
