package dev.ferry.wire;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;

/** A CA and what it has signed, by keytool. */
final class TestCertificates {
    private static final String PASSWORD = "for-a-test";

    private final Path directory;

    TestCertificates(Path directory) throws Exception {
        this.directory = Files.createDirectories(directory);
        keytool("-genkeypair -alias ca -keyalg EC -groupname secp256r1 -dname CN=CA -ext bc:c=ca:true");
        keytool("-exportcert -rfc -alias ca -file " + authority());
    }

    Path authority() {
        return directory.resolve("ca.crt");
    }

    Path certificate(String alias) {
        return directory.resolve(alias + ".crt");
    }

    Path key(String alias) {
        return directory.resolve(alias + ".key");
    }

    /** @param names as keytool writes them: {@code dns:x,ip:y} */
    void sign(String alias, String names, String validity) throws Exception {
        keytool("-genkeypair -alias " + alias + " -keyalg EC -groupname secp256r1 -dname CN=" + alias);
        Path request = directory.resolve("request");
        keytool("-certreq -alias " + alias + " -file " + request);
        keytool("-gencert -rfc -alias ca -infile " + request + " -outfile " + certificate(alias) + " -ext san=" + names
                + " " + validity);
        KeyStore store = KeyStore.getInstance("PKCS12");
        try (InputStream in = Files.newInputStream(directory.resolve("store.p12"))) {
            store.load(in, PASSWORD.toCharArray());
        }
        Files.writeString(
                key(alias),
                "-----BEGIN PRIVATE KEY-----\n"
                        + Base64.getMimeEncoder()
                                .encodeToString(store.getKey(alias, PASSWORD.toCharArray())
                                        .getEncoded())
                        + "\n-----END PRIVATE KEY-----\n");
    }

    PeerTls tls(String alias, String... allowed) throws Exception {
        return new PeerTls(authority(), certificate(alias), key(alias), List.of(allowed));
    }

    private void keytool(String words) throws Exception {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "keytool").toString());
        command.addAll(List.of(words.split(" ")));
        command.addAll(List.of(
                "-storetype", "PKCS12", "-keystore", directory.resolve("store.p12") + "", "-storepass", PASSWORD));
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor()).as(said).isZero();
    }
}
