#include "stop.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

static volatile sig_atomic_t is_stopping; /* the one global that a signal handler needs */

static void on_signal(int number) {
    if (is_stopping) {
        signal(number, SIG_DFL);
        raise(number);
        return;
    }
    is_stopping = 1;
    static const char text[] = "\nlsnn: stopping (again: at once, without saving)\n";
    if (write(STDERR_FILENO, text, sizeof text - 1) < 0) {
        return; /* nobody listens: stop all the same */
    }
}

/* What whoever started the program wants ignored (a shell its background jobs' Ctrl-C) stays ignored. */
static void watch(int number) {
    struct sigaction action;
    if (sigaction(number, NULL, &action) == 0 && action.sa_handler != SIG_IGN) {
        memset(&action, 0, sizeof action);
        action.sa_handler = on_signal;
        action.sa_flags = SA_RESTART;
        sigemptyset(&action.sa_mask);
        sigaction(number, &action, NULL);
    }
}

const volatile int *stop_on_signal(void) {
    _Static_assert(sizeof(sig_atomic_t) == sizeof(int), "the library watches an int");
    watch(SIGINT);
    watch(SIGTERM);
    return &is_stopping;
}
