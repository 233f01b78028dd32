package dev.ferry.qemu;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;

/**
 * What QEMU takes as {@code first,key=value,...}, where {@code ,,} is a comma within a value (util/qemu-option.c). Keeps order
 * and repeated keys. Immutable.
 */
record QemuOption(List<Entry> entries) {
    /** @param key empty for a word without "=": the first one means the option's implied key, later ones an on/off key */
    record Entry(String key, String value) {
        @Override
        public String toString() {
            return key.isEmpty() ? escape(value) : key + "=" + escape(value);
        }
    }

    static QemuOption parse(String text) {
        List<Entry> entries = new ArrayList<>();
        StringBuilder word = new StringBuilder();
        for (int i = 0; i <= text.length(); i++) {
            boolean atEnd = i == text.length();
            if (!atEnd && text.charAt(i) == ',' && i + 1 < text.length() && text.charAt(i + 1) == ',') {
                word.append(',');
                i++;
            } else if (atEnd || text.charAt(i) == ',') {
                add(entries, word.toString());
                word.setLength(0);
            } else {
                word.append(text.charAt(i));
            }
        }
        return new QemuOption(List.copyOf(entries));
    }

    private static void add(List<Entry> entries, String word) {
        int equals = word.indexOf('=');
        if (equals > 0) {
            entries.add(new Entry(word.substring(0, equals), word.substring(equals + 1)));
        } else if (!word.isEmpty()) {
            entries.add(new Entry("", word));
        }
    }

    static String escape(String value) {
        return value.replace(",", ",,");
    }

    /** The first word if it has no key. */
    Optional<String> head() {
        return entries.stream().findFirst().filter(e -> e.key().isEmpty()).map(Entry::value);
    }

    /** Of the last one with this key, which is the one that counts. */
    Optional<String> value(String key) {
        return entries.stream()
                .filter(e -> e.key().equals(key))
                .map(Entry::value)
                .reduce((a, b) -> b);
    }

    List<String> values(String key) {
        return entries.stream()
                .filter(e -> e.key().equals(key))
                .map(Entry::value)
                .toList();
    }

    /** The first word, or what is given under the key that it implies. */
    Optional<String> implied(String key) {
        return value(key).or(this::head);
    }

    QemuOption without(Set<String> keys) {
        return new QemuOption(
                entries.stream().filter(e -> !keys.contains(e.key())).toList());
    }

    QemuOption withoutHead() {
        return head().isPresent() ? new QemuOption(entries.subList(1, entries.size())) : this;
    }

    QemuOption mapping(Set<String> keys, UnaryOperator<String> change) {
        return new QemuOption(entries.stream()
                .map(e -> keys.contains(e.key()) ? new Entry(e.key(), change.apply(e.value())) : e)
                .toList());
    }

    QemuOption plus(String key, String value) {
        List<Entry> more = new ArrayList<>(entries);
        more.add(new Entry(key, value));
        return new QemuOption(more);
    }

    @Override
    public String toString() {
        return entries.stream().map(Entry::toString).collect(Collectors.joining(","));
    }
}
