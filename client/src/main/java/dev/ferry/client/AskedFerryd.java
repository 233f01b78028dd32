package dev.ferry.client;

import dev.ferry.v1.CheckRequest;
import dev.ferry.v1.CheckResponse;
import dev.ferry.v1.GetRequest;
import dev.ferry.v1.Guest;
import dev.ferry.v1.ListGuestsRequest;
import dev.ferry.v1.ListGuestsResponse;
import dev.ferry.v1.ListRequest;
import dev.ferry.v1.ListResponse;
import dev.ferry.v1.Migration;
import dev.ferry.v1.Side;
import dev.ferry.v1.StartRequest;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.Supplier;

/**
 * A ferryd that is asked many things over minutes: while it is away, being restarted for example, it is asked again. Every call
 * here may be made twice. One thread.
 */
final class AskedFerryd {
    private static final int PAGE = 500;
    private static final long NS_PER_MS = 1_000_000;

    private final Connection connection;
    private final Patience patience;
    private final Consumer<String> say;
    private boolean hasAnswered;

    /** @param say what a person should know meanwhile */
    AskedFerryd(Connection connection, Patience patience, Consumer<String> say) {
        this.connection = connection;
        this.patience = patience;
        this.say = say;
    }

    List<Guest> guests() throws LostException, InterruptedException {
        List<Guest> all = new ArrayList<>();
        String token = "";
        do {
            ListGuestsRequest request = ListGuestsRequest.newBuilder()
                    .setPageSize(PAGE)
                    .setPageToken(token)
                    .build();
            ListGuestsResponse page = ask(() -> connection.guests().list(request));
            all.addAll(page.getGuestsList());
            token = page.getNextPageToken();
        } while (!token.isEmpty());
        return all;
    }

    CheckResponse check(CheckRequest request) throws LostException, InterruptedException {
        return ask(() -> connection.migrations().check(request));
    }

    /** @param request with a request_id: said twice it is the same migration */
    Migration start(StartRequest request) throws LostException, InterruptedException {
        return ask(() -> connection.migrations().start(request));
    }

    Migration get(String id) throws LostException, InterruptedException {
        return ask(() ->
                connection.migrations().get(GetRequest.newBuilder().setId(id).build()));
    }

    /** Those of a guest that leave now. */
    List<Migration> moving(String guest) throws LostException, InterruptedException {
        ListRequest request = ListRequest.newBuilder().setGuest(guest).build();
        ListResponse answer = ask(() -> connection.migrations().list(request));
        return answer.getMigrationsList().stream()
                .filter(m -> !Whereabouts.hasEnded(m) && m.getSide() == Side.SOURCE)
                .toList();
    }

    /** Everybody who leaves this host now, whoever has asked for it. */
    List<Migration> leaving() throws LostException, InterruptedException {
        List<Migration> all = new ArrayList<>();
        String token = "";
        do {
            ListRequest request = ListRequest.newBuilder()
                    .setPageSize(PAGE)
                    .setPageToken(token)
                    .build();
            ListResponse page = ask(() -> connection.migrations().list(request));
            page.getMigrationsList().stream()
                    .filter(m -> !Whereabouts.hasEnded(m) && m.getSide() == Side.SOURCE)
                    .forEach(all::add);
            token = page.getNextPageToken();
        } while (!token.isEmpty());
        return all;
    }

    private <T> T ask(Supplier<T> call) throws LostException, InterruptedException {
        long beginNs = System.nanoTime();
        boolean isAway = false;
        while (true) {
            try {
                T answer = call.get();
                hasAnswered = true;
                if (isAway) {
                    say.accept("ferryd is back");
                }
                return answer;
            } catch (StatusRuntimeException e) {
                // It was never there: that is not a restart.
                if (!hasAnswered || !isAbout(e)) {
                    throw e;
                }
                String why = Unreachable.reason(e.getStatus());
                if (System.nanoTime() - beginNs > patience.lostMs() * NS_PER_MS) {
                    throw new LostException(why, e);
                }
                if (!isAway) {
                    isAway = true;
                    say.accept("lost ferryd (" + why + "); moves go on; trying again for " + patience.lostMs() / 1000
                            + " s");
                }
                Thread.sleep(patience.retryMs());
                connection.dialAgain();
            }
        }
    }

    /** This ferryd, and not a destination that it could not reach. */
    private static boolean isAbout(StatusRuntimeException e) {
        Status status = e.getStatus();
        if (Unreachable.isMeantBy(status) || Reasons.of(e).contains("SHUTTING_DOWN")) {
            return true;
        }
        boolean hasDetails = !Reasons.of(e).isEmpty();
        return switch (status.getCode()) {
            // What a call gets that is cut off in the middle has no details of ferryd's.
            case UNAVAILABLE, CANCELLED -> !hasDetails;
            default -> false;
        };
    }
}
