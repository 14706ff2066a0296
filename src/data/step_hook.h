/* Who acts while a sequence runs: the inputs of a step may depend on what the network answered before it. */
#ifndef LSNN_DATA_STEP_HOOK_H
#define LSNN_DATA_STEP_HOOK_H

#include <stddef.h>

/* Called before each step t of the samples first..first + n - 1, by the thread that runs them, and once more after the last step, with t = n_steps. The outputs of
 * windows that ended before t are there; the inputs of step t may still be written, those before it may not. Samples of other calls belong to other threads. */
typedef struct step_hook {
    void (*before_step)(void *user, int first, int n, int t);
    void *user;
} step_hook;

/* hook may be NULL. */
static inline void step_hook_tell(const step_hook *hook, int first, int n, int t) {
    if (hook != NULL) {
        hook->before_step(hook->user, first, n, t);
    }
}

#endif
