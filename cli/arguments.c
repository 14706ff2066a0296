#include "arguments.h"

#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "report.h"

/* Does this argument, in front of the command, take the next one as its value? Flags of one name are alike in all commands. */
static bool takes_value(const char *argument) {
    for (const struct command *command = command_table(); command->name != NULL; command++) {
        const struct flag *flag = flag_find(command, argument + 2, strlen(argument + 2));
        if (flag != NULL) {
            return flag->kind != FLAG_SWITCH;
        }
    }
    return false;
}

/* The index in argv of the command's name, 0 if there is none. */
static int find_command(int argc, char **argv) {
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
        if (argv[i][0] != '-') {
            return i;
        }
        if (strncmp(argv[i], "--", 2) == 0 && takes_value(argv[i])) {
            i++;
        }
    }
    return 0;
}

/* Is `word` one of the words in "a|b|c"? */
static bool is_choice(const char *choices, const char *word) {
    size_t length = strlen(word);
    for (const char *choice = choices; choice != NULL; choice = strchr(choice, '|')) {
        choice += *choice == '|';
        if (strcspn(choice, "|") == length && memcmp(choice, word, length) == 0) {
            return true;
        }
    }
    return false;
}

/* Digits alone; -1 where it is not a number of 0..highest. */
static int64_t parse_number(const char *text, int64_t highest) {
    int64_t number = 0;
    for (const char *c = text; *c != '\0'; c++) {
        if (*c < '0' || *c > '9' || number > (highest - (*c - '0')) / 10) {
            return -1;
        }
        number = number * 10 + (*c - '0');
    }
    return text[0] != '\0' ? number : -1;
}

static int store(struct arguments *arguments, const struct flag *flag, const char *value) {
    void *field = (char *)arguments + flag->offset;
    switch (flag->kind) {
        case FLAG_SWITCH: *(bool *)field = true; break;
        case FLAG_TEXT:
            if (value[0] == '\0') {
                return complain(LSNN_ERR_USAGE, "--%s is empty; it needs %s", flag->name, flag->argument);
            }
            *(const char **)field = value;
            break;
        case FLAG_CHOICE:
            if (!is_choice(flag->argument, value)) {
                return complain(LSNN_ERR_USAGE, "--%s is '%s'; it can be %s", flag->name, value, flag->argument);
            }
            *(const char **)field = value;
            break;
        case FLAG_NUMBER: {
            int64_t number = parse_number(value, flag->highest);
            if (number < 0) {
                return complain(LSNN_ERR_USAGE, "--%s is '%s'; it needs a whole number from 0 to %lld", flag->name, value,
                                (long long)flag->highest);
            }
            *(int64_t *)field = number;
            break;
        }
        case FLAG_LIST: arguments->set[arguments->n_set++] = value; break;
    }
    return 0;
}

/* argv[*i] begins with '-'; *i moves on when the next argument is its value. */
static int parse_flag(struct arguments *arguments, int argc, char **argv, int *i) {
    const char *argument = argv[*i];
    const struct command *command = arguments->command;
    if (strcmp(argument, "--help") == 0 || strcmp(argument, "-h") == 0) {
        arguments->help = true;
        return 0;
    }
    if (command == NULL) {
        if (strcmp(argument, "--version") == 0) {
            arguments->version = true;
            return 0;
        }
        return complain(LSNN_ERR_USAGE, "'%s' needs a command in front of it; see lsnn help", argument);
    }
    size_t length = strcspn(argument, "=");
    const struct flag *flag = length > 2 ? flag_find(command, argument + 2, length - 2) : NULL;
    if (flag == NULL || strncmp(argument, "--", 2) != 0) {
        const char *name = argument + strspn(argument, "-");
        return complain(LSNN_ERR_USAGE, "lsnn %s has no flag '%.*s'; the nearest is --%s (lsnn help %s lists them)", command->name,
                        (int)length, argument, flag_nearest(command, name, strcspn(name, "=")), command->name);
    }
    if (flag->kind == FLAG_SWITCH) {
        return argument[length] == '=' ? complain(LSNN_ERR_USAGE, "--%s takes no value", flag->name) : store(arguments, flag, NULL);
    }
    if (argument[length] == '=') {
        return store(arguments, flag, argument + length + 1);
    }
    if (*i + 1 >= argc || strncmp(argv[*i + 1], "--", 2) == 0) {
        return complain(LSNN_ERR_USAGE, "--%s needs %s", flag->name, flag->argument);
    }
    return store(arguments, flag, argv[++*i]);
}

static int check_complete(const struct arguments *arguments) {
    const struct command *command = arguments->command;
    if (arguments->help || command == NULL) {
        return 0;
    }
    if (arguments->n_operands < command->n_operands_min) {
        return complain(LSNN_ERR_USAGE, "lsnn %s needs %s (see lsnn help %s)", command->name, command->operands, command->name);
    }
    if (arguments->n_operands > command->n_operands_max) {
        return complain(LSNN_ERR_USAGE, "lsnn %s does not know what to do with '%s' (see lsnn help %s)", command->name,
                        arguments->operands[command->n_operands_max], command->name);
    }
    for (const struct flag *flag = command->flags; flag->name != NULL; flag++) {
        if (flag->is_required && *(const char *const *)(const void *)((const char *)arguments + flag->offset) == NULL) {
            return complain(LSNN_ERR_USAGE, "lsnn %s needs --%s %s", command->name, flag->name, flag->argument);
        }
    }
    return 0;
}

int arguments_parse(struct arguments *arguments, int argc, char **argv) {
    *arguments = (struct arguments){.program = argc > 0 ? argv[0] : "lsnn", .seed = -1};
    size_t n = argc > 0 ? (size_t)argc : 1;
    arguments->operands = calloc(n, sizeof *arguments->operands);
    arguments->set = calloc(n, sizeof *arguments->set);
    if (arguments->operands == NULL || arguments->set == NULL) {
        return complain(LSNN_ERR_MEMORY, "not enough memory for the command line");
    }
    int at = find_command(argc, argv);
    if (at > 0) {
        arguments->command = command_find(argv[at]);
        if (arguments->command == NULL) {
            return complain(LSNN_ERR_USAGE, "there is no command '%s'; the nearest is %s (lsnn help lists them)", argv[at],
                            command_nearest(argv[at]));
        }
    }
    bool only_operands = false;
    for (int i = 1; i < argc; i++) {
        if (i == at) {
            continue;
        }
        if (!only_operands && strcmp(argv[i], "--") == 0) {
            only_operands = true;
        } else if (!only_operands && argv[i][0] == '-' && argv[i][1] != '\0') {
            int code = parse_flag(arguments, argc, argv, &i);
            if (code != 0) {
                return code;
            }
        } else {
            arguments->operands[arguments->n_operands++] = argv[i];
        }
    }
    return check_complete(arguments);
}

void arguments_release(struct arguments *arguments) {
    free(arguments->operands);
    free(arguments->set);
    arguments->operands = NULL;
    arguments->set = NULL;
}
