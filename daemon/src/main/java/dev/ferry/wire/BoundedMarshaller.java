package dev.ferry.wire;

import com.google.protobuf.CodedInputStream;
import com.google.protobuf.Descriptors.Descriptor;
import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.DiscardUnknownFieldsParser;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Message;
import com.google.protobuf.Parser;
import com.google.protobuf.WireFormat;
import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.ClientInterceptor;
import io.grpc.MethodDescriptor;
import io.grpc.ServerMethodDefinition;
import io.grpc.ServerServiceDefinition;
import io.grpc.Status;
import java.io.IOException;
import java.io.InputStream;
import java.util.function.Function;

/**
 * Refuses a message that would become much larger on the heap than it was on the wire, before protobuf makes it so: a number of one
 * byte takes eight there, and an empty message of two takes fifty, so that 64 MiB of them would be more than the whole heap.
 * Bytes fields, which are pages and device state, stay as long as they are and count for nothing. Unknown fields are dropped.
 * Stateless.
 */
final class BoundedMarshaller<T> implements MethodDescriptor.Marshaller<T> {
    /** Numbers and texts: those of {@code PageRuns.MAX_RUNS} runs in two numbers of five bytes, and some more. */
    static final int MAX_OTHER_BYTES = 6 << 20;

    /** Messages in a message: a small page each is 64 MiB in 16,384 of them. */
    static final int MAX_PARTS = 1 << 16;

    private final MethodDescriptor.Marshaller<T> inner;
    private final Descriptor descriptor;
    private final Function<CodedInputStream, T> parser;

    @SuppressWarnings("unchecked") // a message's parser makes messages of its own type
    private BoundedMarshaller(MethodDescriptor.Marshaller<T> inner, Message prototype) {
        this.inner = inner;
        this.descriptor = prototype.getDescriptorForType();
        Parser<? extends Message> known = DiscardUnknownFieldsParser.wrap(prototype.getParserForType());
        this.parser = in -> {
            try {
                return (T) known.parseFrom(in);
            } catch (InvalidProtocolBufferException e) {
                throw refused(Status.INVALID_ARGUMENT, e.getMessage());
            }
        };
    }

    /** The same, bounded, where it is protobuf's; as it is, where it is our own. */
    static <T> MethodDescriptor.Marshaller<T> of(MethodDescriptor.Marshaller<T> marshaller) {
        return marshaller instanceof MethodDescriptor.PrototypeMarshaller<T> p
                        && p.getMessagePrototype() instanceof Message prototype
                ? new BoundedMarshaller<>(marshaller, prototype)
                : marshaller;
    }

    /** With every request bounded. */
    static ServerServiceDefinition requests(ServerServiceDefinition service) {
        ServerServiceDefinition.Builder bounded =
                ServerServiceDefinition.builder(service.getServiceDescriptor().getName());
        service.getMethods().forEach(method -> add(bounded, method));
        return bounded.build();
    }

    private static <Q, A> void add(ServerServiceDefinition.Builder to, ServerMethodDefinition<Q, A> method) {
        MethodDescriptor<Q, A> d = method.getMethodDescriptor();
        to.addMethod(
                d.toBuilder(of(d.getRequestMarshaller()), d.getResponseMarshaller())
                        .build(),
                method.getServerCallHandler());
    }

    /** With every response bounded. */
    static ClientInterceptor responses() {
        return new ClientInterceptor() {
            @Override
            public <Q, A> ClientCall<Q, A> interceptCall(MethodDescriptor<Q, A> d, CallOptions options, Channel next) {
                return next.newCall(
                        d.toBuilder(d.getRequestMarshaller(), of(d.getResponseMarshaller()))
                                .build(),
                        options);
            }
        };
    }

    @Override
    public InputStream stream(T value) {
        return inner.stream(value);
    }

    /** StatusRuntimeException RESOURCE_EXHAUSTED or INVALID_ARGUMENT. */
    @Override
    public T parse(InputStream stream) {
        byte[] bytes;
        try {
            bytes = stream.readAllBytes(); // bounded by maxInboundMessageSize
            new Weight().add(CodedInputStream.newInstance(bytes), descriptor);
        } catch (IOException e) {
            throw refused(Status.INVALID_ARGUMENT, e.getMessage());
        }
        CodedInputStream in = CodedInputStream.newInstance(bytes);
        in.enableAliasing(true);
        return parser.apply(in);
    }

    private static RuntimeException refused(Status status, String why) {
        return status.withDescription("message refused: " + why).asRuntimeException();
    }

    /** What has been found so far. */
    private static final class Weight {
        private long otherBytes;
        private int parts;

        /** As deep as our messages are, however deep the bytes pretend to be. */
        void add(CodedInputStream in, Descriptor descriptor) throws IOException {
            for (int tag = in.readTag(); tag != 0; tag = in.readTag()) {
                FieldDescriptor field = descriptor.findFieldByNumber(WireFormat.getTagFieldNumber(tag));
                int before = in.getTotalBytesRead();
                if (field == null || WireFormat.getTagWireType(tag) != WireFormat.WIRETYPE_LENGTH_DELIMITED) {
                    if (!in.skipField(tag)) {
                        throw new IOException("the end of a group without its beginning");
                    }
                    other(in.getTotalBytesRead() - before + 1);
                    continue;
                }
                int length = in.readRawVarint32();
                if (field.getType() == FieldDescriptor.Type.MESSAGE) {
                    part();
                    int outer = in.pushLimit(length);
                    add(in, field.getMessageType());
                    in.popLimit(outer);
                } else {
                    part();
                    in.skipRawBytes(length);
                    other(field.getType() == FieldDescriptor.Type.BYTES ? 0 : length);
                }
            }
        }

        private void part() {
            if (++parts > MAX_PARTS) {
                throw refused(Status.RESOURCE_EXHAUSTED, "more than " + MAX_PARTS + " parts");
            }
        }

        private void other(long bytes) {
            otherBytes += bytes;
            if (otherBytes > MAX_OTHER_BYTES) {
                throw refused(
                        Status.RESOURCE_EXHAUSTED, "more than " + MAX_OTHER_BYTES + " bytes of numbers and texts");
            }
        }
    }
}
