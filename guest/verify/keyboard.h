// Commands from the PS/2 keyboard, polled: it needs no chardev, QMP send-key reaches it.
#pragma once
#include "machine.h"

void keyboard_init(void);
// The letter or digit of a key that went down since the last call, or 0.
char keyboard_poll(void);
// Does not return: resets the whole machine.
void keyboard_reset_machine(void);
