package dev.ferry.wire;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.InputStream;
import java.net.InetAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManagerFactory;

/** A CA and what it has signed, by keytool. */
public final class TestCertificates {
    private static final String PASSWORD = "for-a-test";

    private final Path directory;

    public TestCertificates(Path directory) throws Exception {
        this.directory = Files.createDirectories(directory);
        keytool("-genkeypair -alias ca -keyalg EC -groupname secp256r1 -dname CN=CA -ext bc:c=ca:true");
        keytool("-exportcert -rfc -alias ca -file " + authority());
    }

    public Path authority() {
        return directory.resolve("ca.crt");
    }

    public Path certificate(String alias) {
        return directory.resolve(alias + ".crt");
    }

    public Path key(String alias) {
        return directory.resolve(alias + ".key");
    }

    /** @param names as keytool writes them: {@code dns:x,ip:y} */
    public void sign(String alias, String names, String validity) throws Exception {
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

    public PeerTls tls(String alias, String... allowed) throws Exception {
        return new PeerTls(authority(), certificate(alias), key(alias), List.of(allowed));
    }

    /** A connection to this machine, of a client that has this certificate and not much else. */
    public SSLSocket socket(String alias, int port) throws Exception {
        return socket(context(alias), port, "127.0.0.1");
    }

    /** For many of them. */
    public SSLContext context(String alias) throws Exception {
        KeyStore store = KeyStore.getInstance("PKCS12");
        try (InputStream in = Files.newInputStream(directory.resolve("store.p12"))) {
            store.load(in, PASSWORD.toCharArray());
        }
        KeyStore only = KeyStore.getInstance("PKCS12");
        only.load(null, null);
        CertificateFactory factory = CertificateFactory.getInstance("X.509");
        try (InputStream own = Files.newInputStream(certificate(alias));
                InputStream ca = Files.newInputStream(authority())) {
            only.setKeyEntry(
                    alias, store.getKey(alias, PASSWORD.toCharArray()), PASSWORD.toCharArray(), new Certificate[] {
                        factory.generateCertificate(own)
                    });
            only.setCertificateEntry("ca", factory.generateCertificate(ca));
        }
        KeyManagerFactory keys = KeyManagerFactory.getInstance("PKIX");
        keys.init(only, PASSWORD.toCharArray());
        TrustManagerFactory trust = TrustManagerFactory.getInstance("PKIX");
        trust.init(only);
        SSLContext context = SSLContext.getInstance("TLSv1.3");
        context.init(keys.getKeyManagers(), trust.getTrustManagers(), null);
        return context;
    }

    /** @param from an address of this machine */
    public static SSLSocket socket(SSLContext context, int port, String from) throws Exception {
        SSLSocket socket = (SSLSocket) context.getSocketFactory()
                .createSocket(InetAddress.getLoopbackAddress(), port, InetAddress.getByName(from), 0);
        SSLParameters parameters = socket.getSSLParameters();
        parameters.setApplicationProtocols(new String[] {"h2"});
        socket.setSSLParameters(parameters);
        return socket;
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
