/* Learning to learn functions: what besides the task's shape others need to know of it. */
#ifndef LSNN_TASKS_LEARN_FUNCTIONS_H
#define LSNN_TASKS_LEARN_FUNCTIONS_H

#include "tasks/family.h"

/* The family that a task's episodes draw from, one example a window; NULL if it is another task. Borrowed. */
const lsnn_family *task_family(const task *t);

#endif
