package dev.ferry.wire;

import com.google.protobuf.ByteString;
import dev.ferry.memory.RamBlock;
import dev.ferry.migration.IncomingSpec;
import dev.ferry.migration.LostPagePolicy;
import dev.ferry.migration.MigrationSnapshot.LatencyUs;
import dev.ferry.migration.MigrationSnapshot.PostcopyCounts;
import dev.ferry.migration.PageRuns;
import dev.ferry.migration.PhaseTime;
import dev.ferry.migration.Reason;
import dev.ferry.migration.SmallPages;
import dev.ferry.v1.BlockLayout;
import dev.ferry.v1.DestinationStats;
import dev.ferry.v1.LostPages;
import dev.ferry.v1.PeerReason;
import dev.ferry.v1.PhaseNs;
import dev.ferry.v1.PrepareRequest;
import java.util.List;

/** The peer protocol's messages as our values and back. Values from the wire are checked by their own constructors. */
final class PeerMessages {
    /** Both sides must speak the same; docs/protocol.md says when it changes. */
    static final int PROTOCOL_VERSION = 1;

    /** Lengths of so many, each of at most so much, can be added without overflow. */
    private static final int MAX_BLOCKS = 4096;

    private static final long MAX_BLOCK_BYTES = 32L << 40;

    private PeerMessages() {}

    static PrepareRequest toProto(IncomingSpec spec) {
        PrepareRequest.Builder b = PrepareRequest.newBuilder()
                .setMigration(spec.migration())
                .setEpoch(spec.epoch())
                .setGuest(spec.guest())
                .setDefinitionJson(spec.definitionJson())
                .setQemuVersion(spec.qemuVersion())
                .setMachine(spec.machine())
                .setSource(spec.source())
                .setReservation(spec.reservation())
                .setLostPages(LostPages.newBuilder()
                        .setAction(LostPages.Action.valueOf(
                                spec.lostPages().action().name()))
                        .setLimitNs(spec.lostPages().limitNs()));
        for (RamBlock block : spec.blocks()) {
            b.addBlocks(BlockLayout.newBuilder()
                    .setIndex(block.index())
                    .setName(block.name())
                    .setLengthBytes(block.lengthBytes())
                    .setPageSizeBytes(block.pageSizeBytes())
                    .setGuestRam(block.guestRam()));
        }
        return b.build();
    }

    static IncomingSpec fromProto(PrepareRequest r) {
        if (r.getBlocksCount() > MAX_BLOCKS) {
            throw new IllegalArgumentException("more than " + MAX_BLOCKS + " RAM blocks");
        }
        List<RamBlock> blocks = r.getBlocksList().stream()
                .map(b -> new RamBlock(
                        b.getIndex(), b.getName(), b.getLengthBytes(), b.getPageSizeBytes(), b.getGuestRam()))
                .toList();
        for (int i = 0; i < blocks.size(); i++) {
            if (blocks.get(i).lengthBytes() > MAX_BLOCK_BYTES) {
                throw new IllegalArgumentException("RAM block " + blocks.get(i).name() + " of more than 32 TiB");
            }
            if (blocks.get(i).index() != i) {
                throw new IllegalArgumentException(
                        "RAM block " + i + " has index " + blocks.get(i).index());
            }
        }
        return new IncomingSpec(
                r.getMigration(),
                r.getEpoch(),
                r.getGuest(),
                r.getDefinitionJson(),
                r.getQemuVersion(),
                r.getMachine(),
                blocks,
                r.getSource(),
                fromProto(r.getLostPages()),
                r.getReservation());
    }

    private static LostPagePolicy fromProto(LostPages said) {
        LostPagePolicy.Action action = switch (said.getAction()) {
            case WAIT -> LostPagePolicy.Action.WAIT;
            case STOP -> LostPagePolicy.Action.STOP;
            case POISON -> LostPagePolicy.Action.POISON;
            case UNRECOGNIZED -> throw new IllegalArgumentException("an unknown policy of lost pages");
        };
        if (said.getLimitNs() < 0) {
            throw new IllegalArgumentException("the limit of lost pages is out of range");
        }
        return new LostPagePolicy(action, said.getLimitNs());
    }

