package dev.ferry.api;

import dev.ferry.migration.MigrationSnapshot;
import dev.ferry.v1.ListRequest;
import dev.ferry.v1.ListResponse;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Lists cut into pages. A token names the last migration of the page before it, not a position: what starts between two
 * pages shifts nothing.
 */
final class Pages {
    private static final int DEFAULT_SIZE = 100;
    private static final int LARGEST = 1000;
    private static final Pattern TOKEN = Pattern.compile("([0-9]{1,18}):([0-9a-f]{16})");

    private Pages() {}

    /** @param newestFirst by start, then by id */
    static ListResponse of(ListRequest request, List<MigrationSnapshot> newestFirst) {
        long said = Input.notNegative("page_size", request.getPageSize());
        int size = said == 0 ? DEFAULT_SIZE : (int) Math.min(said, LARGEST);
        String guest = request.getGuest().isEmpty() ? "" : Input.guest("guest", request.getGuest());
        Matcher last = request.getPageToken().isEmpty() ? null : token(request.getPageToken());
        List<MigrationSnapshot> rest = newestFirst.stream()
                .filter(s -> guest.isEmpty() || s.guest().equals(guest))
                .filter(s -> last == null || isAfter(s, Long.parseLong(last.group(1)), last.group(2)))
                .toList();
        List<MigrationSnapshot> page = rest.subList(0, Math.min(size, rest.size()));
        ListResponse.Builder response = ListResponse.newBuilder();
        page.forEach(s -> response.addMigrations(SnapshotMessages.of(s)));
        if (rest.size() > size) {
            response.setNextPageToken(token(page.get(size - 1)));
        }
        return response.build();
    }

    private static boolean isAfter(MigrationSnapshot s, long startedUnixMs, String id) {
        return s.startedUnixMs() < startedUnixMs || (s.startedUnixMs() == startedUnixMs && s.id().compareTo(id) > 0);
    }

    private static String token(MigrationSnapshot last) {
        String text = last.startedUnixMs() + ":" + last.id();
        return Base64.getUrlEncoder().withoutPadding().encodeToString(text.getBytes(StandardCharsets.US_ASCII));
    }

    private static Matcher token(String said) {
        String text;
        try {
            text = new String(Base64.getUrlDecoder().decode(said), StandardCharsets.US_ASCII);
        } catch (IllegalArgumentException e) {
            text = "";
        }
        Matcher m = TOKEN.matcher(text);
        if (!m.matches()) {
            throw ApiStatus.invalid("page_token: not one that List returned");
        }
        return m;
    }
}
