/* Memory of beliefs (lsnn_beliefs of the public header). */
#ifndef LSNN_L2L_BELIEFS_H
#define LSNN_L2L_BELIEFS_H

#include "base/arena.h"

enum { BELIEFS_MOST_SEEN = 1000, BELIEFS_MOST_POINTS = 1000000 };

/* What the public sees as const, to be filled. */
typedef struct own_beliefs {
    lsnn_beliefs all; /* first: the address of the whole is its */
    arena memory;
    double *x, *target, *answer, *points, *value, *belief;
    int *seen;
} own_beliefs;

/* Of these sizes and ranges, all numbers 0; lsnn_beliefs_free frees it. Errors: MEMORY. */
lsnn_status beliefs_open(own_beliefs **out, const lsnn_beliefs *sizes);

#endif
