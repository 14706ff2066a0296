/* The command line in one table: subcommands, their operands and their flags. The parser, the help, the man pages and the bash completion
 * all come from it. */
#ifndef LSNN_CLI_ARGUMENTS_H
#define LSNN_CLI_ARGUMENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What the shell completes a value with. */
enum completion {
    COMPLETE_NOTHING,
    COMPLETE_FILES,
    COMPLETE_FOLDERS,
    COMPLETE_EXPERIMENTS,
    COMPLETE_TABLES,
    COMPLETE_SETTINGS,
    COMPLETE_WORDS
};

enum flag_kind {
    FLAG_SWITCH, /* bool; no value */
    FLAG_TEXT,   /* const char * */
    FLAG_CHOICE, /* const char *; one of the words of `argument`, "train|valid|test" */
    FLAG_NUMBER, /* int64_t in 0..highest */
    FLAG_LIST    /* may come several times; to `set` */
};

struct flag {
    const char *name;     /* without the dashes; NULL ends a list of flags */
    const char *argument; /* the value's name in the help; NULL for a switch */
    const char *help;
    enum flag_kind kind;
    size_t offset; /* of its field in struct arguments */
    int64_t highest;
    bool is_required;
    enum completion completion;
};

struct example {
    const char *arguments, *meaning; /* `arguments` follows the program's name; NULL ends a list */
};

/* The parsed command line. Texts are borrowed from argv. */
struct arguments {
    const char *program; /* as typed, for commands that the user may copy */
    const struct command *command;
    const char **operands; /* [n_operands] */
    const char **set;      /* [n_set], "key=value" */
    int n_operands, n_set;
    const char *out, *data, *split, *write, *rows, *seeds, *over, *against; /* NULL: not given */
    int64_t seed;                                                           /* -1: not given */
    int64_t threads, sample, first;
    bool resume, no_test, json, quiet, curves, connections, learning, beliefs, goals, paths, report, references, help, version;
};

struct command {
    const char *name;     /* NULL ends the table */
    const char *operands; /* for the help, "RUN|MODEL"; "" if there are none */
    const char *summary;  /* half a line, without a full stop */
    const char *details;  /* a paragraph */
    const struct example *examples;
    const struct flag *flags;
    int n_operands_min, n_operands_max;
    enum completion completion;                    /* of the operands */
    const char *words;                             /* for COMPLETE_WORDS: "list|get" */
    bool is_hidden;                                /* used by the build, left out of help, man pages and completion */
    int (*run)(const struct arguments *arguments); /* returns the exit code */
};

/* All subcommands, in the order of the help. */
const struct command *command_table(void);
/* NULL if there is none of that name. */
const struct command *command_find(const char *name);
/* The known command that resembles `name` most. */
const char *command_nearest(const char *name);

/* The flag whose name is the first `length` characters; NULL if the command has none. */
const struct flag *flag_find(const struct command *command, const char *name, size_t length);
/* The command's flag, or "help", that resembles the first `length` characters most. */
const char *flag_nearest(const struct command *command, const char *name, size_t length);

/* The environment variables that the tool and the library read; `name` NULL ends the list. */
struct variable {
    const char *name, *help;
};
const struct variable *variable_table(void);

/* Returns 0, or prints one line to stderr and returns the exit code. Either way release what is in *arguments. With no command, `command` is NULL
 * and 0 is returned. */
int arguments_parse(struct arguments *arguments, int argc, char **argv);
void arguments_release(struct arguments *arguments);

#endif
