// How long the first load of each page touch took: a histogram for each vCPU, written by that vCPU alone.
#pragma once
#include "machine.h"

// Sixteen buckets for each power of two of nanoseconds, up to the ten minutes that time.h lets through: an edge is at most
// a sixteenth away.
#define LATENCY_BUCKETS 640u
#define LATENCY_WINDOW_SHIFT 8 // 32 bits then hold ten minutes, and one vCPU writes while another clears

struct latency {
  u32 buckets[LATENCY_BUCKETS];
  u64 max_ns, stall_ns; // stall_ns: the sum of all that took more than 100 us
  u32 resets_seen;
  volatile u32 window_max; // in units of 256 ns; taken and cleared by vCPU 0
};

// `resets` is how often a reset has been asked for; the owner clears its own histogram when it has grown.
void latency_record(struct latency *latency, u64 ns, u32 resets);
void latency_add(struct latency *sum, const struct latency *part);
// Prints HIST lines, then HIST end.
void latency_print(const struct latency *latency);
