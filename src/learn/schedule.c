#include "learn/schedule.h"

#include <math.h>

double schedule_rate(const schedule *s, int64_t iteration) {
    double rate = s->rate;
    if (s->kind == SCHEDULE_STEP) {
        rate *= pow(s->factor, (double)(iteration / s->every));
    } else if (s->kind == SCHEDULE_COSINE) {
        double progress = s->n_iterations > 1 ? fmin(1, (double)iteration / (double)(s->n_iterations - 1)) : 0;
        rate *= s->end + (1 - s->end) * (0.5 + 0.5 * cos(3.14159265358979323846 * progress));
    }
    if (iteration < s->warmup) {
        rate *= (double)(iteration + 1) / (double)s->warmup;
    }
    return rate;
}
