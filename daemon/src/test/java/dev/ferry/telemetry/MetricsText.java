package dev.ferry.telemetry;

import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Reads Prometheus' text format, version 0.0.4, strictly: what is not said to be allowed is an error. */
public final class MetricsText {
    private static final Pattern HELP = Pattern.compile("# HELP ([a-zA-Z_:][a-zA-Z0-9_:]*) \\S.*");
    private static final Pattern TYPE = Pattern.compile("# TYPE ([a-zA-Z_:][a-zA-Z0-9_:]*) (counter|gauge|histogram)");
    private static final Pattern SAMPLE = Pattern.compile(
            "([a-zA-Z_:][a-zA-Z0-9_:]*)(\\{([a-z_]+=\"[^\"\\\\\\n]*\"(?:,[a-z_]+=\"[^\"\\\\\\n]*\")*)})? (\\S+)");

    private final Map<String, String> types = new HashMap<>();
    private final Map<String, Double> samples = new LinkedHashMap<>();
    private final Set<String> names = new TreeSet<>();

    /** @throws IllegalArgumentException with the line that is wrong */
    public static MetricsText parse(String text) {
        MetricsText all = new MetricsText();
        if (!text.endsWith("\n")) {
            throw new IllegalArgumentException("the last line does not end");
        }
        Set<String> helped = new HashSet<>();
        String family = "";
        for (String line : text.split("\n")) {
            Matcher m = HELP.matcher(line);
            if (m.matches()) {
                family = m.group(1);
                require(helped.add(family), "help twice", line);
                continue;
            }
            m = TYPE.matcher(line);
            if (m.matches()) {
                require(m.group(1).equals(family), "type without help", line);
                require(all.types.put(family, m.group(2)) == null, "type twice", line);
                continue;
            }
            m = SAMPLE.matcher(line);
            require(m.matches(), "neither help, type nor sample", line);
            all.sample(family, m, line);
        }
        all.histograms();
        return all;
    }

    private void sample(String family, Matcher m, String line) {
        String type = types.get(family);
        require(type != null, "no type", line);
        String name = m.group(1);
        boolean belongs = type.equals("histogram")
                ? name.matches(Pattern.quote(family) + "_(bucket|sum|count)")
                : name.equals(family);
        require(belongs, "in the family of " + family, line);
        require(!type.equals("counter") || name.endsWith("_total"), "a counter without _total", line);
        double value = m.group(4).equals("+Inf") ? Double.POSITIVE_INFINITY : Double.parseDouble(m.group(4));
        require(!type.equals("counter") || value >= 0, "a counter below zero", line);
        names.add(name);
        String series = name + (m.group(2) == null ? "" : m.group(2));
        require(samples.put(series, value) == null, "twice", line);
    }

    private void histograms() {
        types.forEach((family, type) -> {
            if (!type.equals("histogram")) {
                return;
            }
            double before = 0;
            double last = -1;
            for (Map.Entry<String, Double> e : samples.entrySet()) {
                if (e.getKey().startsWith(family + "_bucket{")) {
                    require(e.getValue() >= before, "buckets fall", e.getKey());
                    before = e.getValue();
                    last = e.getKey().contains("le=\"+Inf\"") ? before : last;
                }
            }
            require(last == samples.get(family + "_count"), "the last bucket is the count", family);
            require(samples.containsKey(family + "_sum"), "a sum", family);
        });
    }

    private static void require(boolean isSo, String what, String line) {
        if (!isSo) {
            throw new IllegalArgumentException(what + ": " + line);
        }
    }

    /** Of one series, as it is written. */
    public double value(String series) {
        Double value = samples.get(series);
        if (value == null) {
            throw new IllegalArgumentException("no " + series + " in " + samples.keySet());
        }
        return value;
    }

    /** Those of histograms with their endings. */
    public Set<String> names() {
        return names;
    }

    public Set<String> series() {
        return samples.keySet();
    }
}
