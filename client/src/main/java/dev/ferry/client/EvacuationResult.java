package dev.ferry.client;

import com.google.protobuf.ListValue;
import com.google.protobuf.Message;
import com.google.protobuf.Struct;
import com.google.protobuf.Value;
import dev.ferry.v1.CheckResponse;
import dev.ferry.v1.Migration;
import dev.ferry.v1.Side;
import java.util.List;

/** What an evacuation, or its plan, came to. */
final class EvacuationResult {
    private final List<Evacuee> guests;
    private final boolean isPlan;

    EvacuationResult(List<Evacuee> guests, boolean isPlan) {
        this.guests = guests.stream().sorted(Evacuee.ORDER).toList();
        this.isPlan = isPlan;
    }

    /** Nobody is left here who would have to leave. */
    boolean isEmptied() {
        return of(Evacuee.State.LEFT).isEmpty();
    }

    private List<Evacuee> of(Evacuee.State state) {
        return guests.stream().filter(e -> e.state() == state).toList();
    }

    /** Where a guest is that is left. */
    static String where(Evacuee e) {
        boolean moves = !e.migration().getId().isEmpty() && e.migration().getSide() == Side.SOURCE;
        return moves && e.migration().getRunsOn() == Side.DESTINATION
                ? "it belongs to the destination, " + e.destination()
                : "it is on this host";
    }

    String text() {
        StringBuilder text = new StringBuilder();
        if (isPlan) {
            plan(text);
        } else {
            done(text);
        }
        for (Evacuee e : of(Evacuee.State.GONE)) {
            text.append("guest ")
                    .append(e.guest)
                    .append(": nothing to do, ")
                    .append(e.why())
                    .append('\n');
        }
        for (Evacuee e : of(Evacuee.State.LEFT)) {
            text.append(Plain.text("guest " + e.guest + (isPlan ? " would be left: " : " is left: ") + where(e) + ". "
                            + sentence(e.why()) + " What to do: " + e.todo()))
                    .append(".\n");
        }
        return text.toString();
    }

    private static String sentence(String text) {
        return text + (text.endsWith(".") ? "" : ".");
    }

    private void plan(StringBuilder text) {
        Table table = new Table("GUEST", "DESTINATION", "MEMORY", "POPULATED", "DOWNTIME", "POST-COPY");
        for (Evacuee e : guests) {
            if (e.state() == Evacuee.State.WAITING || e.state() == Evacuee.State.MOVING) {
                CheckResponse p = e.prediction();
                boolean known = p.hasPredictedDowntimeMs();
                table.row(
                        e.guest,
                        e.destination() + (e.state() == Evacuee.State.MOVING ? " (moves already)" : ""),
                        Units.bytes(e.memoryBytes),
                        known ? Units.bytes(p.getMemoryPopulatedBytes()) : "",
                        known ? Units.duration(p.getPredictedDowntimeMs()) : "",
                        known ? Units.duration(p.getPredictedPostcopyMs()) : "");
            }
        }
        int would = of(Evacuee.State.WAITING).size() + of(Evacuee.State.MOVING).size();
        if (would > 0) {
            text.append(table);
        }
        text.append("would move ").append(count(would)).append(", leave ");
        text.append(of(Evacuee.State.LEFT).size()).append(". Nothing was started.\n");
    }

    private void done(StringBuilder text) {
        Table table = new Table("GUEST", "DESTINATION", "DOWNTIME", "TOTAL", "ID");
        for (Evacuee e : of(Evacuee.State.MOVED)) {
            Migration m = e.migration();
            table.row(
                    e.guest,
                    e.destination(),
                    Units.duration(m.getDowntimeMs()),
                    Units.duration(m.getTotalMs()),
                    m.getId());
        }
        if (!of(Evacuee.State.MOVED).isEmpty()) {
            text.append(table);
        }
        text.append("moved ").append(count(of(Evacuee.State.MOVED).size()));
        text.append(", left ").append(of(Evacuee.State.LEFT).size()).append('\n');
    }

    private static String count(int guests) {
        return guests + (guests == 1 ? " guest" : " guests");
    }

    /** {@code {"plan": …, "guests": [{"guest": …, "state": "MOVED", …}], "moved": 4, "left": 1}} */
    Message json() {
        ListValue.Builder all = ListValue.newBuilder();
        guests.forEach(e -> all.addValues(Value.newBuilder().setStructValue(json(e))));
        return Struct.newBuilder()
                .putFields("plan", Value.newBuilder().setBoolValue(isPlan).build())
                .putFields("guests", Value.newBuilder().setListValue(all).build())
                .putFields("moved", number(of(Evacuee.State.MOVED).size()))
                .putFields("left", number(of(Evacuee.State.LEFT).size()))
                .build();
    }

    private static Struct json(Evacuee e) {
        Migration m = e.migration();
        CheckResponse p = e.prediction();
        Struct.Builder guest = Struct.newBuilder()
                .putFields("guest", text(e.guest))
                .putFields("state", text(e.state().name()))
                .putFields("destination", text(e.destination()))
                .putFields("runsOn", text(runsOn(e)))
                .putFields("why", text(e.why()))
                .putFields("whatToDo", text(e.todo()))
                .putFields("migrationId", text(m.getId()))
                .putFields("memoryBytes", number((double) e.memoryBytes));
        if (p.hasPredictedDowntimeMs()) {
            guest.putFields("memoryPopulatedBytes", number((double) p.getMemoryPopulatedBytes()))
                    .putFields("predictedDowntimeMs", number(p.getPredictedDowntimeMs()))
                    .putFields("predictedPostcopyMs", number(p.getPredictedPostcopyMs()));
        }
        if (e.state() == Evacuee.State.MOVED) {
            guest.putFields("downtimeMs", number(m.getDowntimeMs())).putFields("totalMs", number(m.getTotalMs()));
        }
        return guest.build();
    }

    /** Of this host and the destination, as in a Migration that leaves. */
    private static String runsOn(Evacuee e) {
        return switch (e.state()) {
            case MOVED -> Side.DESTINATION.name();
            case GONE -> "";
            case WAITING, MOVING, ARRIVING, LEFT ->
                where(e).contains("destination") ? Side.DESTINATION.name() : Side.SOURCE.name();
        };
    }

    private static Value text(String text) {
        return Value.newBuilder().setStringValue(text).build();
    }

    private static Value number(double number) {
        return Value.newBuilder().setNumberValue(number).build();
    }
}
