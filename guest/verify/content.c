#include "content.h"

#define HEADER_MAGIC 0x59525246u // "FRRY"
#define HEADER_WORDS 4u
#define WINDOWS 65536u

// Page bodies are windows of one pseudo-random table. A generator per page would cost a dozen instructions a word,
// 10 ms a page where instructions are emulated one by one; comparing with a table takes one string instruction.
static u32 table[WINDOWS + PAGE_WORDS];
static u32 zero_share, fill_share;

static u32 mix(u32 value) {
  value ^= value >> 16;
  value *= 0x7feb352du;
  value ^= value >> 15;
  value *= 0x846ca68bu;
  return value ^ value >> 16;
}

void content_init(u32 zero_percent, u32 fill_percent) {
  u32 state = 0x46455252u;
  for (u32 i = 0; i < WINDOWS + PAGE_WORDS; i++) {
    state ^= state << 13;
    state ^= state >> 17;
    state ^= state << 5;
    table[i] = state;
  }
  zero_share = zero_percent;
  fill_share = fill_percent;
}

bool content_filled(u32 pfn) { return (mix(pfn) & 0xffff) % 100 < fill_share; }

bool content_zero(u32 pfn, u32 version) {
  return version == 0 || ((version & 1) == 0 && (mix(pfn) >> 16) % 100 < zero_share);
}

static const u32 *body(u32 pfn, u32 version) { return table + mix(pfn ^ mix(version)) % WINDOWS; }

static u32 header_word(u32 pfn, u32 version, u32 word) {
  switch (word) {
    case 0: return HEADER_MAGIC;
    case 1: return pfn;
    case 2: return version;
    default: return ~version;
  }
}

// Words are written in ascending order, each once: FORMAT.md promises it for a page that is being written.
void content_write(volatile u32 *page, u32 pfn, u32 version) {
  if (content_zero(pfn, version)) {
    fill_words(page, 0, PAGE_WORDS);
    return;
  }
  for (u32 i = 0; i < HEADER_WORDS; i++) page[i] = header_word(pfn, version, i);
  copy_words(page + HEADER_WORDS, body(pfn, version) + HEADER_WORDS, PAGE_WORDS - HEADER_WORDS);
}

u32 content_check(const volatile u32 *page, u32 pfn, u32 version) {
  if (content_zero(pfn, version)) return first_nonzero(page, PAGE_WORDS);
  for (u32 i = 0; i < HEADER_WORDS; i++)
    if (page[i] != header_word(pfn, version, i)) return i;
  return HEADER_WORDS
      + first_difference(page + HEADER_WORDS, body(pfn, version) + HEADER_WORDS, PAGE_WORDS - HEADER_WORDS);
}

u32 content_word(u32 pfn, u32 version, u32 word) {
  if (content_zero(pfn, version)) return 0;
  return word < HEADER_WORDS ? header_word(pfn, version, word) : body(pfn, version)[word];
}
