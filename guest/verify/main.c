// Boots, then serves commands and reports on vCPU 0 between its touches.
#include "content.h"
#include "cpu.h"
#include "descriptor.h"
#include "keyboard.h"
#include "memory.h"
#include "options.h"
#include "report.h"
#include "serial.h"
#include "time.h"
#include "trap.h"
#include "worker.h"

#define LAYOUT 1u
#define FW_CFG_SELECT 0x510
#define FW_CFG_DATA 0x511
#define FW_CFG_CPUS 5
#define START_LIMIT_US 10000000u

struct multiboot_info {
  u32 flags, lower, upper, boot_device, command_line, modules, modules_at, symbols[4], map_bytes, map;
};

struct descriptor descriptor __attribute__((section(".descriptor"))) = {
  .magic = "FERRY-VERIFY-RAM", .layout = LAYOUT,
};

static u32 rate;
static bool paused;

static void set_rate(u32 touches_per_second) {
  rate = touches_per_second;
  u64 cycles = rate ? time_cycles_per(rate) : 0;
  control.touch_cycles = cycles >> 32 ? 0xffffffffu : cycles;
}

static void resume(void) { control.running = !paused; }

static u32 cpus_of_machine(void) {
  out16(FW_CFG_SELECT, FW_CFG_CPUS);
  u32 low = in8(FW_CFG_DATA);
  return low | in8(FW_CFG_DATA) << 8;
}

static void start_cpus(void) {
  u32 cpus = cpus_of_machine();
  if (options.cpus && options.cpus < cpus) cpus = options.cpus;
  if (cpus > MAX_CPUS) cpus = MAX_CPUS;
  descriptor.cpus = cpu_count = cpus;
  worker_init(0);
  if (cpus == 1) return;
  cpu_start_others();
  u64 start = tsc(), limit = time_cycles_of_us(START_LIMIT_US);
  for (u32 i = 1; i < cpus; i++)
    while (!workers[i].alive && tsc() - start < limit) spin_hint();
  for (u32 i = 1; i < cpus; i++)
    if (!workers[i].alive) {
      print("PANIC vCPU does not start");
      print_field("cpu", i);
      print("\n");
      for (;;) asm volatile("hlt");
    }
}

static void verify_all(void) {
  u64 start = tsc();
  worker_run_everywhere(TASK_VERIFY);
  report_verify(time_ms_between(start, tsc()));
  resume();
}

static void print_setting(const char *name, u32 value) {
  print("SET");
  print_field(name, value);
  print("\n");
}

static void toggle_pause(void) {
  paused = !paused;
  // Told only when no page is being written any more.
  if (paused) worker_run_everywhere(TASK_NONE);
  resume();
  print_setting("paused", paused);
}

static void change_rate(bool faster) {
  if (faster) set_rate(rate > 500000 ? 0 : rate * 2);
  else set_rate(rate == 0 ? 1024 : rate > 1 ? rate / 2 : 1);
  print_setting("rate", rate);
}

static void command(char key) {
  switch (key) {
    case 'v': verify_all(); break;
    case 'h': report_histogram(); break;
    case 'z':
      control.histogram_resets++;
      print_setting("histogram", 0);
      break;
    case 'p': toggle_pause(); break;
    case 'f': change_rate(true); break;
    case 's': change_rate(false); break;
    case 'r':
      print("RESET\n");
      // The firmware is about to write into test pages.
      descriptor.ready = 0;
      keyboard_reset_machine();
      break;
    default:
      if (key < '0' || key > '9') return;
      control.write_percent = (key - '0') * 10;
      print_setting("write", control.write_percent);
  }
}

static void serve(void) {
  u64 last = 0;
  for (;;) {
    u64 now = tsc();
    // Port reads leave the vCPU: once a millisecond is enough.
    if (now - last >= time_cycles_of_us(1000)) {
      last = now;
      command(keyboard_poll());
      report_poll();
    }
    worker_step(&workers[0]);
  }
}

static void set_working_set(void) {
  u64 pages = options.working_set_bytes / PAGE_BYTES;
  working_set_pages = pages && pages < descriptor.pages ? pages : descriptor.pages;
  if (working_set_pages < cpu_count) working_set_pages = cpu_count;
}

// Called by boot.S with an empty .bss.
void boot(const struct multiboot_info *info) {
  trap_init();
  trap_load();
  serial_init();
  time_init();
  print("BOOT\n");
  // The command line lies behind the image, where the version table may be put.
  options_parse((const char *)info->command_line);
  content_init(options.zero_percent, options.fill_percent);
  descriptor.zero_percent = options.zero_percent;
  descriptor.fill_percent = options.fill_percent;
  for (u32 i = 0; i < MAX_CPUS; i++) descriptor.in_flight[i].page = NO_PAGE;
  memory_init((const void *)info->map, info->map_bytes, options.high);
  memory_paging_on();
  cpu_init();
  keyboard_init();
  start_cpus();
  set_working_set();
  control.write_percent = options.write_percent;
  set_rate(options.rate);
  worker_run_everywhere(TASK_FILL);
  descriptor.ready = 1;
  report_ready();
  resume();
  serve();
}
