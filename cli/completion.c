/* The bash completion. */
#include <stdio.h>
#include <string.h>

#include "command.h"
#include "document.h"

/* Words separated by blanks, from "a|b|c". */
static void print_words(const char *choices) {
    for (const char *c = choices; *c != '\0'; c++) {
        putchar(*c == '|' ? ' ' : *c);
    }
}

static void print_action(enum completion completion, const char *words) {
    switch (completion) {
        case COMPLETE_NOTHING: fputs(":", stdout); break;
        case COMPLETE_FILES: fputs("_lsnn_files -f", stdout); break;
        case COMPLETE_FOLDERS: fputs("_lsnn_files -d", stdout); break;
        case COMPLETE_EXPERIMENTS: fputs("_lsnn_names list", stdout); break;
        case COMPLETE_TABLES: fputs("_lsnn_names reproduce", stdout); break;
        case COMPLETE_SETTINGS: fputs("_lsnn_settings", stdout); break;
        case COMPLETE_WORDS:
            fputs("_lsnn_words \"", stdout);
            print_words(words);
            fputs("\"", stdout);
            break;
    }
}

/* "train --out" and what stands after it. */
static void print_values(const struct command *command) {
    for (const struct flag *flag = command->flags; flag->name != NULL; flag++) {
        if (flag->kind != FLAG_SWITCH) {
            printf("    \"%s --%s\") ", command->name, flag->name);
            print_action(flag->completion, flag->argument);
            puts(" ;;");
        }
    }
}

static void print_flags(const struct command *command) {
    printf("    %s\\ *)\n        if [[ $word == -* ]]; then\n            _lsnn_words \"", command->name);
    for (const struct flag *flag = command->flags; flag->name != NULL; flag++) {
        printf("--%s ", flag->name);
    }
    fputs("--help\"\n        else\n            ", stdout);
    print_action(command->completion, command->words);
    puts("\n        fi\n        ;;");
}

static void print_commands(void) {
    const char *separator = "";
    for (const struct command *command = command_table(); command->name != NULL; command++) {
        if (!command->is_hidden) {
            printf("%s%s", separator, command->name);
            separator = " ";
        }
    }
}

static const char helpers[] =
    "# bash completion of lsnn; made by `lsnn document completion`\n"
    "\n"
    "_lsnn_words() {\n"
    "    mapfile -t COMPREPLY < <(compgen -W \"$1\" -- \"$word\")\n"
    "}\n"
    "\n"
    "_lsnn_files() {\n"
    "    compopt -o filenames 2>/dev/null\n"
    "    mapfile -t COMPREPLY < <(compgen \"$1\" -- \"$word\")\n"
    "}\n"
    "\n"
    "_lsnn_names() { # what ships, as this command lists it; and files\n"
    "    _lsnn_files -f\n"
    "    local names\n"
    "    names=$(\"${COMP_WORDS[0]}\" \"$1\" 2>/dev/null | cut -d ' ' -f 1)\n"
    "    mapfile -t -O \"${#COMPREPLY[@]}\" COMPREPLY < <(compgen -W \"$names\" -- \"$word\")\n"
    "}\n"
    "\n"
    "_lsnn_settings() {\n"
    "    compopt -o nospace 2>/dev/null\n"
    "    local keys\n"
    "    keys=$(\"${COMP_WORDS[0]}\" show \"${COMP_WORDS[2]}\" 2>/dev/null | sed -n '3,/^$/s/^\\([a-z][^ ]*\\) .*/\\1=/p')\n"
    "    _lsnn_words \"$keys\"\n"
    "}\n"
    "\n"
    "_lsnn() {\n"
    "    local at=$COMP_CWORD word=${COMP_WORDS[COMP_CWORD]} before\n"
    "    COMPREPLY=()\n"
    "    if [[ $word == = ]]; then # bash cuts --flag=value in three\n"
    "        word=\n"
    "    elif [[ ${COMP_WORDS[at - 1]} == = ]]; then\n"
    "        at=$((at - 1))\n"
    "    fi\n"
    "    before=${COMP_WORDS[at - 1]}\n"
    "    if ((at > 2)) && [[ ${COMP_WORDS[at]} == = && $before != --* ]]; then\n"
    "        return # the value of a setting\n"
    "    fi\n"
    "    if ((COMP_CWORD == 1)); then\n"
    "        _lsnn_words \"";

int print_completion(void) {
    fputs(helpers, stdout);
    print_commands();
    puts(" --help --version\"\n        return\n    fi\n    case \"${COMP_WORDS[1]} $before\" in");
    fputs("    help\\ *) _lsnn_words \"", stdout);
    print_commands();
    puts("\" ;;\n    data\\ get) _lsnn_words \"$(\"${COMP_WORDS[0]}\" data list 2>/dev/null | grep -o '^[^ ]*')\" ;;");
    for (const struct command *command = command_table(); command->name != NULL; command++) {
        if (!command->is_hidden && strcmp(command->name, "help") != 0) {
            print_values(command);
            print_flags(command);
        }
    }
    puts("    esac\n}\n\ncomplete -F _lsnn lsnn");
    return 0;
}
