#include "keyboard.h"
#include "time.h"

#define DATA 0x60
#define STATUS 0x64
#define OUTPUT_FULL 1
#define INPUT_FULL 2
#define FROM_MOUSE 0x20

static void write_when_ready(u16 port, u8 value) {
  for (u32 i = 0; i < 1000 && in8(STATUS) & INPUT_FULL; i++) time_wait_us(10);
  out8(port, value);
}

static void drain(void) {
  for (u32 i = 0; i < 64 && in8(STATUS) & OUTPUT_FULL; i++) in8(DATA);
}

void keyboard_init(void) {
  drain();
  write_when_ready(STATUS, 0x60);
  write_when_ready(DATA, 0x60); // scan codes of set 1, mouse off, no interrupts
  write_when_ready(DATA, 0xf4); // scanning on
  time_wait_us(1000);
  drain();
}

static char key_of(u8 code) {
  static const char digits[] = "1234567890", upper[] = "qwertyuiop", middle[] = "asdfghjkl", lower[] = "zxcvbnm";
  if (code >= 0x02 && code <= 0x0b) return digits[code - 0x02];
  if (code >= 0x10 && code <= 0x19) return upper[code - 0x10];
  if (code >= 0x1e && code <= 0x26) return middle[code - 0x1e];
  if (code >= 0x2c && code <= 0x32) return lower[code - 0x2c];
  return 0;
}

char keyboard_poll(void) {
  u8 status = in8(STATUS);
  // 0xff: this machine has no i8042.
  if (status == 0xff || !(status & OUTPUT_FULL)) return 0;
  u8 code = in8(DATA);
  return status & FROM_MOUSE ? 0 : key_of(code);
}

void keyboard_reset_machine(void) {
  write_when_ready(STATUS, 0xfe);
  time_wait_us(100000);
  out8(0xcf9, 0x02);
  out8(0xcf9, 0x06);
  for (;;) spin_hint();
}
