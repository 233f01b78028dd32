// The local APIC: starting the other vCPUs, and sleeping.
#pragma once
#include "machine.h"

extern volatile u32 cpu_count;

void cpu_init(void); // on every vCPU
// Sends INIT-SIPI-SIPI to all others. Those numbered below cpu_count call worker_boot, the rest halt.
void cpu_start_others(void);
// Halts for at most a millisecond or so, or returns at once if the time is too short to be worth it.
void cpu_idle(u64 cycles);
