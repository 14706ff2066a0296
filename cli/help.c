/* lsnn help, lsnn version. */
#include <string.h>

#include "command.h"
#include "report.h"

enum { COLUMNS = 100 };

static void print_heading(FILE *stream, const char *text) {
    colour_room bold, normal;
    fprintf(stream, "\n%s%s%s\n", colour(stream, "1", &bold), text, colour(stream, "0", &normal));
}

/* Breaks the text between words; the first line goes on where the cursor is, at column `indent`, and the others begin there. */
static void print_wrapped(FILE *stream, const char *text, int indent) {
    int column = indent;
    for (const char *word = text; *word != '\0';) {
        int length = (int)strcspn(word, " ");
        if (column > indent && column + 1 + length > COLUMNS) {
            fprintf(stream, "\n%*s", indent, "");
            column = indent;
        } else if (column > indent) {
            fputc(' ', stream);
            column++;
        }
        fprintf(stream, "%.*s", length, word);
        column += length;
        word += length;
        word += strspn(word, " ");
    }
    fputc('\n', stream);
}

static void print_examples(FILE *stream, const struct example *examples) {
    int width = 0;
    for (const struct example *example = examples; example->arguments != NULL; example++) {
        int length = (int)strlen(example->arguments);
        width = length > width ? length : width;
    }
    for (const struct example *example = examples; example->arguments != NULL; example++) {
        fprintf(stream, "  lsnn %-*s   %s\n", width, example->arguments, example->meaning);
    }
}

static void print_flags(FILE *stream, const struct command *command) {
    print_heading(stream, "Flags");
    for (const struct flag *flag = command->flags; flag->name != NULL; flag++) {
        char text[64];
        snprintf(text, sizeof text, "--%s %s", flag->name, flag->argument != NULL ? flag->argument : "");
        fprintf(stream, "  %-26s ", text);
        print_wrapped(stream, flag->help, 29);
    }
    fprintf(stream, "  %-26s this text\n", "--help");
}

static void print_command(FILE *stream, const struct command *command) {
    print_wrapped(stream, command->details, 0);
    if (command->examples[0].arguments != NULL) {
        print_heading(stream, "Examples");
        print_examples(stream, command->examples);
    }
    print_heading(stream, "Usage");
    fprintf(stream, "  lsnn %s%s%s", command->name, command->operands[0] != '\0' ? " " : "", command->operands);
    for (const struct flag *flag = command->flags; flag->name != NULL; flag++) {
        if (flag->is_required) {
            fprintf(stream, " --%s %s", flag->name, flag->argument);
        }
    }
    fprintf(stream, "%s\n", command->flags[0].name != NULL ? " [flags]" : "");
    print_flags(stream, command);
}

static void print_status(void *user, lsnn_status status) {
    fprintf(user, "  %-4d %s\n", lsnn_status_exit_code(status), lsnn_status_meaning(status));
}

static void print_program(FILE *stream) {
    fputs("lsnn trains recurrent networks of spiking neurons with adaptive thresholds.\n", stream);
    static const struct example first_steps[] = {
        {"train digits", "real handwritten digits, in a minute or two"},
        {"plot runs/digits-seed1 --out digit.png", "one of them, spike by spike"},
        {"show digits", "its settings, to change by --set"},
        {0},
    };
    print_heading(stream, "Examples");
    print_examples(stream, first_steps);
    print_heading(stream, "Commands");
    for (const struct command *command = command_table(); command->name != NULL; command++) {
        if (!command->is_hidden) {
            fprintf(stream, "  %-8s %s\n", command->name, command->summary);
        }
    }
    fputs("\nlsnn help COMMAND explains a command's flags. Results go to stdout, messages to stderr.\n", stream);
    print_heading(stream, "Exit codes");
    status_each(print_status, stream);
    print_heading(stream, "Environment");
    for (const struct variable *variable = variable_table(); variable->name != NULL; variable++) {
        fprintf(stream, "  %-14s %s\n", variable->name, variable->help);
    }
}

void help_print(FILE *stream, const struct command *command) {
    if (command == NULL) {
        print_program(stream);
    } else {
        print_command(stream, command);
    }
}

int command_help(const struct arguments *arguments) {
    const struct command *command = NULL;
    if (arguments->n_operands > 0) {
        const char *name = arguments->operands[0];
        command = command_find(name);
        if (command == NULL) {
            return complain(LSNN_ERR_USAGE, "there is no command '%s'; the nearest is %s (lsnn help lists them)", name,
                            command_nearest(name));
        }
    }
    help_print(stdout, command);
    return 0;
}

int command_version(const struct arguments *arguments) {
    (void)arguments;
    printf("lsnn %s\n", lsnn_version());
    return 0;
}
