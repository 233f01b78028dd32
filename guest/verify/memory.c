#include "memory.h"
#include "descriptor.h"

// Above the image: a page that survives a reset, then the version table, then the test pages.
#define RESET_MARK ((volatile u32 *)0x200000)
#define TABLE_START 0x201000u
#define RESET_MAGIC 0x74657374u

// SeaBIOS runs from about 16 MiB below the end of the memory below 4 GiB, and leaves its code there.
#define FIRMWARE_PAGES (32u << 20 >> 12)

#define FIRST_HIGH_PFN 0x100000u // 4 GiB
#define USABLE 1
#define CR0_PG 0x80000000u
#define CR4_PAE 0x20u
#define PRESENT_WRITABLE 3u
#define LARGE 0x80u

// Windows lie where a machine with memory above 4 GiB has devices, none of which is used.
#define WINDOWS_START 0xd0000000u

struct map_entry {
  u32 size; // of what follows
  u64 base, length;
  u32 type;
} __attribute__((packed));

volatile u32 *versions;
static u64 page_directories[4][512] __attribute__((aligned(4096)));
static u64 window_table[512] __attribute__((aligned(4096)));
static u64 directory_pointers[4] __attribute__((aligned(32)));
static u32 window_pfn[MAX_CPUS];
static bool paging, fresh;

static u64 end_of(const struct map_entry *entry) { return entry->base + entry->length; }

static const struct map_entry *next(const struct map_entry *entry) {
  return (const void *)((const u8 *)entry + entry->size + sizeof entry->size);
}

// The part of an entry that lies above the image, in whole pages.
static struct region usable_pages(const struct map_entry *entry, u32 lowest_pfn, bool high) {
  struct region pages = {0, 0, 0, 0};
  if (entry->type != USABLE || (!high && entry->base >> 32)) return pages;
  u32 first = (entry->base + PAGE_BYTES - 1) >> 12, end = end_of(entry) >> 12;
  if (first < lowest_pfn) first = lowest_pfn;
  pages.first_pfn = first;
  pages.pages = end > first ? end - first : 0;
  return pages;
}

static void add_regions(const struct map_entry *map, const void *map_end, u32 lowest_pfn, bool high) {
  struct descriptor *d = &descriptor;
  d->pages = d->regions_used = 0;
  for (; (const void *)map < map_end && d->regions_used < MAX_REGIONS; map = next(map)) {
    struct region pages = usable_pages(map, lowest_pfn, high);
    if (!pages.pages) continue;
    pages.first_index = d->pages;
    d->pages += pages.pages;
    d->regions[d->regions_used++] = pages;
  }
}

static void prepare_paging(void) {
  for (u32 i = 0; i < 4; i++) {
    directory_pointers[i] = (u32)page_directories[i] | 1;
    for (u32 j = 0; j < 512; j++) page_directories[i][j] = (u64)(i * 512 + j) << 21 | LARGE | PRESENT_WRITABLE;
  }
  page_directories[WINDOWS_START >> 30][WINDOWS_START >> 21 & 511] = (u32)window_table | PRESENT_WRITABLE;
}

void memory_init(const void *map, u32 map_bytes, bool high) {
  const void *map_end = (const u8 *)map + map_bytes;
  // The table takes its pages from the test pages: count them once without it.
  u32 first_pfn = TABLE_START >> 12;
  add_regions(map, map_end, first_pfn, high);
  add_regions(map, map_end, first_pfn + (descriptor.pages * sizeof(u32) + PAGE_BYTES - 1) / PAGE_BYTES, high);

  versions = (volatile u32 *)TABLE_START;
  descriptor.version_table = TABLE_START;
  fill_words(versions, 0, descriptor.pages);

  fresh = RESET_MARK[0] != RESET_MAGIC;
  RESET_MARK[0] = RESET_MAGIC;
  RESET_MARK[1] = fresh ? 1 : RESET_MARK[1] + 1;
  descriptor.boots = RESET_MARK[1];

  for (u32 i = 0; i < descriptor.regions_used; i++)
    if (descriptor.regions[i].first_pfn >= FIRST_HIGH_PFN) paging = true;
  // Only where it is needed: emulated vCPUs walk the tables for every access.
  if (paging) prepare_paging();
}

void memory_paging_on(void) {
  if (!paging) return;
  u32 value;
  asm volatile("movl %%cr4, %0" : "=r"(value));
  asm volatile("movl %0, %%cr4" : : "r"(value | CR4_PAE));
  asm volatile("movl %0, %%cr3" : : "r"(directory_pointers) : "memory");
  asm volatile("movl %%cr0, %0" : "=r"(value));
  asm volatile("movl %0, %%cr0\n\tjmp 1f\n1:" : : "r"(value | CR0_PG) : "memory");
}

u32 memory_pfn(u32 index) {
  const struct region *region = descriptor.regions;
  while (index - region->first_index >= region->pages) region++;
  return region->first_pfn + (index - region->first_index);
}

volatile u32 *memory_page(u32 cpu, u32 pfn) {
  if (pfn < FIRST_HIGH_PFN) return (volatile u32 *)(pfn << 12);
  volatile u32 *window = (volatile u32 *)(WINDOWS_START + cpu * PAGE_BYTES);
  if (window_pfn[cpu] != pfn) {
    window_pfn[cpu] = pfn;
    // Each vCPU has an entry of its own and is alone in caching it: no shootdown.
    *(volatile u64 *)&window_table[cpu] = (u64)pfn << 12 | PRESENT_WRITABLE;
    asm volatile("invlpg (%0)" : : "r"(window) : "memory");
  }
  return window;
}

bool memory_may_be_dirty(u32 pfn) {
  const struct region *low = &descriptor.regions[0];
  u32 end = low->first_pfn + low->pages;
  return !fresh || (pfn < end && end - pfn <= FIRMWARE_PAGES);
}
