// What a test page holds: a function of its page frame number and its version, given in FORMAT.md.
#pragma once
#include "machine.h"

void content_init(u32 zero_percent, u32 fill_percent);
// Whether the page is written at boot at all.
bool content_filled(u32 pfn);
bool content_zero(u32 pfn, u32 version);
void content_write(volatile u32 *page, u32 pfn, u32 version);
// Index of the first wrong word, or PAGE_WORDS.
u32 content_check(const volatile u32 *page, u32 pfn, u32 version);
u32 content_word(u32 pfn, u32 version, u32 word);
