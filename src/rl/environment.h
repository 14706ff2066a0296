/* Environments: lsnn_environment of the public header. */
#ifndef LSNN_RL_ENVIRONMENT_H
#define LSNN_RL_ENVIRONMENT_H

#include "base/error.h"

/* Errors: USAGE (a number out of range, a function that is missing). */
lsnn_status environment_check(const lsnn_environment *e);

#endif
