// What a program outside the guest reads from its memory. FORMAT.md describes it; change both together.
#pragma once
#include "machine.h"

#define MAX_REGIONS 8u
#define NO_PAGE 0xffffffffu

struct region {
  u32 first_pfn, pages, first_index, reserved;
};

// Written by its vCPU alone. `page` is set after `next_version`, and cleared after the version table has it.
struct in_flight {
  volatile u32 page, next_version;
};

struct descriptor {
  u8 magic[16];
  u32 layout;
  volatile u32 ready;
  u32 pages;
  u32 version_table;
  u32 zero_percent, fill_percent;
  u32 cpus;
  u32 boots;
  u32 regions_used;
  u32 reserved[3];
  struct region regions[MAX_REGIONS];
  struct in_flight in_flight[MAX_CPUS];
};

extern struct descriptor descriptor;
