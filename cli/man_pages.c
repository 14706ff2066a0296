/* One man page for the program and one for each command. */
#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "command.h"
#include "document.h"
#include "report.h"

/* Text as roff takes it: a hyphen that can be copied, and nothing that reads as a request or an escape. */
static void put(FILE *page, const char *text) {
    if (text[0] == '.' || text[0] == '\'') {
        fputs("\\&", page);
    }
    for (const char *c = text; *c != '\0'; c++) {
        switch (*c) {
            case '-': fputs("\\-", page); break;
            case '\\': fputs("\\e", page); break;
            case '~': fputs("\\(ti", page); break;
            case '^': fputs("\\(ha", page); break;
            default: fputc(*c, page); break;
        }
    }
}

/* A text between two pieces of roff. */
static void put_between(FILE *page, const char *before, const char *text, const char *after) {
    fputs(before, page);
    put(page, text);
    fputs(after, page);
}

static void put_flag(FILE *page, const struct flag *flag) {
    put_between(page, "\\fB\\-\\-", flag->name, "\\fR");
    if (flag->argument != NULL) {
        put_between(page, " \\fI", flag->argument, "\\fR");
    }
}

static void put_synopsis(FILE *page, const struct command *command) {
    put_between(page, ".SH SYNOPSIS\n.nh\n.ad l\n\\fBlsnn ", command->name, "\\fR");
    if (command->operands[0] != '\0') {
        put_between(page, " \\fI", command->operands, "\\fR");
    }
    fputc('\n', page);
    for (const struct flag *flag = command->flags; flag->name != NULL; flag++) {
        fputs(flag->is_required ? "" : "[", page);
        put_flag(page, flag);
        fputs(flag->is_required ? "" : "]", page);
        fputs(flag->kind == FLAG_LIST ? "...\n" : "\n", page);
    }
    fputs(".ad b\n.hy\n", page);
}

static void put_title(FILE *page, const char *title) {
    put_between(page, ".TH ", title, " 1 \"\" \"");
    put_between(page, "lsnn ", lsnn_version(), "\" \"User Commands\"\n");
}

static void put_examples(FILE *page, const struct example *examples) {
    if (examples[0].arguments == NULL) {
        return;
    }
    fputs(".SH EXAMPLES\n", page);
    for (const struct example *example = examples; example->arguments != NULL; example++) {
        put_between(page, ".TP\n\\fBlsnn ", example->arguments, "\\fR\n");
        put_between(page, "", example->meaning, "\n");
    }
}

static void put_command_page(FILE *page, const struct command *command) {
    char title[64];
    snprintf(title, sizeof title, "LSNN-%s", command->name);
    for (char *c = title; *c != '\0'; c++) {
        *c = (char)toupper((unsigned char)*c);
    }
    put_title(page, title);
    put_between(page, ".SH NAME\nlsnn\\-", command->name, " \\- ");
    put_between(page, "", command->summary, "\n");
    put_synopsis(page, command);
    put_between(page, ".SH DESCRIPTION\n", command->details, "\n");
    if (command->flags[0].name != NULL) {
        fputs(".SH OPTIONS\n", page);
    }
    for (const struct flag *flag = command->flags; flag->name != NULL; flag++) {
        fputs(".TP\n", page);
        put_flag(page, flag);
        put_between(page, "\n", flag->help, "\n");
    }
    put_examples(page, command->examples);
    fputs(".SH EXIT STATUS\nSee\n.BR lsnn (1).\n.SH SEE ALSO\n.BR lsnn (1)\n", page);
}

static void put_status(void *user, lsnn_status status) {
    FILE *page = user;
    fprintf(page, ".TP\n%d\n", lsnn_status_exit_code(status));
    put_between(page, "", lsnn_status_meaning(status), "\n");
}

static void put_program_page(FILE *page) {
    put_title(page, "LSNN");
    fputs(".SH NAME\nlsnn \\- train recurrent networks of spiking neurons with adaptive thresholds\n", page);
    fputs(".SH SYNOPSIS\n\\fBlsnn\\fR \\fICOMMAND\\fR [\\fIOPERAND\\fR]... [\\fIFLAG\\fR]...\n", page);
    fputs(
        ".SH DESCRIPTION\nResults go to standard output, messages and progress to standard error.\nFlags stand anywhere, as \\fB\\-\\-name\\fR "
        "\\fIvalue\\fR or \\fB\\-\\-name=\\fR\\fIvalue\\fR;\n\\fB\\-\\-\\fR ends them, and \\fB\\-\\-help\\fR explains a command.\n",
        page);
    fputs(".SH COMMANDS\n", page);
    for (const struct command *command = command_table(); command->name != NULL; command++) {
        if (!command->is_hidden) {
            put_between(page, ".TP\n.BR lsnn\\-", command->name, " (1)\n");
            put_between(page, "", command->summary, "\n");
        }
    }
    fputs(".SH EXIT STATUS\n", page);
    status_each(put_status, page);
    fputs(".SH ENVIRONMENT\n", page);
    for (const struct variable *variable = variable_table(); variable->name != NULL; variable++) {
        put_between(page, ".TP\n.B ", variable->name, "\n");
        put_between(page, "", variable->help, "\n");
    }
}

/* The program's page for NULL. */
static int write_page(const char *folder, const struct command *command) {
    char path[4096];
    int length = snprintf(path, sizeof path, "%s/lsnn%s%s.1", folder, command != NULL ? "-" : "", command != NULL ? command->name : "");
    if (length < 0 || (size_t)length >= sizeof path) {
        return complain(LSNN_ERR_IO, "can't write man pages in %.80s...: the path is too long", folder);
    }
    FILE *page = fopen(path, "w");
    if (page == NULL) {
        return complain(LSNN_ERR_IO, "can't write %s: %s", path, strerror(errno));
    }
    if (command != NULL) {
        put_command_page(page, command);
    } else {
        put_program_page(page);
    }
    bool has_failed = ferror(page) != 0;
    if (fclose(page) != 0 || has_failed) {
        return complain(LSNN_ERR_IO, "can't write %s: %s", path, strerror(errno));
    }
    return 0;
}

int write_man_pages(const char *folder) {
    if (mkdir(folder, 0777) != 0 && errno != EEXIST) {
        return complain(LSNN_ERR_IO, "can't create the folder %s: %s", folder, strerror(errno));
    }
    int code = write_page(folder, NULL);
    for (const struct command *command = command_table(); command->name != NULL && code == 0; command++) {
        if (!command->is_hidden) {
            code = write_page(folder, command);
        }
    }
    return code;
}
