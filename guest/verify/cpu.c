#include "cpu.h"
#include "time.h"
#include "trap.h"

#define APIC(offset) (*(volatile u32 *)(0xfee00000 + (offset)))
#define SPURIOUS APIC(0xf0)
#define TIMER APIC(0x320)
#define TIMER_INITIAL APIC(0x380)
#define TIMER_DIVIDE APIC(0x3e0)
#define ENABLED 0x100u
#define DIVIDE_BY_1 0xbu

#define PIC_MASTER_MASK 0x21
#define PIC_SLAVE_MASK 0xa1

void cpu_init(void) {
  out8(PIC_MASTER_MASK, 0xff);
  out8(PIC_SLAVE_MASK, 0xff);
  SPURIOUS = ENABLED | SPURIOUS_VECTOR;
  TIMER_DIVIDE = DIVIDE_BY_1;
  TIMER = TIMER_VECTOR;
}

void cpu_idle(u64 cycles) {
  extern void halt_until_timer(void);
  u64 ns = time_ns_between(0, cycles);
  if (ns < 50000) {
    spin_hint();
    return;
  }
  // One count is 1 ns in QEMU and KVM; elsewhere the nap is a little longer or shorter.
  TIMER_INITIAL = ns < 1000000 ? ns : 1000000;
  halt_until_timer();
}
