// Text on COM1. Used by vCPU 0, and by any vCPU that panics.
#pragma once
#include "machine.h"

void serial_init(void);
void print(const char *text);
void print_number(u64 value);
void print_hex(u32 value);
// Nanoseconds as microseconds with three decimals.
void print_us(u64 ns);
// " name=value"
void print_field(const char *name, u64 value);
void print_hex_field(const char *name, u32 value);
