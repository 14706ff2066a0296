/* result.json: what a finished run came to, with all that is needed to make it again and to compare it with others. */
#ifndef LSNN_RUN_RECORD_H
#define LSNN_RUN_RECORD_H

#include "base/error.h"
#include "run/metrics.h"

typedef struct run_record {
    lsnn_result result;
    double best_valid_score;
    bool stopped_early; /* train.stop_score was reached */
    int n_threads;
    char isa[16], processor[80], version[16];
    char *changes; /* settings that are not the experiment's own: "--set net.beta=0"; "" if there are none; owned */
    char kind[16]; /* of the network: net.kind */
    int64_t n_synapses, n_possible, n_params; /* synapses that there are, and that there could be */
    score_curve curve;                        /* validations during the training */
} run_record;

/* To folder/result.json. Errors: IO, MEMORY. */
lsnn_status record_save(const char *folder, const run_record *record);
/* *found is false if the run has no result yet. Release *record also after a failure. Errors: DATA, IO, MEMORY. */
lsnn_status record_read(const char *folder, run_record *record, bool *found);
/* The same of one file. What an older version did not write is NaN, 0 or "". */
lsnn_status record_read_file(const char *path, run_record *record);
void record_release(run_record *record);

/* The command's part that the settings with origin "--set" (seed left out) make, quoted for a shell. The caller frees *changes. Errors: MEMORY. */
lsnn_status record_changes(const lsnn_experiment *experiment, char **changes);

#endif
