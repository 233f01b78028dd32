#include "latency.h"
#include "serial.h"

#define STALL_NS 100000u
#define SUB_SHIFT 4
#define SUB_BUCKETS (1u << SUB_SHIFT)

static u32 bucket_of(u64 ns) {
  if (ns < SUB_BUCKETS) return ns;
  u32 high = ns >> 32, low = ns;
  u32 log = high ? 63 - __builtin_clz(high) : 31 - __builtin_clz(low);
  return (log - SUB_SHIFT + 1) * SUB_BUCKETS + (ns >> (log - SUB_SHIFT) & (SUB_BUCKETS - 1));
}

static u64 lowest_of(u32 bucket) {
  return bucket < SUB_BUCKETS ? bucket : (u64)(SUB_BUCKETS + bucket % SUB_BUCKETS) << (bucket / SUB_BUCKETS - 1);
}

void latency_record(struct latency *latency, u64 ns, u32 resets) {
  if (latency->resets_seen != resets) {
    fill_words(latency->buckets, 0, LATENCY_BUCKETS);
    latency->max_ns = latency->stall_ns = 0;
    latency->resets_seen = resets;
  }
  latency->buckets[bucket_of(ns)]++;
  if (ns > latency->max_ns) latency->max_ns = ns;
  if (ns > STALL_NS) latency->stall_ns += ns;
  // Racing with vCPU 0 clearing it only moves a value into the neighbouring window.
  u32 units = ns >> LATENCY_WINDOW_SHIFT;
  if (units > latency->window_max) latency->window_max = units;
}

void latency_add(struct latency *sum, const struct latency *part) {
  for (u32 i = 0; i < LATENCY_BUCKETS; i++) sum->buckets[i] += part->buckets[i];
  if (part->max_ns > sum->max_ns) sum->max_ns = part->max_ns;
  sum->stall_ns += part->stall_ns;
}

// The upper edge of the bucket that holds the value at this percentile, but not more than the largest seen.
static u64 percentile(const struct latency *latency, u64 touches, u32 percent) {
  u64 wanted = divide(touches * percent + 99, 100, 0), seen = 0;
  for (u32 i = 0; i < LATENCY_BUCKETS; i++) {
    seen += latency->buckets[i];
    if (seen < wanted || !seen) continue;
    u64 edge = lowest_of(i + 1);
    return edge < latency->max_ns ? edge : latency->max_ns;
  }
  return 0;
}

static void print_us_field(const char *name, u64 ns) {
  print(" ");
  print(name);
  print("=");
  print_us(ns);
}

void latency_print(const struct latency *latency) {
  u64 touches = 0;
  for (u32 i = 0; i < LATENCY_BUCKETS; i++) {
    if (!latency->buckets[i]) continue;
    touches += latency->buckets[i];
    print("HIST");
    print_us_field("us", lowest_of(i));
    print_field("n", latency->buckets[i]);
    print("\n");
  }
  print("HIST end");
  print_field("touches", touches);
  print_us_field("p50us", percentile(latency, touches, 50));
  print_us_field("p99us", percentile(latency, touches, 99));
  print_us_field("maxus", latency->max_ns);
  print_us_field("stallsumus", latency->stall_ns);
  print("\n");
}
