// Which pages are tested, and how they are reached.
#pragma once
#include "machine.h"

// Fills in the descriptor's regions from the multiboot memory map and places the version table.
// `high`: use memory above 4 GiB too.
void memory_init(const void *map, u32 map_bytes, bool high);
// After this, pages above 4 GiB can be reached too. Every vCPU calls it; does nothing where all pages are below.
void memory_paging_on(void);
extern volatile u32 *versions;
u32 memory_pfn(u32 index);
// The page is reachable until the same vCPU asks for another one.
volatile u32 *memory_page(u32 cpu, u32 pfn);
// Whether a page that nobody wrote since this boot can hold something: from before a reset, or left by the firmware.
bool memory_may_be_dirty(u32 pfn);
