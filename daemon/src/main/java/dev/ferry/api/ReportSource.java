package dev.ferry.api;

import dev.ferry.v1.Report;
import java.util.Optional;

/** Where the records of migrations come from. Thread-safe. */
@FunctionalInterface
public interface ReportSource {
    ReportSource NONE = id -> Optional.empty();

    /** Empty: no record of such a migration. */
    Optional<Report> report(String id);
}
