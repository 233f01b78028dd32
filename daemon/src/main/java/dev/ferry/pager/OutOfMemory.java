package dev.ferry.pager;

import dev.ferry.base.FerryException;
import dev.ferry.sys.PidFd;
import dev.ferry.sys.ProcFs;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A paused source QEMU holds pages that nobody else has: the last process that a host without memory may end. Where the
 * privilege is missing it is as likely as before.
 */
final class OutOfMemory {
    private static final Logger LOG = LoggerFactory.getLogger(OutOfMemory.class);

    /** Nobody else says just this, so a later daemon knows it for ours. */
    static final int SPARED = -990;

    private final PidFd process;
    private int before;

    OutOfMemory(PidFd process) {
        this.process = process;
    }

    void spare() {
        try {
            int now = ProcFs.oomScoreAdjust(process.pid());
            if (now > SPARED) {
                ProcFs.setOomScoreAdjust(process.pid(), SPARED);
                before = now;
            }
        } catch (FerryException e) {
            LOG.info("QEMU {} cannot be kept from the OOM killer: {}", process.pid(), e.getMessage());
        }
    }

    /** Undoes {@link #spare}, also that of an earlier daemon: then it is 0, as of any process. */
    void spareNoMore() {
        try {
            if (ProcFs.oomScoreAdjust(process.pid()) == SPARED) {
                ProcFs.setOomScoreAdjust(process.pid(), before);
            }
        } catch (FerryException e) {
            LOG.info("QEMU {} stays kept from the OOM killer: {}", process.pid(), e.getMessage());
        }
    }
}
