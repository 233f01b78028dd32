package dev.ferry.api;

import dev.ferry.migration.GuestControl;
import dev.ferry.v1.AttachGuestRequest;
import dev.ferry.v1.DetachGuestRequest;
import dev.ferry.v1.Guest;
import dev.ferry.v1.GuestServiceGrpc;
import dev.ferry.v1.ListGuestsRequest;
import dev.ferry.v1.ListGuestsResponse;
import dev.ferry.v1.RunGuestRequest;
import dev.ferry.v1.ShowGuestRequest;
import io.grpc.stub.StreamObserver;
import java.util.Comparator;

/** The calls of GuestService. Called on the server's pool: they may block. */
final class GuestCalls extends GuestServiceGrpc.GuestServiceImplBase {
    /** Of error messages when the caller did not say. */
    private static final String NO_FILE = "definition";

    private final GuestControl guests;

    GuestCalls(GuestControl guests) {
        this.guests = guests;
    }

    @Override
    public void run(RunGuestRequest request, StreamObserver<Guest> observer) {
        String file = request.getFileName().isEmpty() ? NO_FILE : request.getFileName();
        Calls.answer(
                "Run " + file,
                observer,
                () -> GuestMessages.of(guests.run(Input.required("toml", request.getToml()), file)));
    }

    @Override
    public void attach(AttachGuestRequest request, StreamObserver<Guest> observer) {
        Calls.answer(
                "Attach " + request.getName(),
                observer,
                () -> GuestMessages.of(guests.attach(
                        Input.guest("name", request.getName()),
                        Input.absolutePath("qmp_socket", request.getQmpSocket()),
                        request.getIncoming())));
    }

    @Override
    public void list(ListGuestsRequest request, StreamObserver<ListGuestsResponse> observer) {
        Calls.answer("List guests", observer, () -> {
            ListGuestsResponse.Builder response = ListGuestsResponse.newBuilder();
            long said = Input.notNegative("page_size", request.getPageSize());
            Pages.Cut<GuestControl.GuestView> cut = Pages.cut(
                    guests.list().stream()
                            .sorted(Comparator.comparing(GuestControl.GuestView::name))
                            .toList(),
                    GuestControl.GuestView::name,
                    request.getPageToken(),
                    said == 0 ? Integer.MAX_VALUE : said);
            cut.page().forEach(g -> response.addGuests(GuestMessages.of(g)));
            return response.setNextPageToken(cut.nextPageToken()).build();
        });
    }

    @Override
    public void show(ShowGuestRequest request, StreamObserver<Guest> observer) {
        Calls.answer(
                "Show " + request.getName(),
                observer,
                () -> GuestMessages.of(guests.show(Input.guest("name", request.getName()))));
    }

    @Override
    public void detach(DetachGuestRequest request, StreamObserver<Guest> observer) {
        Calls.answer(
                "Detach " + request.getName(),
                observer,
                () -> GuestMessages.of(guests.detach(Input.guest("name", request.getName()))));
    }
}
