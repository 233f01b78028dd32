#include "report.h"
#include "cpu.h"
#include "descriptor.h"
#include "options.h"
#include "serial.h"
#include "time.h"
#include "worker.h"

#define WINDOW_US 100000u
#define TICK_US 1000000u

static struct {
  u64 ready_at, window_at, tick_at;
  u64 window_touches;
  u32 ticks, tick_max; // in the unit of latency.window_max
} state;

// Two halves, while another vCPU counts.
static u64 read_counter(const volatile u64 *counter) {
  const volatile u32 *half = (const volatile u32 *)counter;
  u32 high, low;
  do {
    high = half[1];
    low = half[0];
  } while (high != half[1]);
  return (u64)high << 32 | low;
}

static u64 touches(void) {
  u64 sum = 0;
  for (u32 i = 0; i < cpu_count; i++) sum += read_counter(&workers[i].touches);
  return sum;
}

void report_ready(void) {
  print("READY");
  print_field("pages", descriptor.pages);
  print_field("cpus", cpu_count);
  print_field("ws", working_set_pages);
  print_field("boots", descriptor.boots);
  print("\n");
  state.ready_at = state.window_at = state.tick_at = tsc();
}

// Whether a period is over; starts the next one. A counter that jumped only begins a new period.
static bool over(u64 *start, u64 now, u32 period_us) {
  u64 cycles = time_cycles_of_us(period_us), passed = now - *start;
  if (passed < cycles) return false;
  *start = passed < 2 * cycles ? *start + cycles : now;
  return true;
}

static u32 take_window_max(void) {
  u32 max = 0;
  for (u32 i = 0; i < cpu_count; i++) {
    u32 taken = 0;
    asm volatile("xchgl %0, %1" : "+r"(taken), "+m"(workers[i].latency.window_max));
    if (taken > max) max = taken;
  }
  return max;
}

static void print_max_us(u32 window_max) {
  print_field("maxus", divide((u64)window_max << LATENCY_WINDOW_SHIFT, 1000, 0));
}

static void close_window(u64 now) {
  u32 max = take_window_max();
  if (max > state.tick_max) state.tick_max = max;
  if (!options.series) return;
  u64 sum = touches();
  print("T");
  print_field("ms", time_ms_between(state.ready_at, now));
  print_field("touches", sum - state.window_touches);
  print_max_us(max);
  print("\n");
  state.window_touches = sum;
}

static void tick(void) {
  u64 writes = 0, bad = 0;
  for (u32 i = 0; i < cpu_count; i++) {
    writes += read_counter(&workers[i].writes);
    bad += workers[i].bad;
  }
  print("TICK");
  print_field("n", ++state.ticks);
  print_field("touches", touches());
  print_field("writes", writes);
  print_field("bad", bad);
  print_max_us(state.tick_max);
  print("\n");
  state.tick_max = 0;
}

void report_poll(void) {
  u64 now = tsc();
  report_bad_pages();
  if (over(&state.window_at, now, WINDOW_US)) close_window(now);
  if (over(&state.tick_at, now, TICK_US)) tick();
}

static void print_bad(const struct bad *bad, u32 cpu) {
  print("BAD");
  print_hex_field("page", bad->pfn);
  print_field("cpu", cpu);
  print_field("word", bad->word);
  print_hex_field("got", bad->got);
  print_hex_field("want", bad->want);
  print_field("version", bad->version);
  print("\n");
}

void report_bad_pages(void) {
  for (u32 i = 0; i < cpu_count; i++) {
    struct worker *worker = &workers[i];
    // Not more than there are now: a vCPU that finds them faster than they are printed must not hold up this one.
    u32 queued = worker->bad_queued;
    while (worker->bad_taken != queued) {
      barrier();
      print_bad(&worker->bad_queue[worker->bad_taken % BAD_QUEUE], i);
      barrier();
      worker->bad_taken++;
    }
  }
}

void report_histogram(void) {
  static struct latency sum;
  fill_words((volatile u32 *)&sum, 0, sizeof sum / sizeof(u32));
  for (u32 i = 0; i < cpu_count; i++)
    if (workers[i].latency.resets_seen == control.histogram_resets) latency_add(&sum, &workers[i].latency);
  latency_print(&sum);
}

void report_verify(u64 ms) {
  u32 bad = 0, zero = 0;
  for (u32 i = 0; i < cpu_count; i++) {
    bad += workers[i].verified_bad;
    zero += workers[i].verified_zero;
  }
  print("VERIFY");
  print_field("ok", bad == 0);
  print_field("pages", descriptor.pages);
  print_field("bad", bad);
  print_field("zero", zero);
  print_field("ms", ms);
  print("\n");
}
