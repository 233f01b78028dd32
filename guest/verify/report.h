// The lines on the serial port. Called by vCPU 0 only.
#pragma once
#include "machine.h"

void report_ready(void);
// Prints TICK and T lines when it is time for them. To be called about once a millisecond.
void report_poll(void);
void report_bad_pages(void);
void report_histogram(void);
void report_verify(u64 ms);
