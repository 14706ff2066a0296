/* result.json: what a finished run came to, with all that is needed to make it again. */
#ifndef LSNN_RUN_RECORD_H
#define LSNN_RUN_RECORD_H

#include "base/error.h"

typedef struct run_record {
    lsnn_result result;
    double best_valid_score;
    bool stopped_early; /* train.stop_score was reached */
    int n_threads;
    const char *isa; /* not read back */
} run_record;

/* Errors: IO, MEMORY. */
lsnn_status record_save(const char *folder, const run_record *record);
/* *found is false if the run has no result yet. Errors: DATA, IO. */
lsnn_status record_read(const char *folder, run_record *record, bool *found);

#endif
