/* Entry from the multiboot loader, start of the other vCPUs, and the entries of the interrupt table. */
#define MULTIBOOT_MAGIC 0x1BADB002
#define MULTIBOOT_FLAGS 3 /* modules aligned, memory map wanted */
#define TRAMPOLINE 0x8000
#define STACK_BYTES 8192

  .section .multiboot, "a"
  .align 4
  .long MULTIBOOT_MAGIC, MULTIBOOT_FLAGS, -(MULTIBOOT_MAGIC + MULTIBOOT_FLAGS)

  .text
  .code32
  .globl start
start:
  cli
  cld
  movl $(stacks + STACK_BYTES), %esp
  call load_segments
  movl $bss_end, %ecx
  movl $bss_start, %edi
  subl %edi, %ecx
  shrl $2, %ecx
  /* The stack lies in .bss and only the return of load_segments has used it. */
  xorl %eax, %eax
  rep stosl
  pushl %ebx
  call boot
1:
  hlt
  jmp 1b

load_segments:
  lgdt gdt_pointer
  ljmp $8, $1f
1:
  movw $16, %ax
  movw %ax, %ds
  movw %ax, %es
  movw %ax, %fs
  movw %ax, %gs
  movw %ax, %ss
  ret

/* Copied to TRAMPOLINE; a starting vCPU comes here in real mode. */
  .globl trampoline, trampoline_end
trampoline:
  .code16
  cli
  xorw %ax, %ax
  movw %ax, %ds
  lgdtl TRAMPOLINE + (trampoline_gdt - trampoline)
  movl %cr0, %eax
  orb $1, %al
  movl %eax, %cr0
  ljmpl $8, $started
trampoline_gdt:
  .word 23
  .long gdt
trampoline_end:

  .code32
started:
  cld
  movw $16, %ax
  movw %ax, %ds
  movw %ax, %es
  movw %ax, %fs
  movw %ax, %gs
  movw %ax, %ss
  /* All of them start at once: the counter gives each its number and with it its stack. */
  movl $1, %eax
  lock xaddl %eax, next_cpu
  cmpl cpu_count, %eax
  jae 1f
  movl %eax, %ecx
  incl %ecx
  imull $STACK_BYTES, %ecx
  leal stacks(%ecx), %esp
  pushl %eax
  call worker_boot
1:
  hlt
  jmp 1b

/* Waits for the timer. Interrupts are taken nowhere else, so that the handlers drop the frame and return to the caller
   of this function: no iret, which KVM cannot emulate in protected mode. */
  .globl halt_until_timer
halt_until_timer:
  sti
  hlt
  .globl timer_entry, spurious_entry
timer_entry:
  movl $0, 0xfee000b0
spurious_entry:
  addl $12, %esp
  ret

/* 32 entries of 16 bytes: each leaves vector and error code on the stack. */
  .globl trap_entries
  .align 16
trap_entries:
  .set vector, 0
  .rept 32
  .align 16
  .if (vector == 8) || (vector >= 10 && vector <= 14) || (vector == 17) || (vector == 21) || (vector == 29) || (vector == 30)
  .else
  pushl $0
  .endif
  pushl $vector
  jmp trap
  .set vector, vector + 1
  .endr
trap:
  pushl %esp
  call panic

  .data
  .align 8
gdt:
  .quad 0
  .quad 0x00cf9a000000ffff /* code: flat, ring 0 */
  .quad 0x00cf92000000ffff /* data: flat */
gdt_pointer:
  .word 23
  .long gdt
  .globl next_cpu
next_cpu:
  .long 1

  .bss
  .align 16
  .globl stacks
stacks:
  .skip STACK_BYTES * 32
