#include "serial.h"
#include "time.h"

#define COM1 0x3f8
#define LINE_STATUS (COM1 + 5)
#define TRANSMITTER_EMPTY 0x20

// Set when the other end did not read for a while: from then on bytes are lost and nothing waits, until it reads again.
static bool stuck;

void serial_init(void) {
  out8(COM1 + 1, 0x00); // no interrupts
  out8(COM1 + 3, 0x80);
  out8(COM1 + 0, 0x01); // 115200 baud
  out8(COM1 + 1, 0x00);
  out8(COM1 + 3, 0x03); // 8n1
  out8(COM1 + 2, 0x07); // FIFO on, emptied
  out8(COM1 + 4, 0x03);
}

static bool transmitter_empty(void) { return in8(LINE_STATUS) & TRANSMITTER_EMPTY; }

static bool wait_until_empty(void) {
  u64 start = tsc(), limit = time_cycles_of_us(20000);
  while (!transmitter_empty()) {
    if (stuck || tsc() - start > limit) return false;
    spin_hint();
  }
  return true;
}

static void put(char byte) {
  // What is left of a line that lost its beginning gets a line of its own.
  if (stuck && transmitter_empty()) {
    stuck = false;
    out8(COM1, '\n');
  }
  if (wait_until_empty()) out8(COM1, byte);
  else stuck = true;
}

void print(const char *text) {
  while (*text) put(*text++);
}

void print_number(u64 value) {
  char digits[21];
  char *at = digits + sizeof digits - 1;
  *at = 0;
  do {
    u32 digit;
    value = divide(value, 10, &digit);
    *--at = '0' + digit;
  } while (value);
  print(at);
}

void print_hex(u32 value) {
  print("0x");
  for (int shift = 28; shift >= 0; shift -= 4) put("0123456789abcdef"[value >> shift & 15]);
}

void print_us(u64 ns) {
  u32 rest;
  print_number(divide(ns, 1000, &rest));
  put('.');
  put('0' + rest / 100);
  put('0' + rest / 10 % 10);
  put('0' + rest % 10);
}

void print_field(const char *name, u64 value) {
  print(" ");
  print(name);
  print("=");
  print_number(value);
}

void print_hex_field(const char *name, u32 value) {
  print(" ");
  print(name);
  print("=");
  print_hex(value);
}
