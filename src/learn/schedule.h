/* The learning rate over training. */
#ifndef LSNN_LEARN_SCHEDULE_H
#define LSNN_LEARN_SCHEDULE_H

#include <stdint.h>

typedef enum schedule_kind { SCHEDULE_STEP, SCHEDULE_COSINE, SCHEDULE_CONSTANT } schedule_kind;

typedef struct schedule {
    schedule_kind kind;
    double rate;   /* at the start */
    double factor; /* step: times this after every `every` iterations */
    int64_t every;
    double end;           /* cosine: times this at the end */
    int64_t warmup;       /* iterations over which the rate rises from 0 */
    int64_t n_iterations; /* cosine: the end */
} schedule;

/* The learning rate of iteration 0, 1... */
double schedule_rate(const schedule *s, int64_t iteration);

#endif
