#include "cpu.h"
#include "time.h"

#define TRAMPOLINE 0x8000u
#define COMMAND ((volatile u32 *)0xfee00300)
#define DELIVERY_PENDING 0x1000u
#define INIT_ALL_OTHERS 0xc4500u
#define STARTUP_ALL_OTHERS 0xc4600u

volatile u32 cpu_count = 1;

static void send(u32 command) {
  *COMMAND = command;
  while (*COMMAND & DELIVERY_PENDING) spin_hint();
}

// The broadcast needs no list of APIC ids, which are not contiguous on every topology. The second SIPI of the manuals is
// left out, as in SeaBIOS: KVM on a host that emulates kernel-mode code takes it in a vCPU that runs already.
void cpu_start_others(void) {
  extern const u8 trampoline[], trampoline_end[];
  volatile u8 *to = (volatile u8 *)TRAMPOLINE;
  for (const u8 *from = trampoline; from < trampoline_end; from++) *to++ = *from;
  send(INIT_ALL_OTHERS);
  time_wait_us(10000);
  send(STARTUP_ALL_OTHERS | TRAMPOLINE >> 12);
}
