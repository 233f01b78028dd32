package dev.ferry.client;

import static org.assertj.core.api.Assertions.assertThat;

import dev.ferry.v1.AttachGuestRequest;
import dev.ferry.v1.CancelRequest;
import dev.ferry.v1.CheckResponse;
import dev.ferry.v1.DetachGuestRequest;
import dev.ferry.v1.GetRequest;
import dev.ferry.v1.ListResponse;
import dev.ferry.v1.LostPagePolicy;
import dev.ferry.v1.PeerSecurity;
import dev.ferry.v1.Policy;
import dev.ferry.v1.Reason;
import dev.ferry.v1.ResumeRequest;
import dev.ferry.v1.RollbackRequest;
import dev.ferry.v1.RunGuestRequest;
import dev.ferry.v1.SetLimitsRequest;
import dev.ferry.v1.ShowGuestRequest;
import dev.ferry.v1.StartRequest;
import dev.ferry.v1.SwitchToPostcopyRequest;
import io.grpc.Status;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What each command asks and prints. */
class CommandsTest extends CommandTest {
    @Test
    void shouldRunAGuestFromItsFile() throws Exception {
        Path file = Files.writeString(dir.resolve("web1.toml"), "name = \"web1\"\n");
        assertThat(ferry("guest", "run", file.toString())).isZero();
        RunGuestRequest request = ferryd.request(RunGuestRequest.class);
        assertThat(request.getToml()).isEqualTo("name = \"web1\"\n");
        assertThat(request.getFileName()).isEqualTo(file.toString());
        assertThat(screen.out()).contains("web1  RUNNING");
    }

    @Test
    void shouldAttachWithAPathThatFerrydUnderstands() {
        assertThat(ferry("guest", "attach", "web1", "--qmp", "x/../qmp.sock", "--incoming"))
                .isZero();
        AttachGuestRequest request = ferryd.request(AttachGuestRequest.class);
        assertThat(request.getName()).isEqualTo("web1");
        assertThat(request.getQmpSocket())
                .isEqualTo(Path.of("qmp.sock").toAbsolutePath().toString());
        assertThat(request.getIncoming()).isTrue();
    }

    @Test
    void shouldSayHowPeersAreSecured() {
        assertThat(ferry("status")).isZero();
        assertThat(screen.out())
                .contains("tls            mutual, 1.3\n")
                .contains("host-a, ends 1970-01-02T00:00:00Z\n")
                .contains("lets in        host-b\n")
                .contains("moves          1 of 3 outbound, 0 of 8 inbound\n")
                .contains("operators      scheduler.example\n")
                .contains("viewers        grafana.example, dashboard.example\n")
                .contains("refused        3 connections and calls of peers, 4 of control clients\n");
        assertThat(StatusCommand.text(Samples.status().toBuilder()
                        .setPeerSecurity(PeerSecurity.newBuilder().setMode(PeerSecurity.Mode.MODE_OFF))
                        .build()))
                .contains("tls            OFF: ")
                .doesNotContain("lets in");
    }

    @Test
    void shouldListShowAndDetachGuests() {
        assertThat(ferry("guest", "list")).isZero();
        assertThat(screen.out()).startsWith("NAME ");
        assertThat(ferry("guest", "show", "web1")).isZero();
        assertThat(ferryd.request(ShowGuestRequest.class).getName()).isEqualTo("web1");
        assertThat(screen.out()).contains("RAM BLOCK");
        assertThat(ferry("guest", "detach", "web1")).isZero();
        assertThat(ferryd.request(DetachGuestRequest.class).getName()).isEqualTo("web1");
    }

    @Test
    void shouldSayThatAGuestCanMove() {
        ferryd.checkResponse =
                CheckResponse.newBuilder().setMemoryTotalBytes(1L << 30).build();
        assertThat(ferry("check", "web1", "--to", "b:7420")).isZero();
        assertThat(screen.out()).isEqualTo("guest web1 (1.0 GiB) can move to b:7420\n");
    }

    @Test
    void shouldSayWhatAMoveWouldTake() {
        ferryd.checkResponse = CheckResponse.newBuilder()
                .setMemoryTotalBytes(1L << 30)
                .setMemoryPopulatedBytes(1L << 29)
                .setPredictedDowntimeMs(12.5)
                .setPredictedPostcopyMs(1500)
                .build();
        assertThat(ferry("check", "web1", "--to", "b:7420")).isZero();
        assertThat(screen.out())
                .contains("with 512.0 MiB in its memory", "downtime about 12.500 ms, post-copy about 1.50 s");
    }

