// The interrupt table: exceptions end in a PANIC line, the timer wakes a vCPU that sleeps.
#pragma once
#include "machine.h"

#define TIMER_VECTOR 0x20u
#define SPURIOUS_VECTOR 0xffu

void trap_init(void);
void trap_load(void); // on every vCPU
