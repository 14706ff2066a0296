#include "rl/environment.h"

#include <math.h>

static lsnn_status check_size(const char *what, int n, int least, int most) {
    return n >= least && n <= most ? LSNN_OK : fail(LSNN_ERR_USAGE, "the environment has %d %s; %d..%d are possible", n, what, least, most);
}

lsnn_status environment_check(const lsnn_environment *e) {
    lsnn_status status = LSNN_OK;
    TRY(check_size("numbers of state", e->n_state, 0, LSNN_ENVIRONMENT_STATE));
    TRY(check_size("observed numbers", e->n_observed, 0, LSNN_ENVIRONMENT_OBSERVED));
    TRY(check_size("actions", e->n_actions, 1, LSNN_ENVIRONMENT_ACTIONS));
    TRY(check_size("events", e->n_events, 0, LSNN_ENVIRONMENT_EVENTS));
    TRY(check_size("observed numbers and events together", e->n_observed + e->n_events, 1,
                   LSNN_ENVIRONMENT_OBSERVED + LSNN_ENVIRONMENT_EVENTS));
    if (e->reset == NULL || e->observe == NULL || e->step == NULL) {
        TRY(fail(LSNN_ERR_USAGE, "the environment has no function `%s`; set it",
                 e->reset == NULL     ? "reset"
                 : e->observe == NULL ? "observe"
                                      : "step"));
    }
    for (int k = 0; k < e->n_observed; k++) {
        if (!isfinite(e->observed[k].low) || !isfinite(e->observed[k].high) || !(e->observed[k].low < e->observed[k].high)) {
            TRY(fail(LSNN_ERR_USAGE, "the environment's range of observed number %d is %g..%g; it must be finite, and start below its end",
                     k, e->observed[k].low, e->observed[k].high));
        }
    }
out:
    return status;
}
