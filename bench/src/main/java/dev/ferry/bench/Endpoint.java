package dev.ferry.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** The verifying guest on one of the two hosts: its QEMU's monitor and its serial port. */
final class Endpoint implements AutoCloseable {
    private static final int KEY_SECONDS = 20;

    final Qmp qmp;
    final SerialTail serial;

    private Endpoint(Qmp qmp, SerialTail serial) {
        this.qmp = qmp;
        this.serial = serial;
    }

    /** Waits for both files to be there. */
    static Endpoint connect(Path socket, Path serialFile, int seconds) throws Exception {
        Qmp[] qmp = new Qmp[1];
        Wall.await("a QEMU at " + socket, seconds, 2, () -> {
            if (!Files.exists(serialFile)) {
                return false;
            }
            try {
                qmp[0] = new Qmp(socket);
                return true;
            } catch (IOException notYet) {
                return false;
            }
        });
        return new Endpoint(qmp[0], new SerialTail(serialFile));
    }

    /** Presses a key and waits for the line that answers it; returns the index of the first line after the key. */
    int press(char key, String answer) throws Exception {
        int before = serial.size();
        qmp.key(key);
        serial.await(before, KEY_SECONDS, answer);
        return before;
    }

    /** All of its memory, checked by itself. */
    void verify() throws Exception {
        int before = serial.size();
        qmp.key('v');
        String result = serial.await(before, 240, "^VERIFY ");
        if (!result.matches("VERIFY ok=1 .*bad=0 .*")) {
            throw new DamageException("the guest found wrong bytes: " + result);
        }
        serial.checkSound();
    }

    @Override
    public void close() throws IOException {
        try {
            qmp.close();
        } finally {
            serial.close();
        }
    }
}
