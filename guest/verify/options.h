// The kernel command line: key=value words.
#pragma once
#include "machine.h"

enum pattern { PATTERN_SEQ, PATTERN_RANDOM, PATTERN_HOT };

struct options {
  enum pattern pattern;
  u64 working_set_bytes; // 0: all test pages
  u32 cpus;              // 0: all
  u32 write_percent, fill_percent, zero_percent;
  u32 rate; // page touches per second and vCPU; 0: unlimited
  bool series;
  bool high; // use memory above 4 GiB
};

extern struct options options;

// Prints what it does not understand, and goes on without it.
void options_parse(const char *line);
