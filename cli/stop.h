/* Ctrl-C and SIGTERM: the first asks the work to save and stop, the second ends the program at once. */
#ifndef LSNN_CLI_STOP_H
#define LSNN_CLI_STOP_H

/* From now on the first signal sets the flag that is returned. */
const volatile int *stop_on_signal(void);

#endif
