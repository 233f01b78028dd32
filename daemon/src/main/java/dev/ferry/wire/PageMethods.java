package dev.ferry.wire;

import dev.ferry.v1.BulkAck;
import dev.ferry.v1.PageServiceGrpc;
import io.grpc.MethodDescriptor;

/** The methods of PageService with our own marshaller for whatever carries pages. */
final class PageMethods {
    private static final PageFrameMarshaller FRAMES = new PageFrameMarshaller();

    static final MethodDescriptor<PageFrame, BulkAck> BULK = PageServiceGrpc.getBulkMethod().toBuilder(
                    FRAMES, PageServiceGrpc.getBulkMethod().getResponseMarshaller())
            .build();

    static final MethodDescriptor<PageFrame, PageFrame> DEMAND =
            PageServiceGrpc.getDemandMethod().toBuilder(FRAMES, FRAMES).build();

    private PageMethods() {}
}