    static List<PeerReason> toProto(List<Reason> reasons) {
        return reasons.stream()
                .map(r -> PeerReason.newBuilder()
                        .setCode(r.code())
                        .setMessage(r.message())
                        .build())
                .toList();
    }

    static List<Reason> fromProto(List<PeerReason> reasons) {
        return reasons.stream()
                .map(r -> new Reason(r.getCode(), r.getMessage()))
                .toList();
    }

    static dev.ferry.v1.PageRuns toProto(PageRuns runs) {
        dev.ferry.v1.PageRuns.Builder b = dev.ferry.v1.PageRuns.newBuilder().setBlock(runs.block());
        for (int i = 0; i < runs.size(); i++) {
            b.addGapAndLength(runs.at(i));
        }
        return b.build();
    }

    static PageRuns fromProto(dev.ferry.v1.PageRuns message) {
        if (message.getGapAndLengthCount() % 2 != 0) {
            throw new IllegalArgumentException("a run of pages without its length");
        }
        if (message.getGapAndLengthCount() > 2 * PageRuns.MAX_RUNS) {
            throw new IllegalArgumentException("more than " + PageRuns.MAX_RUNS + " runs");
        }
        PageRuns runs = new PageRuns(message.getBlock());
        for (int i = 0; i < message.getGapAndLengthCount(); i += 2) {
            runs.append(message.getGapAndLength(i), message.getGapAndLength(i + 1));
        }
        return runs;
    }

    static dev.ferry.v1.SmallPages toProto(SmallPages small) {
        return dev.ferry.v1.SmallPages.newBuilder()
                .setBlock(small.block())
                .setFirstPage(small.firstPage())
                .setData(ByteString.copyFrom(small.data().duplicate()))
                .build();
    }

    static SmallPages fromProto(dev.ferry.v1.SmallPages message) {
        return new SmallPages(
                message.getBlock(), message.getFirstPage(), message.getData().asReadOnlyByteBuffer());
    }

    static List<PhaseNs> phases(List<PhaseTime> phases) {
        return phases.stream()
                .map(p -> PhaseNs.newBuilder()
                        .setName(p.name())
                        .setNs(p.durationNs())
                        .build())
                .toList();
    }

    static List<PhaseTime> times(List<PhaseNs> phases) {
        return phases.stream().map(p -> new PhaseTime(p.getName(), p.getNs())).toList();
    }

    static DestinationStats toProto(PostcopyCounts c) {
        LatencyUs l = c.faultLatency();
        return DestinationStats.newBuilder()
                .setPostcopyNs(c.ns())
                .setResidualPages(c.residualPages())
                .setRemoteFaults(c.remoteFaults())
                .setLocalFaults(c.localFaults())
                .setZeroFaults(c.zeroPages())
                .setPushedPages(c.pushedPages())
                .setDemandPages(c.demandPages())
                .addFaultLatencyUs(l.p50())
                .addFaultLatencyUs(l.p90())
                .addFaultLatencyUs(l.p99())
                .addFaultLatencyUs(l.p999())
                .addFaultLatencyUs(l.max())
                .setFaultCount(l.count())
                .build();
    }

    static PostcopyCounts fromProto(DestinationStats s) {
        boolean known = s.getFaultLatencyUsCount() == 5;
        return new PostcopyCounts(
                s.getPostcopyNs(),
                s.getResidualPages(),
                s.getRemoteFaults(),
                s.getLocalFaults(),
                s.getPushedPages(),
                s.getZeroFaults(),
                s.getDemandPages(),
                known
                        ? new LatencyUs(
                                s.getFaultLatencyUs(0),
                                s.getFaultLatencyUs(1),
                                s.getFaultLatencyUs(2),
                                s.getFaultLatencyUs(3),
                                s.getFaultLatencyUs(4),
                                s.getFaultCount())
                        : LatencyUs.NONE);
    }
}
