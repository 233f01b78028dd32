// Time from the time-stamp counter, whose rate is measured once at boot.
#pragma once
#include "machine.h"

void time_init(void);
u64 time_cycles_of_us(u32 us);
// 0 where the counter has gone back.
u64 time_ms_between(u64 from, u64 to);
u64 time_cycles_per(u32 times_per_second);
// Time between two readings in ns. The counter may jump when a guest has moved: back counts as 0, more than ten minutes
// as ten minutes.
u64 time_ns_between(u64 from, u64 to);
void time_wait_us(u32 us);
