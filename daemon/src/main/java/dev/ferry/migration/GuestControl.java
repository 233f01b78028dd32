package dev.ferry.migration;

import java.util.List;

/** What the API asks of the guests of this daemon. Thread-safe. */
public interface GuestControl {
    /** @param status RUNNING, PAUSED, INCOMING or GONE */
    record GuestView(
            String name,
            String status,
            int pid,
            String qmpSocket,
            String qemuVersion,
            String machine,
            List<BlockView> blocks,
            String migrationId,
            boolean adopted,
            String definitionToml) {
        public long memoryBytes() {
            return blocks.stream()
                    .filter(BlockView::guestRam)
                    .mapToLong(BlockView::lengthBytes)
                    .sum();
        }
    }

    /** @param backing private, memfd or file */
    record BlockView(String name, long lengthBytes, int pageSizeBytes, String backing, boolean guestRam) {}

    GuestView run(String toml, String fileName);

    GuestView attach(String name, String qmpSocket, boolean incoming);

    List<GuestView> list();

    GuestView show(String name);

    GuestView detach(String name);
}
