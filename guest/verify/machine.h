// Instructions that C has no words for, and the integer types.
#pragma once
#include <stdbool.h>
#include <stdint.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int64_t s64;

#define PAGE_BYTES 4096u
#define PAGE_WORDS 1024u
#define MAX_CPUS 32u

static inline void out8(u16 port, u8 value) { asm volatile("outb %0, %1" : : "a"(value), "Nd"(port)); }
static inline void out16(u16 port, u16 value) { asm volatile("outw %0, %1" : : "a"(value), "Nd"(port)); }
static inline u8 in8(u16 port) {
  u8 value;
  asm volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
  return value;
}

static inline u64 tsc(void) {
  u64 value;
  asm volatile("rdtsc" : "=A"(value));
  return value;
}

// Stores are seen by other processors in program order on x86; only the compiler has to be held.
static inline void barrier(void) { asm volatile("" : : : "memory"); }
static inline void spin_hint(void) { asm volatile("pause" : : : "memory"); }

// String instructions, because each costs one decoding for a whole page where kernel-mode code is emulated.
static inline void fill_words(volatile u32 *to, u32 value, u32 words) {
  asm volatile("rep stosl" : "+D"(to), "+c"(words) : "a"(value) : "memory");
}
static inline void copy_words(volatile u32 *to, const u32 *from, u32 words) {
  asm volatile("rep movsl" : "+D"(to), "+S"(from), "+c"(words) : : "memory");
}

// Index of the first word that differs, or `words`. `words` is not 0.
static inline u32 first_difference(const volatile u32 *page, const u32 *want, u32 words) {
  u32 left = words;
  u8 differs;
  asm volatile("repe cmpsl\n\tsetne %3" : "+D"(page), "+S"(want), "+c"(left), "=q"(differs) : : "cc", "memory");
  return words - left - differs;
}
static inline u32 first_nonzero(const volatile u32 *page, u32 words) {
  u32 left = words;
  u8 differs;
  asm volatile("repe scasl\n\tsetne %2" : "+D"(page), "+c"(left), "=q"(differs) : "a"(0) : "cc", "memory");
  return words - left - differs;
}

// 64 by 32 bits without libgcc, which has no 32-bit half on Debian's plain gcc.
static inline u64 divide(u64 value, u32 by, u32 *rest) {
  u32 high = value >> 32, low = value, high_quotient, remainder;
  asm("divl %4" : "=a"(high_quotient), "=d"(remainder) : "a"(high), "d"(0), "r"(by));
  asm("divl %4" : "=a"(low), "=d"(remainder) : "a"(low), "d"(remainder), "r"(by));
  if (rest) *rest = remainder;
  return (u64)high_quotient << 32 | low;
}
