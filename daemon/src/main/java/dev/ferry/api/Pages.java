package dev.ferry.api;

import dev.ferry.base.FerryException;
import dev.ferry.migration.MigrationSnapshot;
import dev.ferry.v1.ListRequest;
import dev.ferry.v1.ListResponse;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.List;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Lists cut into pages. A token names the last migration of the page before it, not a position: what starts between two
 * pages shifts nothing.
 */
final class Pages {
    static final int DEFAULT_SIZE = 100;
    static final int LARGEST = 1000;
    private static final String KEY = "key:";
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

    /**
     * Any list in the order of its keys, which are unique.
     *
     * @param key of an element; a token is the key of the last one
     */
    static <T> Cut<T> cut(List<T> inOrder, Function<T, String> key, String pageToken, long size) {
        String last = pageToken.isEmpty() ? null : decoded(pageToken);
        if (last != null && !last.startsWith(KEY)) {
            throw badToken();
        }
        List<T> rest = inOrder.stream()
                .filter(x -> last == null || key.apply(x).compareTo(last.substring(KEY.length())) > 0)
                .toList();
        List<T> page = rest.subList(0, (int) Math.min(size, rest.size()));
        return new Cut<>(page, rest.size() > size ? encoded(KEY + key.apply(page.get(page.size() - 1))) : "");
    }

    /** @param nextPageToken empty: it is the last page */
    record Cut<T>(List<T> page, String nextPageToken) {}

    private static String encoded(String text) {
        return Base64.getUrlEncoder().withoutPadding().encodeToString(text.getBytes(StandardCharsets.UTF_8));
    }

    private static String decoded(String token) {
        try {
            return new String(Base64.getUrlDecoder().decode(token), StandardCharsets.UTF_8);
        } catch (IllegalArgumentException e) {
            return "";
        }
    }

    private static FerryException badToken() {
        return ApiStatus.invalid("page_token: not one that List returned");
    }

    private static boolean isAfter(MigrationSnapshot s, long startedUnixMs, String id) {
        return s.startedUnixMs() < startedUnixMs || (s.startedUnixMs() == startedUnixMs && s.id().compareTo(id) > 0);
    }

    private static String token(MigrationSnapshot last) {
        return encoded(last.startedUnixMs() + ":" + last.id());
    }

    private static Matcher token(String said) {
        Matcher m = TOKEN.matcher(decoded(said));
        if (!m.matches()) {
            throw badToken();
        }
        return m;
    }
}
