/* Experiments as YAML text: printing and reading. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/experiment.h"
#include "config/experiment_inside.h"
#include "config/yaml_tree.h"

/* ---- printing ---- */

static void print_quoted(FILE *to, const char *text) {
    fputc('\'', to);
    for (; *text; text++) {
        fputs(*text == '\'' ? "''" : (char[]){*text, '\0'}, to);
    }
    fputs("'\n", to);
}

static void print_settings(const lsnn_experiment *experiment, FILE *to) {
    const char *group = "";
    int n_group = 0;
    for (size_t i = 0; i < option_count(); i++) {
        const option *row = option_at(i);
        if (!experiment_uses(experiment, row)) {
            continue;
        }
        const char *dot = strchr(row->key, '.'), *name = dot ? dot + 1 : row->key;
        int n = dot ? (int)(dot - row->key) : 0;
        if (n != n_group || strncmp(row->key, group, (size_t)n) != 0) {
            group = row->key;
            n_group = n;
            fprintf(to, "%.*s:\n", n, group);
        }
        const char *text = experiment->settings[i].value.text;
        fprintf(to, "%s%s: ", dot ? "  " : "", name);
        if (row->type == OPTION_TEXT) {
            print_quoted(to, text);
        } else {
            fprintf(to, "%s\n", text);
        }
    }
}

lsnn_status experiment_print(const lsnn_experiment *experiment, char **yaml) {
    char *text = NULL;
    size_t n;
    FILE *to = open_memstream(&text, &n);
    if (!to) {
        return experiment_memory();
    }
    fputs("name: ", to);
    print_quoted(to, experiment->name);
    if (*experiment->summary) {
        fputs("summary: ", to);
        print_quoted(to, experiment->summary);
    }
    print_settings(experiment, to);
    bool failed = ferror(to);
    if (fclose(to) != 0 || failed) {
        free(text);
        return experiment_memory();
    }
    *yaml = text;
    return LSNN_OK;
}

/* ---- parsing ---- */

/* A YAML document on its way into an experiment. */
typedef struct reader {
    yaml_tree *tree;
    const char *origin;
    size_t *line_of; /* [option_count()]: where a setting was given, 0: not yet */
    lsnn_experiment *experiment;
} reader;

/* A sequence of scalars as "[a, b, c]". The caller frees *out. */
static lsnn_status list_text(reader *from, const yaml_node_t *list, const char *key, char **out) {
    lsnn_status status = LSNN_OK;
    char *text = NULL;
    size_t n;
    FILE *to = open_memstream(&text, &n);
    if (!to) {
        return experiment_memory();
    }
    fputc('[', to);
    for (const yaml_node_item_t *at = list->data.sequence.items.start; at < list->data.sequence.items.top; at++) {
        const yaml_node_t *item = yaml_tree_node(from->tree, *at);
        if (item->type != YAML_SCALAR_NODE || strpbrk(yaml_text(item), ",[]")) {
            status = yaml_tree_locate(from->tree, item, fail(LSNN_ERR_SETTING, "%s: an entry of its list is not one number", key));
            goto out;
        }
        fprintf(to, "%s%s", at == list->data.sequence.items.start ? "" : ", ", yaml_text(item));
    }
    fputc(']', to);
out:
    if (fclose(to) != 0 && status == LSNN_OK) {
        status = experiment_memory();
    }
    if (status == LSNN_OK) {
        *out = text;
    } else {
        free(text);
    }
    return status;
}

static lsnn_status read_setting(reader *from, const char *key, const yaml_node_t *key_node, const yaml_node_t *value) {
    lsnn_status status;
    size_t index;
    char *list = NULL;
    TRY(yaml_tree_locate(from->tree, key_node, experiment_find(from->experiment, key, &index)));
    const option *row = option_at(index);
    if (from->line_of[index]) {
        status = fail(LSNN_ERR_DATA, "%s: given twice, first in line %zu; remove one", key, from->line_of[index]);
        goto located;
    }
    from->line_of[index] = yaml_line(key_node);
    if (value->type == YAML_MAPPING_NODE || (value->type == YAML_SEQUENCE_NODE && row->type != OPTION_SPREAD)) {
        status = fail(LSNN_ERR_SETTING, "%s: takes one value, and a %s was found", key,
                      value->type == YAML_MAPPING_NODE ? "group of settings" : "list");
        goto located;
    }
    if (value->type == YAML_SEQUENCE_NODE) {
        TRY(list_text(from, value, key, &list));
    }
    status = experiment_assign(from->experiment, index, list ? list : yaml_text(value), from->origin);
located:
    status = yaml_tree_locate(from->tree, value, status);
out:
    free(list);
    return status;
}

static lsnn_status set_name(lsnn_experiment *experiment, const char *name) {
    if (!*name || strlen(name) >= EXPERIMENT_NAME_SIZE || strchr(name, '/') || !is_printable_line(name)) {
        char shown[EXCERPT_SIZE];
        excerpt(shown, name);
        return fail(LSNN_ERR_SETTING,
                    "name: %s can't be an experiment's name; give 1..%d bytes of printable text without '/' by a line 'name: NAME'", shown,
                    EXPERIMENT_NAME_SIZE - 1);
    }
    snprintf(experiment->name, EXPERIMENT_NAME_SIZE, "%s", name);
    return LSNN_OK;
}