    @Test
    void shouldSayThatALimitPasses() {
        ferryd.checkResponse = CheckResponse.newBuilder()
                .addReasons(Reason.newBuilder()
                        .setCode("INBOUND_LIMIT")
                        .setMessage("8 arrive")
                        .setTemporary(true))
                .build();
        assertThat(ferry("check", "web1", "--to", "b:7420")).isEqualTo(1);
        assertThat(screen.out()).startsWith("guest web1 cannot move to b:7420 now:\n");
    }

    @Test
    void shouldListReasonsAgainstAMove() {
        ferryd.checkResponse = CheckResponse.newBuilder()
                .addReasons(Reason.newBuilder().setCode("VFIO_DEVICE").setMessage("detach hostdev0 first"))
                .addReasons(Reason.newBuilder().setCode("NO_MEMORY").setMessage("4.0 GiB needed"))
                .build();
        assertThat(ferry("check", "web1", "--to", "b:7420")).isEqualTo(ExitCode.FAILED);
        assertThat(screen.out()).isEqualTo("""
                        guest web1 cannot move to b:7420:
                        CODE         REASON
                        VFIO_DEVICE  detach hostdev0 first
                        NO_MEMORY    4.0 GiB needed
                        """);
        assertThat(ferry("-o", "json", "check", "web1", "--to", "b:7420")).isEqualTo(ExitCode.FAILED);
        assertThat(screen.out()).startsWith("{").contains("\"code\": \"VFIO_DEVICE\"");
    }

    @Test
    void shouldStartWithAllOptionsAndPrintTheId() {
        assertThat(ferry(
                        "migrate",
                        "web1",
                        "--to",
                        "[::1]:7420",
                        "--precopy-rounds",
                        "0",
                        "--precopy-seconds",
                        "2.5",
                        "--bandwidth",
                        "1Gbit",
                        "--postcopy-bandwidth",
                        "1MiB",
                        "--keep-source",
                        "--request-id",
                        "r-1"))
                .isZero();
        assertThat(screen.out()).isEqualTo(Samples.ID + "\n");
        assertThat(ferryd.request(StartRequest.class))
                .isEqualTo(StartRequest.newBuilder()
                        .setGuest("web1")
                        .setTo("[::1]:7420")
                        .setRequestId("r-1")
                        .setPolicy(Policy.newBuilder()
                                .setPrecopyRounds(0)
                                .setPrecopySeconds(2.5)
                                .setBandwidthBytesPerSecond(125_000_000)
                                .setPostcopyBandwidthBytesPerSecond(1 << 20)
                                .setKeepSource(true))
                        .build());
    }

    @Test
    void shouldLeaveUnsaidWhatWasNotSaid() {
        assertThat(ferry("migrate", "web1", "--to", "b:7420")).isZero();
        Policy policy = ferryd.request(StartRequest.class).getPolicy();
        assertThat(policy).isEqualTo(Policy.getDefaultInstance());
        assertThat(policy.hasPrecopyRounds()).isFalse();
    }

    @Test
    void shouldListAllPagesAsOneDocument() {
        ferryd.pages = java.util.List.of(
                ListResponse.newBuilder()
                        .addMigrations(Samples.precopy())
                        .setNextPageToken("1")
                        .build(),
                ListResponse.newBuilder().addMigrations(Samples.completed()).build());
        assertThat(ferry("list")).isZero();
        assertThat(screen.out().lines()).hasSize(3);
        assertThat(ferry("list", "-o", "json")).isZero();
        assertThat(screen.out())
                .startsWith("{\n  \"migrations\": [{")
                .contains("PRECOPY", "COMPLETED", "\"nextPageToken\": \"\"");
    }

    @Test
    void shouldShowSwitchAndCancel() {
        assertThat(ferry("show", Samples.ID)).isZero();
        assertThat(ferryd.request(GetRequest.class).getId()).isEqualTo(Samples.ID);
        assertThat(screen.out()).contains("remaining      2.8 GiB of 4.0 GiB");
        assertThat(ferry("postcopy", Samples.ID)).isZero();
        assertThat(ferryd.request(SwitchToPostcopyRequest.class).getId()).isEqualTo(Samples.ID);
        ferryd.migration = Samples.cancelled();
        assertThat(ferry("cancel", Samples.ID)).isZero();
        assertThat(ferryd.request(CancelRequest.class).getId()).isEqualTo(Samples.ID);
        assertThat(screen.out()).contains("CANCELLED");
    }

