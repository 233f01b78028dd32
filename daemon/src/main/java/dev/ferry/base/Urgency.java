package dev.ferry.base;

/** How the calling thread stands to the others of its host. Where the privilege is missing, nothing changes. */
public interface Urgency {
    Urgency NONE = new Urgency() {
        @Override
        public void background() {}

        @Override
        public void normal() {}

        @Override
        public void urgent() {}
    };

    /** For work that gives way to vCPUs: copying memory while the guest runs. */
    void background();

    void normal();

    /** For a thread that a guest waits for. */
    void urgent();
}
