package dev.ferry.client;

import dev.ferry.v1.Report;
import dev.ferry.v1.ReportEvent;

/** A record in short: the summary and what happened when. */
final class ReportText {
    private ReportText() {}

    static String of(Report report) {
        StringBuilder text = new StringBuilder(Summary.of(report.getMigration()));
        text.append('\n');
        for (ReportEvent e : report.getEventsList()) {
            String title = ReportTables.title(e);
            text.append(Units.format("%10s  ", "+" + ReportCharts.coarse(e.getAtMs())));
            text.append(title).append(title.isEmpty() || e.getText().isEmpty() ? "" : " ");
            text.append(Plain.text(e.getText()));
            text.append(e.getTimes() > 1 ? " (" + e.getTimes() + " times)" : "").append('\n');
        }
        if (report.getDroppedEvents() > 0) {
            text.append("(").append(report.getDroppedEvents()).append(" events in the middle were not kept)\n");
        }
        return text.toString();
    }
}
