#include "time.h"

#define PIT_HZ 1193182u
#define PIT_TICKS 59659u // 50 ms
#define SCALE_SHIFT 20

static u32 khz = 1000000;
static u32 ns_scale; // ns per cycle << SCALE_SHIFT
static u64 longest_cycles;

// Channel 2 of the PIT counts down once, started by its gate, and shows the end in bit 5 of port 0x61.
static u64 cycles_of_pit_run(void) {
  u8 gate = in8(0x61) & ~3;
  out8(0x61, gate);
  out8(0x43, 0xb0);
  out8(0x42, PIT_TICKS & 0xff);
  out8(0x42, PIT_TICKS >> 8);
  u64 start = tsc();
  out8(0x61, gate | 1);
  while (!(in8(0x61) & 0x20)) spin_hint();
  return tsc() - start;
}

void time_init(void) {
  // A pause of the host makes a run longer, never shorter.
  u64 cycles = cycles_of_pit_run(), again = cycles_of_pit_run();
  if (again < cycles) cycles = again;
  khz = divide(divide(cycles * PIT_HZ, PIT_TICKS, 0), 1000, 0);
  ns_scale = divide(1000000ull << SCALE_SHIFT, khz, 0);
  longest_cycles = (u64)khz * 1000 * 600;
}

u64 time_cycles_of_us(u32 us) { return divide((u64)khz * us, 1000, 0); }

u64 time_cycles_per(u32 times_per_second) { return divide((u64)khz * 1000, times_per_second, 0); }

u64 time_ns_between(u64 from, u64 to) {
  s64 cycles = to - from;
  if (cycles < 0) return 0;
  if ((u64)cycles > longest_cycles) cycles = longest_cycles;
  return (u64)cycles * ns_scale >> SCALE_SHIFT;
}

void time_wait_us(u32 us) {
  u64 start = tsc(), wait = time_cycles_of_us(us);
  // Unsigned: a counter that jumped back ends the wait instead of prolonging it.
  while (tsc() - start < wait) spin_hint();
}

u64 time_ms_between(u64 from, u64 to) {
  s64 cycles = to - from;
  return cycles < 0 ? 0 : divide(cycles, khz, 0);
}
