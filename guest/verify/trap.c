#include "trap.h"
#include "serial.h"

#define GATE_BYTES 16u // between the entries in boot.S

struct gate {
  u16 offset_low, selector, flags, offset_high;
};

struct frame {
  u32 vector, error, eip, cs, eflags;
};

static struct gate table[256];

static void set(u32 vector, u32 entry) {
  table[vector] = (struct gate){entry & 0xffff, 8, 0x8e00, entry >> 16};
}

void trap_init(void) {
  extern const u8 trap_entries[], timer_entry[], spurious_entry[];
  for (u32 i = 0; i < 32; i++) set(i, (u32)trap_entries + i * GATE_BYTES);
  set(TIMER_VECTOR, (u32)timer_entry);
  set(SPURIOUS_VECTOR, (u32)spurious_entry);
}

void trap_load(void) {
  struct {
    u16 limit;
    u32 base;
  } __attribute__((packed)) pointer = {sizeof table - 1, (u32)table};
  asm volatile("lidt %0" : : "m"(pointer));
}

// Called by the entries in boot.S. The lines of two vCPUs may mix: better than waiting for one that is gone.
void panic(const struct frame *frame) {
  u32 cr2;
  asm volatile("movl %%cr2, %0" : "=r"(cr2));
  print("\nPANIC");
  print_field("vector", frame->vector);
  print_hex_field("error", frame->error);
  print_hex_field("eip", frame->eip);
  print_hex_field("cr2", cr2);
  print_hex_field("stack", (u32)frame);
  print("\n");
  for (;;) asm volatile("cli\n\thlt");
}
