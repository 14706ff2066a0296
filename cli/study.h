/* What lsnn reproduce and lsnn sweep share. */
#ifndef LSNN_CLI_STUDY_H
#define LSNN_CLI_STUDY_H

#include "command.h"
#include "progress.h"
#include "report.h"

/* A study on its way: what the library is called with, and what it tells of the rows. */
struct study {
    struct progress progress; /* first: the library's callbacks get it */
    lsnn_context *context;
    lsnn_study_options options;
    json_t *rows;    /* with --json */
    char page[1200]; /* that was written */
};

lsnn_status study_begin(struct study *study, const struct arguments *arguments);
/* Says what came of it, and releases everything. Returns the exit code. */
int study_end(struct study *study, lsnn_status status, const struct arguments *arguments);

#endif
