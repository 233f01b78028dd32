package dev.ferry.client;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.GeneralSecurityException;
import java.security.Key;
import java.security.KeyFactory;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.SecureRandom;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** A CA and certificates of hosts and clients, as PEM files, by the JDK's own keytool (P-256). Keys are readable by their owner only. */
final class CertificateMaker implements AutoCloseable {
    private static final Pattern NAME = Pattern.compile("[A-Za-z0-9._-]{1,253}");
    private static final Pattern ADDRESS = Pattern.compile("[0-9.]+|[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*");
    private static final int AUTHORITY_DAYS = 3650;
    private static final long LIMIT_SECONDS = 60;

    private final Path directory;
    private final int days;
    private final Path work;

    /** Only in the environment of keytool. */
    private final String password = new BigInteger(160, new SecureRandom()).toString(36);

    /** @param days how long a certificate is valid, but for the CA's */
    CertificateMaker(Path directory, int days) throws IOException {
        this.directory = directory;
        this.days = days;
        Files.createDirectories(directory);
        this.work = Files.createTempDirectory(
                directory,
                ".keytool",
                PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
    }

    /** False: there is one already. */
    boolean makeAuthority() throws IOException, InterruptedException {
        Path certificate = directory.resolve("ca.crt");
        Path key = directory.resolve("ca.key");
        if (Files.exists(certificate) && Files.exists(key)) {
            restore(certificate, key);
            return false;
        }
        if (Files.exists(certificate) || Files.exists(key)) {
            throw new IOException("there is only one of ca.crt and ca.key: neither is written over");
        }
        keytool(
                "-genkeypair -alias ca -keyalg EC -groupname secp256r1 -validity " + AUTHORITY_DAYS,
                "-dname",
                "CN=Ferry CA",
                "-ext",
                "bc:c=ca:true,pathlen:0",
                "-ext",
                "ku:c=keyCertSign,cRLSign");
        writePem("ca", certificate, key);
        return true;
    }

    /**
     * Whose certificate. A client's must not do for a host, which may move guests to others; and a host is no client unless its name is said
     * to be one.
     */
    enum Kind {
        HOST("host", "serverAuth,clientAuth"),
        CLIENT("client", "clientAuth");

        private final String file;
        private final String usage;

        Kind(String file, String usage) {
            this.file = file;
            this.usage = usage;
        }
    }

    /**
     * @param names its own first
     * @return the directory with ca.crt, and host.crt and host.key, or client.crt and client.key
     */
    Path make(Kind kind, List<String> names) throws IOException, InterruptedException {
        for (String name : names) {
            if (!NAME.matcher(name).matches() && !ADDRESS.matcher(name).matches()) {
                throw new IllegalArgumentException(
                        "\"" + name + "\" is neither a " + kind.file + "'s name nor an address");
            }
        }
        Path out = directory.resolve(names.get(0));
        for (Kind other : Kind.values()) {
            Path key = out.resolve(other.file + ".key");
            if (Files.exists(key)) {
                throw new IOException(key + " exists: "
                        + (other == kind
                                ? "it is not written over"
                                : "a client with a host's name would be taken for it; choose another name"));
            }
        }
        String alias = kind.file + "-" + names.get(0);
        String subjects = names.stream()
                .map(n -> (ADDRESS.matcher(n).matches() ? "ip:" : "dns:") + n)
                .collect(Collectors.joining(","));
        keytool(
                "-genkeypair -alias " + alias + " -keyalg EC -groupname secp256r1 -validity " + days,
                "-dname",
                "CN=" + names.get(0));
        Path request = work.resolve("request");
        Path answer = work.resolve("answer");
        keytool("-certreq -alias " + alias + " -file " + request);
        keytool(
                "-gencert -rfc -alias ca -infile " + request + " -outfile " + answer + " -validity " + days,
                "-ext",
                "san=" + subjects,
                "-ext",
                "ku:c=digitalSignature",
                "-ext",
                "eku=" + kind.usage);
        Files.createDirectories(out);
        Files.copy(directory.resolve("ca.crt"), out.resolve("ca.crt"), StandardCopyOption.REPLACE_EXISTING);
        Files.copy(answer, out.resolve(kind.file + ".crt"), StandardCopyOption.REPLACE_EXISTING);
        writeKey(alias, out.resolve(kind.file + ".key"));
        return out;
    }

    private Path store() {
        return work.resolve("store.p12");
    }

    /** @param command words without blanks in them, then words as they are */
    private void keytool(String command, String... more) throws IOException, InterruptedException {
        List<String> all = new ArrayList<>();
        all.add(Path.of(System.getProperty("java.home"), "bin", "keytool").toString());
        all.addAll(List.of(command.split(" ")));
        all.addAll(List.of(more));
        all.addAll(List.of(
                "-storetype", "PKCS12", "-keystore", store().toString(), "-storepass:env", "FERRY_TLS_PASSWORD"));
        ProcessBuilder builder = new ProcessBuilder(all).redirectErrorStream(true);
        builder.environment().put("FERRY_TLS_PASSWORD", password);
        Path said = work.resolve("said");
        Process process = builder.redirectOutput(said.toFile()).start();
        process.getOutputStream().close();
        if (!process.waitFor(LIMIT_SECONDS, TimeUnit.SECONDS)) {
            process.destroyForcibly();
            throw new IOException("keytool does not end");
        }
        if (process.exitValue() != 0) {
            throw new IOException("keytool: " + Files.readString(said).strip());
        }
    }

    private KeyStore open() throws IOException, GeneralSecurityException {
        KeyStore store = KeyStore.getInstance("PKCS12");
        if (Files.exists(store())) {
            try (InputStream in = Files.newInputStream(store())) {
                store.load(in, password.toCharArray());
            }
        } else {
            store.load(null, null);
        }
        return store;
    }

    /** The CA's files back into a store, as keytool wants it. */
    private void restore(Path certificateFile, Path keyFile) throws IOException {
        try (InputStream in = Files.newInputStream(certificateFile)) {
            Certificate certificate = CertificateFactory.getInstance("X.509").generateCertificate(in);
            String pem = Files.readString(keyFile).replaceAll("-----[A-Z ]+-----|\\s", "");
            PrivateKey key = KeyFactory.getInstance(certificate.getPublicKey().getAlgorithm())
                    .generatePrivate(new PKCS8EncodedKeySpec(Base64.getDecoder().decode(pem)));
            KeyStore store = open();
            store.setKeyEntry("ca", key, password.toCharArray(), new Certificate[] {certificate});
            try (OutputStream out = Files.newOutputStream(store())) {
                store.store(out, password.toCharArray());
            }
        } catch (GeneralSecurityException | IllegalArgumentException e) {
            throw new IOException(certificateFile + " and " + keyFile + " are no CA of mine: " + e.getMessage(), e);
        }
    }

    private void writePem(String alias, Path certificateFile, Path keyFile) throws IOException {
        try {
            writeKey(alias, keyFile);
            Files.writeString(
                    certificateFile,
                    pem("CERTIFICATE", open().getCertificate(alias).getEncoded()));
        } catch (GeneralSecurityException e) {
            throw new IOException("keytool's store: " + e.getMessage(), e);
        }
    }

    private void writeKey(String alias, Path file) throws IOException {
        try {
            Key key = open().getKey(alias, password.toCharArray());
            Files.deleteIfExists(file);
            Files.createFile(file, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
            Files.writeString(file, pem("PRIVATE KEY", key.getEncoded()), StandardOpenOption.WRITE);
        } catch (GeneralSecurityException e) {
            throw new IOException("keytool's store: " + e.getMessage(), e);
        }
    }

    private static String pem(String what, byte[] der) {
        return "-----BEGIN " + what + "-----\n"
                + Base64.getMimeEncoder(64, "\n".getBytes(StandardCharsets.US_ASCII))
                        .encodeToString(der)
                + "\n-----END " + what + "-----\n";
    }

    @Override
    public void close() throws IOException {
        try (Stream<Path> all = Files.walk(work)) {
            for (Path path : all.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(path);
            }
        }
    }
}
