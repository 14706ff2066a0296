/* The subcommands: one function each, in the file of its name. Each returns the exit code of the program, and has printed what is to be said. */
#ifndef LSNN_CLI_COMMAND_H
#define LSNN_CLI_COMMAND_H

#include <stdio.h>

#include "arguments.h"

int command_list(const struct arguments *arguments);
int command_train(const struct arguments *arguments);
int command_eval(const struct arguments *arguments);
int command_show(const struct arguments *arguments);
int command_probe(const struct arguments *arguments);
int command_plot(const struct arguments *arguments);
int command_data(const struct arguments *arguments);
int command_reproduce(const struct arguments *arguments);
int command_sweep(const struct arguments *arguments);
int command_bench(const struct arguments *arguments);
int command_help(const struct arguments *arguments);
int command_version(const struct arguments *arguments);
int command_document(const struct arguments *arguments);

/* The help of a command, or of the whole program for NULL. */
void help_print(FILE *stream, const struct command *command);

#endif