/* name: and summary:, which are no settings. */
static lsnn_status read_label(reader *from, const char *key, const yaml_node_t *value) {
    lsnn_experiment *experiment = from->experiment;
    if (value->type != YAML_SCALAR_NODE) {
        return fail(LSNN_ERR_DATA, "%s: takes one text", key);
    }
    char *text = strdup(yaml_text(value)), *end;
    if (!text) {
        return experiment_memory();
    }
    end = text;
    for (const char *at = text; *at; at++) { /* blanks and line breaks become single blanks, between words only */
        bool blank = strchr(" \t\r\n", *at);
        if (!blank) {
            *end++ = *at;
        } else if (end > text && end[-1] != ' ') {
            *end++ = ' ';
        }
    }
    end -= end > text && end[-1] == ' ';
    *end = '\0';
    lsnn_status status = LSNN_OK;
    if (strcmp(key, "name") == 0) {
        status = set_name(experiment, text);
    } else if (!is_printable_line(text)) {
        status = fail(LSNN_ERR_SETTING, "summary: has control characters; allowed is printable text");
    } else {
        free(experiment->summary);
        experiment->summary = text;
        text = NULL;
    }
    free(text);
    return status;
}

/* Settings of a group ("net"), or of the root (""). Groups hold no groups, so this goes one level deep. */
static lsnn_status read_mapping(reader *from, const char *group, const yaml_node_t *mapping) {
    lsnn_status status = LSNN_OK;
    TRY(yaml_tree_check_keys(from->tree, mapping));
    for (const yaml_node_pair_t *pair = mapping->data.mapping.pairs.start; pair < mapping->data.mapping.pairs.top; pair++) {
        const yaml_node_t *key_node = yaml_tree_node(from->tree, pair->key);
        const yaml_node_t *value = yaml_tree_node(from->tree, pair->value);
        char key[256]; /* longer than any that is known */
        snprintf(key, sizeof key, "%s%s%s", group, *group ? "." : "", yaml_text(key_node));
        if (!*group && (strcmp(key, "name") == 0 || strcmp(key, "summary") == 0)) {
            TRY(yaml_tree_locate(from->tree, value, read_label(from, key, value)));
        } else if (!option_is_group(key)) {
            TRY(read_setting(from, key, key_node, value));
        } else if (value->type == YAML_MAPPING_NODE) {
            TRY(read_mapping(from, key, value));
        } else if (!yaml_is_text(value, "")) { /* a group whose settings are all commented out is an empty text */
            return yaml_tree_locate(from->tree, value,
                                    fail(LSNN_ERR_SETTING, "%s: a group of settings; write 'KEY: VALUE' lines under it, indented", key));
        }
    }
out:
    return status;
}

static lsnn_status read_early(reader *from, const char *key, const yaml_node_t *value) {
    return yaml_tree_locate(from->tree, value, experiment_assign(from->experiment, option_index(key), yaml_text(value), from->origin));
}

/* The task and the kind of network first, as they decide which keys are allowed. */
static lsnn_status read_task(reader *from) {
    lsnn_status status;
    const yaml_node_t *task = yaml_tree_value(from->tree, from->tree->root, "task");
    const yaml_node_t *net = yaml_tree_value(from->tree, from->tree->root, "net");
    const yaml_node_t *kind = net && net->type == YAML_MAPPING_NODE ? yaml_tree_value(from->tree, net, "kind") : NULL;
    if (!task || task->type != YAML_SCALAR_NODE) {
        return fail(LSNN_ERR_SETTING, "%s: task: is missing; add a line 'task: NAME', where NAME is one of %s", from->tree->place,
                    option_at(option_index("task"))->choices);
    }
    TRY(read_early(from, "task", task));
    if (kind && kind->type == YAML_SCALAR_NODE) {
        TRY(read_early(from, "net.kind", kind));
    }
out:
    return status;
}

lsnn_status experiment_read(lsnn_experiment **out, const char *place, const char *name, const char *yaml, size_t n, const char *origin) {
    lsnn_status status;
    yaml_tree tree;
    reader from = {.tree = &tree, .origin = origin};
    status = yaml_tree_load(&tree, place, yaml, n, "an experiment", "task: NAME");
    if (status != LSNN_OK) {
        return status;
    }
    TRY(experiment_create(&from.experiment));
    from.line_of = calloc(option_count(), sizeof *from.line_of);
    if (!from.line_of) {
        status = experiment_memory();
        goto out;
    }
    TRY(read_task(&from));
    TRY(read_mapping(&from, "", tree.root));
    if (!*from.experiment->name) {
        status = set_name(from.experiment, name);
        if (status != LSNN_OK) {
            status = fail(status, "%s: %s", place, lsnn_error());
            goto out;
        }
    }
    *out = from.experiment;
    from.experiment = NULL;
out:
    yaml_tree_release(&tree);
    lsnn_experiment_free(from.experiment);
    free(from.line_of);
    return status;
}

lsnn_status experiment_parse(lsnn_experiment **out, const char *name, const char *yaml, const char *origin) {
    return experiment_read(out, name, name, yaml, strlen(yaml), origin);
}
