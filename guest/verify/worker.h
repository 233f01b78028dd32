// What every vCPU does: check and rewrite the pages of its own part, so that no locks are needed.
#pragma once
#include "latency.h"
#include "machine.h"

enum task { TASK_NONE, TASK_FILL, TASK_VERIFY };

// One mismatch, on its way to the serial port.
struct bad {
  u32 pfn, word, got, want, version;
};
#define BAD_QUEUE 32u

// Written by its vCPU alone, except bad_taken, which vCPU 0 owns.
struct worker {
  volatile u32 alive, rounds_done;
  volatile u64 touches, writes;
  volatile u32 bad, verified_bad, verified_zero;
  volatile u32 bad_queued, bad_taken;
  struct bad bad_queue[BAD_QUEUE];
  struct latency latency;
  u32 cpu, random, next;
  u64 due;
};

// Written by vCPU 0 alone.
struct control {
  volatile u32 running, round, task, write_percent, histogram_resets;
  volatile u32 touch_cycles; // between two touches; 0: no pause
};

extern struct worker workers[MAX_CPUS];
extern struct control control;
extern u32 working_set_pages;

void worker_init(u32 cpu);
// A short piece of work: a task that was asked for, or one touch, or a nap until it is time.
void worker_step(struct worker *worker);
// Called by vCPU 0: stops all touching, lets every vCPU do the task on its part, and returns when all are done.
// Touching stays stopped.
void worker_run_everywhere(enum task task);