    @Test
    void shouldOrderARollbackWithNoMoreThanWasSaid() {
        assertThat(ferry("rollback", Samples.ID)).isZero();
        assertThat(ferryd.request(RollbackRequest.class))
                .isEqualTo(RollbackRequest.newBuilder().setId(Samples.ID).build());
        ferryd.requests.clear();
        assertThat(ferry("rollback", Samples.ID, "--accept-data-loss", "--destination-is-fenced", "-o", "json"))
                .isZero();
        assertThat(ferryd.request(RollbackRequest.class))
                .isEqualTo(RollbackRequest.newBuilder()
                        .setId(Samples.ID)
                        .setAcceptDataLoss(true)
                        .setDestinationIsFenced(true)
                        .build());
        assertThat(screen.out()).contains("\"runsOn\"");
        assertThat(ferry("rollback", "--help")).isZero();
        assertThat(screen.out()).contains("What is lost").containsPattern("the\\s+guest\\s+runs\\s+twice");
        ferryd.refusal = Status.FAILED_PRECONDITION
                .withDescription("say --accept-data-loss")
                .asRuntimeException();
        assertThat(ferry("rollback", Samples.ID)).isEqualTo(64 + 9);
        assertThat(screen.err()).contains("--accept-data-loss");
    }

    @Test
    void shouldResume() {
        assertThat(ferry("resume", Samples.ID)).isZero();
        assertThat(ferryd.request(ResumeRequest.class).getId()).isEqualTo(Samples.ID);
    }

    @Test
    void shouldSayThePolicyOfLostPages() {
        String[] move = {"migrate", "db1", "--to", "there:1", "--lost-page-policy", "stop", "--lost-page-limit", "2.5"};
        assertThat(ferry(move)).isZero();
        assertThat(ferryd.request(StartRequest.class).getPolicy().getLostPagePolicy())
                .isEqualTo(LostPagePolicy.STOP);
        assertThat(ferryd.request(StartRequest.class).getPolicy().getLostPageLimitSeconds())
                .isEqualTo(2.5);
        move[5] = "ignore";
        assertThat(ferry(move)).isEqualTo(ExitCode.USAGE);
        assertThat(screen.err()).contains("wait, stop, poison");
        ferryd.migration = Samples.precopy().toBuilder()
                .setLostPagePolicy(LostPagePolicy.STOP)
                .setLostPageLimitSeconds(2.5)
                .setGuestStopped(true)
                .build();
        assertThat(ferry("show", Samples.ID)).isZero();
        assertThat(screen.out()).contains("stop after 2.50 s without the source; the guest is stopped");
    }

    @Test
    void shouldChangeOneLimitAndLeaveTheOther() {
        assertThat(ferry("limit", Samples.ID, "--postcopy-bandwidth", "64KiB")).isZero();
        assertThat(ferryd.request(SetLimitsRequest.class))
                .isEqualTo(SetLimitsRequest.newBuilder()
                        .setId(Samples.ID)
                        .setPostcopyBandwidthBytesPerSecond(65_536)
                        .build());
        assertThat(screen.out()).contains(Samples.ID, "PRECOPY");
    }

    @ParameterizedTest
    @ValueSource(strings = {"none", "0"})
    void shouldLiftALimit(String none) {
        assertThat(ferry("limit", Samples.ID, "--bandwidth", none, "--postcopy-bandwidth", "1Gbit"))
                .isZero();
        SetLimitsRequest request = ferryd.request(SetLimitsRequest.class);
        assertThat(request.hasBandwidthBytesPerSecond()).isTrue();
        assertThat(request.getBandwidthBytesPerSecond()).isZero();
        assertThat(request.getPostcopyBandwidthBytesPerSecond()).isEqualTo(125_000_000);
    }

    @Test
    void shouldNotAskForLimitsThatWereNotSaid() {
        assertThat(ferry("limit", Samples.ID)).isEqualTo(ExitCode.USAGE);
        assertThat(screen.err()).contains("--bandwidth", "--postcopy-bandwidth");
        assertThat(ferry("limit", Samples.ID, "--bandwidth", "64")).isEqualTo(ExitCode.USAGE);
        assertThat(ferryd.requests).isEmpty();
    }

    @Test
    void shouldShowLimitsWhereThereAreAny() {
        assertThat(ferry("show", Samples.ID)).isZero();
        assertThat(screen.out()).doesNotContain("limits");
        ferryd.migration = Samples.precopy().toBuilder()
                .setPostcopyBandwidthBytesPerSecond(1 << 20)
                .build();
        assertThat(ferry("show", Samples.ID)).isZero();
        assertThat(screen.out()).contains("pre-copy none, background push 1.0 MiB/s");
    }

    @Test
    void shouldPrintTheProtocolsJsonWithFieldsThatAreZero() {
        ferryd.migration = Samples.completed();
        assertThat(ferry("show", Samples.ID, "-o", "json")).isZero();
        assertThat(screen.out())
                .contains("\"state\": \"COMPLETED\"", "\"runsOn\": \"DESTINATION\"", "\"downtimeMs\": 12.4015")
                .contains("\"recoveries\": 0", "\"error\": \"\"", "\"p999\": 2100.0", "\"bytesSent\": \"1288490189\"");
    }
}
