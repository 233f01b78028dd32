#include "worker.h"
#include "content.h"
#include "cpu.h"
#include "descriptor.h"
#include "memory.h"
#include "options.h"
#include "report.h"
#include "time.h"
#include "trap.h"

struct worker workers[MAX_CPUS];
struct control control;
u32 working_set_pages;

void worker_init(u32 cpu) {
  struct worker *worker = &workers[cpu];
  worker->cpu = cpu;
  worker->random = 0x9e3779b9u * (cpu + 1);
  worker->alive = true;
}

// Where the vCPUs other than 0 begin, called by boot.S.
void worker_boot(u32 cpu) {
  trap_load();
  memory_paging_on();
  cpu_init();
  worker_init(cpu);
  for (;;) worker_step(&workers[cpu]);
}

static u32 random(struct worker *worker) {
  u32 state = worker->random;
  state ^= state << 13;
  state ^= state >> 17;
  state ^= state << 5;
  return worker->random = state;
}

static u32 below(struct worker *worker, u32 limit) { return (u64)random(worker) * limit >> 32; }

static u32 part_start(u32 pages, u32 part) { return divide((u64)pages * part, cpu_count, 0); }

static u32 pick(struct worker *worker) {
  u32 first = part_start(working_set_pages, worker->cpu);
  u32 pages = part_start(working_set_pages, worker->cpu + 1) - first;
  switch (options.pattern) {
    case PATTERN_SEQ:
      if (worker->next >= pages) worker->next = 0;
      return first + worker->next++;
    case PATTERN_HOT:
      if (pages >= 10 && below(worker, 10)) return first + below(worker, pages / 10);
      // The remaining tenth of the touches goes anywhere.
      // fall through
    case PATTERN_RANDOM:
      break;
  }
  return first + below(worker, pages);
}

// The order is what FORMAT.md promises to a program that looks at a stopped guest.
static void write_page(struct worker *worker, u32 index, u32 pfn, volatile u32 *page, u32 version) {
  struct in_flight *in_flight = &descriptor.in_flight[worker->cpu];
  in_flight->next_version = version;
  in_flight->page = index;
  barrier();
  content_write(page, pfn, version);
  barrier();
  versions[index] = version;
  in_flight->page = NO_PAGE;
}

static void found_bad(struct worker *worker, const volatile u32 *page, u32 pfn, u32 version, u32 word) {
  worker->bad++;
  if (worker->bad_queued - worker->bad_taken < BAD_QUEUE) {
    worker->bad_queue[worker->bad_queued % BAD_QUEUE] =
        (struct bad){pfn, word, page[word], content_word(pfn, version, word), version};
    barrier();
    worker->bad_queued++;
  }
  if (worker->cpu == 0) report_bad_pages();
}

static void touch(struct worker *worker) {
  u32 index = pick(worker), pfn = memory_pfn(index), version = versions[index];
  volatile u32 *page = memory_page(worker->cpu, pfn);
  u64 before = tsc();
  (void)*page;
  u64 after = tsc();
  latency_record(&worker->latency, time_ns_between(before, after), control.histogram_resets);
  u32 word = content_check(page, pfn, version);
  worker->touches++;
  // A bad page is left as it is, for whoever looks at it from outside.
  if (word != PAGE_WORDS) {
    found_bad(worker, page, pfn, version, word);
  } else if (version && below(worker, 100) < control.write_percent) {
    write_page(worker, index, pfn, page, version + 1 ? version + 1 : 1);
    worker->writes++;
  }
}

static void fill(struct worker *worker, u32 index) {
  u32 pfn = memory_pfn(index);
  volatile u32 *page = memory_page(worker->cpu, pfn);
  if (content_filled(pfn)) write_page(worker, index, pfn, page, 1);
  // Memory that is known to be zero is not even read here: it stays a hole on the host.
  else if (memory_may_be_dirty(pfn) && first_nonzero(page, PAGE_WORDS) != PAGE_WORDS) fill_words(page, 0, PAGE_WORDS);
}

static void verify(struct worker *worker, u32 index) {
  u32 pfn = memory_pfn(index), version = versions[index];
  volatile u32 *page = memory_page(worker->cpu, pfn);
  u32 word = content_check(page, pfn, version);
  if (content_zero(pfn, version)) worker->verified_zero++;
  if (word == PAGE_WORDS) return;
  worker->verified_bad++;
  found_bad(worker, page, pfn, version, word);
}

static void run_task(struct worker *worker) {
  u32 end = part_start(descriptor.pages, worker->cpu + 1);
  worker->verified_bad = worker->verified_zero = 0;
  for (u32 i = part_start(descriptor.pages, worker->cpu); i < end; i++) {
    if (control.task == TASK_FILL) fill(worker, i);
    if (control.task == TASK_VERIFY) verify(worker, i);
    if (control.task == TASK_NONE) break;
  }
}

// Whether the next touch is due. Time that was lost, in a stop for instance, is not made up for.
static bool is_due(struct worker *worker, u32 touch_cycles) {
  u64 now = tsc();
  s64 late = now - worker->due;
  if (late < 0 && -late <= (s64)touch_cycles) {
    cpu_idle(-late);
    return false;
  }
  u64 most = time_cycles_of_us(10000);
  worker->due = late < 0 || (u64)late > most + touch_cycles ? now + touch_cycles : worker->due + touch_cycles;
  return true;
}

void worker_step(struct worker *worker) {
  u32 round = control.round;
  if (worker->rounds_done != round) {
    barrier();
    run_task(worker);
    barrier();
    worker->rounds_done = round;
    return;
  }
  if (!control.running) {
    cpu_idle(time_cycles_of_us(1000));
    return;
  }
  u32 touch_cycles = control.touch_cycles;
  if (!touch_cycles || is_due(worker, touch_cycles)) touch(worker);
}

void worker_run_everywhere(enum task task) {
  control.running = false;
  control.task = task;
  barrier();
  control.round++;
  worker_step(&workers[0]);
  for (u32 i = 1; i < cpu_count; i++)
    while (workers[i].rounds_done != control.round) {
      report_bad_pages();
      cpu_idle(time_cycles_of_us(1000));
    }
  report_bad_pages();
}
