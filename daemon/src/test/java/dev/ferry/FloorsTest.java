package dev.ferry;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.assertj.core.api.Assertions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The floors of DESIGN.md and docs/architecture.md: dependencies only go down. */
class FloorsTest {
    private static final Map<String, Integer> FLOORS = new TreeMap<>(Map.ofEntries(
            Map.entry("daemon", 4),
            Map.entry("api", 3),
            Map.entry("wire", 3),
            Map.entry("qemu", 3),
            Map.entry("telemetry", 3),
            Map.entry("pager", 3),
            Map.entry("migration", 2),
            Map.entry("precopy", 2),
            Map.entry("postcopy", 2),
            Map.entry("net", 2),
            Map.entry("sys", 1),
            Map.entry("memory", 0),
            Map.entry("base", 0)));

    /** Within a floor: the pager pages the guests that qemu finds; a migration is made of its two halves. */
    private static final Map<String, Set<String>> BESIDE =
            Map.of("pager", Set.of("qemu"), "migration", Set.of("precopy", "postcopy"), "memory", Set.of("base"));

    private static final JavaClasses CLASSES = new ClassFileImporter()
            .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
            .importPackages(FLOORS.keySet().stream().map(FloorsTest::name).toList());

    static Stream<String> packages() {
        return FLOORS.keySet().stream();
    }

    @ParameterizedTest
    @MethodSource("packages")
    void shouldOnlyDependOnFloorsBelow(String from) {
        String[] forbidden = FLOORS.keySet().stream()
                .filter(to -> !to.equals(from) && !mayUse(from, to))
                .map(to -> name(to) + "..")
                .toArray(String[]::new);
        noClasses()
                .that()
                .resideInAPackage(name(from) + "..")
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage(forbidden)
                .allowEmptyShould(true)
                .check(CLASSES);
    }

    private static boolean mayUse(String from, String to) {
        return FLOORS.get(to) < FLOORS.get(from)
                || BESIDE.getOrDefault(from, Set.of()).contains(to);
    }

    private static String name(String floor) {
        return "dev.ferry." + floor;
    }

    @Test
    void shouldGiveEveryPackageAFloor() {
        Set<String> found = new ClassFileImporter()
                        .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
                        .withImportOption(location -> !location.contains("/dev/ferry/v1/"))
                        .importPackages("dev.ferry")
                        .stream()
                        .map(c -> c.getPackageName().split("\\.", -1)[2])
                        .collect(java.util.stream.Collectors.toSet());
        Assertions.assertThat(FLOORS.keySet()).containsAll(found);
    }

    @Test
    void shouldKeepNativeCodeInSys() {
        noClasses()
                .that()
                .resideOutsideOfPackage("dev.ferry.sys..")
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage("jnr..", "com.kenai.jffi..")
                .check(CLASSES);
    }

    @Test
    void shouldKeepTheStateMachinesFromDescriptorsPointersAndStreams() {
        noClasses()
                .that()
                .resideInAnyPackage("dev.ferry.migration..", "dev.ferry.precopy..", "dev.ferry.postcopy..")
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage(
                        "io.grpc..", "io.netty..", "java.nio.channels..", "dev.ferry.sys..", "dev.ferry.v1..")
                .check(CLASSES);
    }

    /** sys is left out: its time limits are the kernel's, nobody tests them with a clock of their own. */
    @Test
    void shouldAskAClockThatTestsCanInject() {
        List<String> injected = List.of("memory", "migration", "precopy", "postcopy");
        noClasses()
                .that()
                .resideInAnyPackage(injected.stream().map(p -> name(p) + "..").toArray(String[]::new))
                .should()
                .callMethod(System.class, "nanoTime")
                .orShould()
                .callMethod(System.class, "currentTimeMillis")
                .check(CLASSES);
    }
}
