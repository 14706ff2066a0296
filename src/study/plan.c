#include "study/plan.h"

#include "base/file.h"
#include "config/options.h"
#include "config/share.h"
#include "config/yaml_tree.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static lsnn_status no_memory(void) {
    return fail(LSNN_ERR_MEMORY, "no memory for a plan of runs");
}

void plan_release(plan *p) {
    for (int k = 0; k < p->n_rows; k++) {
        plan_row *row = &p->rows[k];
        free(row->name);
        free(row->label);
        free(row->experiment);
        free(row->remark);
        free(row->against);
        free(row->group);
        for (int i = 0; i < row->n_settings; i++) {
            free(row->settings[i]);
        }
    }
    free(p->name);
    free(p->title);
    free(p->text);
    free(p->show);
    free(p->setting);
    for (int k = 0; k < p->n_tables; k++) {
        free(p->tables[k]);
    }
    *p = (plan){0};
}

static lsnn_status copy(char **out, const char *text) {
    free(*out);
    *out = strdup(text);
    return *out != NULL ? LSNN_OK : no_memory();
}

/* Does the assignment set this key? */
static bool sets(const char *assignment, const char *key) {
    size_t n = strlen(key);
    return strncmp(assignment, key, n) == 0 && (assignment[n] == '=' || assignment[n] == ' ');
}

static lsnn_status add_setting(plan_row *row, const char *assignment) {
    if (sets(assignment, "seed")) {
        return fail(
            LSNN_ERR_USAGE,
            "seed: not for a row to set, as each row is run with several; give a table's rows 'seeds: [1, 2]', or choose by --seeds");
    }
    if (row->n_settings == PLAN_MOST_SETTINGS) {
        return fail(LSNN_ERR_USAGE, "%s: more than %d settings", row->name, PLAN_MOST_SETTINGS);
    }
    row->settings[row->n_settings] = strdup(assignment);
    return row->settings[row->n_settings++] != NULL ? LSNN_OK : no_memory();
}

static plan_row *add_row(plan *p) {
    plan_row *row = &p->rows[p->n_rows++];
    *row = (plan_row){.paper_mean = NAN, .paper_best = NAN, .value = NAN, .n_seeds = 1, .seeds = {1}};
    return row;
}

int plan_find_row(const plan *p, const char *name, size_t n) {
    for (int k = 0; k < p->n_rows; k++) {
        if (strlen(p->rows[k].name) == n && strncmp(p->rows[k].name, name, n) == 0) {
            return k;
        }
    }
    return -1;
}

int plan_first_of_group(const plan *p, int k) {
    const char *group = p->rows[k].group;
    int first = group != NULL ? 0 : k;
    while (first < k && (p->rows[first].group == NULL || strcmp(p->rows[first].group, group) != 0)) {
        first++;
    }
    return first;
}

/* ---- from a file ---- */

typedef struct plan_reader {
    yaml_tree *tree;
    plan *plan;
} plan_reader;

static lsnn_status read_text(const plan_reader *from, const yaml_node_t *node, const char *key, char **out) {
    if (node->type != YAML_SCALAR_NODE) {
        return yaml_tree_locate(from->tree, node, fail(LSNN_ERR_DATA, "%s: takes one text", key));
    }
    return copy(out, yaml_text(node));
}

static lsnn_status read_number(const plan_reader *from, const yaml_node_t *node, const char *key, double *out) {
    char *end;
    *out = node->type == YAML_SCALAR_NODE ? strtod(yaml_text(node), &end) : NAN;
    if (node->type != YAML_SCALAR_NODE || end == yaml_text(node) || *end != '\0' || !isfinite(*out)) {
        return yaml_tree_locate(from->tree, node, fail(LSNN_ERR_DATA, "%s: takes one number", key));
    }
    return LSNN_OK;
}

static lsnn_status read_move(const plan_reader *from, const yaml_node_t *node, plan *p) {
    lsnn_status status;
    double ms = 0;
    TRY(read_number(from, node, "move_ms", &ms));
    if (!(ms >= 1 && ms <= 1e9 && ms == floor(ms))) {
        TRY(yaml_tree_locate(from->tree, node, fail(LSNN_ERR_DATA, "move_ms: takes a whole number of ms, 1 or more")));
    }
    p->move_ms = (int64_t)ms;
out:
    return status;
}

static lsnn_status check_name(const char *name) {
    size_t n = strlen(name);
    for (size_t k = 0; k < n; k++) {
        if (!isalnum((unsigned char)name[k]) && strchr("-_.", name[k]) == NULL) {
            n = 0;
        }
    }
    return n > 0 && n < 64 && name[0] != '.'
               ? LSNN_OK
               : fail(LSNN_ERR_DATA, "a row's name becomes a file's: give it letters, digits, '-', '_' or '.', at most 63");
}

static lsnn_status parse_seed(const char *text, uint64_t *out) {
    char *end;
    errno = 0;
    long long seed = strtoll(text, &end, 10);
    if (!isdigit((unsigned char)*text) || *end != '\0' || seed < 0 || errno != 0) {
        char shown[EXCERPT_SIZE];
        excerpt(shown, text);
        return fail(LSNN_ERR_USAGE, "seed %s is not a whole number in 0..9223372036854775807", shown);
    }
    *out = (uint64_t)seed;
    return LSNN_OK;
}

static lsnn_status read_seeds(const plan_reader *from, const yaml_node_t *list, plan_row *row) {
    lsnn_status status = LSNN_OK;
    if (list->type != YAML_SEQUENCE_NODE) {
        return yaml_tree_locate(from->tree, list, fail(LSNN_ERR_DATA, "seeds: takes a list: [1, 2, 3]"));
    }
    row->n_seeds = 0;
    for (const yaml_node_item_t *at = list->data.sequence.items.start; at < list->data.sequence.items.top; at++) {
        const yaml_node_t *item = yaml_tree_node(from->tree, *at);
        if (row->n_seeds == PLAN_MOST_SEEDS || item->type != YAML_SCALAR_NODE) {
            return yaml_tree_locate(from->tree, item, fail(LSNN_ERR_DATA, "seeds: takes a list of at most %d numbers", PLAN_MOST_SEEDS));
        }
        TRY(yaml_tree_locate(from->tree, item, parse_seed(yaml_text(item), &row->seeds[row->n_seeds])));
        row->n_seeds++;
    }
out:
    return status;
}

static lsnn_status read_settings(const plan_reader *from, const yaml_node_t *list, plan_row *row) {
    lsnn_status status = LSNN_OK;
    if (list->type != YAML_SEQUENCE_NODE) {
        return yaml_tree_locate(from->tree, list, fail(LSNN_ERR_DATA, "set: takes a list: [net.beta=0]"));
    }
    for (const yaml_node_item_t *at = list->data.sequence.items.start; at < list->data.sequence.items.top; at++) {
        const yaml_node_t *item = yaml_tree_node(from->tree, *at);
        if (item->type != YAML_SCALAR_NODE) {
            return yaml_tree_locate(from->tree, item, fail(LSNN_ERR_DATA, "set: takes a list of texts 'KEY=VALUE'"));
        }
        TRY(yaml_tree_locate(from->tree, item, add_setting(row, yaml_text(item))));
    }
out:
    return status;
}

static lsnn_status read_paper(const plan_reader *from, const yaml_node_t *mapping, plan_row *row) {
    lsnn_status status = LSNN_OK;
    if (mapping->type != YAML_MAPPING_NODE) {
        return yaml_tree_locate(from->tree, mapping, fail(LSNN_ERR_DATA, "paper: takes {mean: NUMBER, best: NUMBER}"));
    }
    TRY(yaml_tree_check_keys(from->tree, mapping));
    for (const yaml_node_pair_t *pair = mapping->data.mapping.pairs.start; pair < mapping->data.mapping.pairs.top; pair++) {
        const yaml_node_t *key = yaml_tree_node(from->tree, pair->key), *value = yaml_tree_node(from->tree, pair->value);
        double *to = yaml_is_text(key, "mean") ? &row->paper_mean : yaml_is_text(key, "best") ? &row->paper_best : NULL;
        if (to == NULL) {
            return yaml_tree_locate(from->tree, key, fail(LSNN_ERR_DATA, "paper: has mean and best, not '%s'", yaml_text(key)));
        }
        TRY(read_number(from, value, yaml_text(key), to));
    }
out:
    return status;
}

static lsnn_status read_row(const plan_reader *from, const yaml_node_t *name, const yaml_node_t *mapping) {
    lsnn_status status = LSNN_OK;
    if (from->plan->n_rows == PLAN_MOST_ROWS || mapping->type != YAML_MAPPING_NODE) {
        return yaml_tree_locate(from->tree, name, fail(LSNN_ERR_DATA, "rows: takes at most %d rows of 'KEY: VALUE' lines", PLAN_MOST_ROWS));
    }
    plan_row *row = add_row(from->plan);
    TRY(yaml_tree_locate(from->tree, name, check_name(yaml_text(name))));
    TRY(copy(&row->name, yaml_text(name)));
    TRY(yaml_tree_check_keys(from->tree, mapping));
    for (const yaml_node_pair_t *pair = mapping->data.mapping.pairs.start; pair < mapping->data.mapping.pairs.top; pair++) {
        const yaml_node_t *key = yaml_tree_node(from->tree, pair->key), *value = yaml_tree_node(from->tree, pair->value);
        const char *text = yaml_text(key);
        char **to = strcmp(text, "label") == 0        ? &row->label
                    : strcmp(text, "experiment") == 0 ? &row->experiment
                    : strcmp(text, "remark") == 0     ? &row->remark
                    : strcmp(text, "against") == 0    ? &row->against
                    : strcmp(text, "group") == 0      ? &row->group
                                                      : NULL;
        if (to != NULL) {
            TRY(read_text(from, value, text, to));
        } else if (strcmp(text, "seeds") == 0) {
            TRY(read_seeds(from, value, row));
        } else if (strcmp(text, "set") == 0) {
            TRY(read_settings(from, value, row));
        } else if (strcmp(text, "paper") == 0) {
            TRY(read_paper(from, value, row));
        } else {
            return yaml_tree_locate(
                from->tree, key,
                fail(LSNN_ERR_DATA, "a row has label, experiment, seeds, set, paper, against, group and remark, not '%s'", text));
        }
    }
    if (row->experiment == NULL) {
        TRY(yaml_tree_locate(from->tree, name, fail(LSNN_ERR_DATA, "%s: has no experiment", row->name)));
    }
    if (row->label == NULL) {
        TRY(copy(&row->label, row->name));
    }
out:
    return status;
}

static lsnn_status read_rows(const plan_reader *from, const yaml_node_t *mapping) {
    lsnn_status status = LSNN_OK;
    if (mapping->type != YAML_MAPPING_NODE) {
        return yaml_tree_locate(from->tree, mapping,
                                fail(LSNN_ERR_DATA, "rows: takes 'NAME:' lines, each with what belongs to it indented"));
    }
    TRY(yaml_tree_check_keys(from->tree, mapping));
    for (const yaml_node_pair_t *pair = mapping->data.mapping.pairs.start; pair < mapping->data.mapping.pairs.top; pair++) {
        TRY(read_row(from, yaml_tree_node(from->tree, pair->key), yaml_tree_node(from->tree, pair->value)));
    }
out:
    return status;
}

static lsnn_status read_tables(const plan_reader *from, const yaml_node_t *list) {
    lsnn_status status = LSNN_OK;
    plan *p = from->plan;
    if (list->type != YAML_SEQUENCE_NODE) {
        return yaml_tree_locate(from->tree, list, fail(LSNN_ERR_DATA, "tables: takes a list: [l2l-teacher, l2l-sinusoid]"));
    }
    for (const yaml_node_item_t *at = list->data.sequence.items.start; at < list->data.sequence.items.top; at++) {
        const yaml_node_t *item = yaml_tree_node(from->tree, *at);
        if (p->n_tables == PLAN_MOST_TABLES || item->type != YAML_SCALAR_NODE) {
            return yaml_tree_locate(from->tree, item, fail(LSNN_ERR_DATA, "tables: takes a list of at most %d names", PLAN_MOST_TABLES));
        }
        TRY(copy(&p->tables[p->n_tables], yaml_text(item)));
        p->n_tables++;
    }
out:
    return status;
}

static lsnn_status check_plan(const plan_reader *from) {
    const plan *p = from->plan;
    if ((p->n_rows == 0) == (p->n_tables == 0)) {
        return fail(LSNN_ERR_DATA, p->n_rows == 0 ? "%s: has no rows" : "%s: has rows and tables; it can have either", from->tree->place);
    }
    if (p->show != NULL && plan_find_row(p, p->show, strlen(p->show)) < 0) {
        return fail(LSNN_ERR_DATA, "%s: show: there is no row '%s'", from->tree->place, p->show);
    }
    for (int k = 0; k < p->n_rows; k++) {
        const char *against = p->rows[k].against;
        if (against != NULL && plan_find_row(p, against, strlen(against)) < 0) {
            return fail(LSNN_ERR_DATA, "%s: row %s: against: there is no row '%s'", from->tree->place, p->rows[k].name, against);
        }
    }
    return LSNN_OK;
}

static lsnn_status read_plan(const plan_reader *from) {
    lsnn_status status = LSNN_OK;
    plan *p = from->plan;
    const yaml_node_t *root = from->tree->root;
    TRY(yaml_tree_check_keys(from->tree, root));
    for (const yaml_node_pair_t *pair = root->data.mapping.pairs.start; pair < root->data.mapping.pairs.top; pair++) {
        const yaml_node_t *key = yaml_tree_node(from->tree, pair->key), *value = yaml_tree_node(from->tree, pair->value);
        const char *text = yaml_text(key);
        char **to = strcmp(text, "title") == 0  ? &p->title
                    : strcmp(text, "text") == 0 ? &p->text
                    : strcmp(text, "show") == 0 ? &p->show
                                                : NULL;
        if (to != NULL) {
            TRY(read_text(from, value, text, to));
        } else if (strcmp(text, "score") == 0) {
            if (!yaml_is_text(value, "test") && !yaml_is_text(value, "validation")) {
                return yaml_tree_locate(from->tree, value, fail(LSNN_ERR_DATA, "score: takes test or validation"));
            }
            p->no_test = yaml_is_text(value, "validation");
        } else if (strcmp(text, "rows") == 0) {
            TRY(read_rows(from, value));
        } else if (strcmp(text, "tables") == 0) {
            TRY(read_tables(from, value));
        } else if (strcmp(text, "sample_ms") == 0) {
            TRY(read_number(from, value, text, &p->sample_ms));
            if (!(p->sample_ms > 0)) {
                return yaml_tree_locate(from->tree, value, fail(LSNN_ERR_DATA, "sample_ms: takes a number of ms above 0"));
            }
        } else if (strcmp(text, "move_ms") == 0) {
            TRY(read_move(from, value, p));
        } else {
            return yaml_tree_locate(
                from->tree, key,
                fail(LSNN_ERR_DATA, "a plan has title, text, show, score, sample_ms, move_ms and rows, or title, text and tables, not '%s'",
                     text));
        }
    }
    TRY(check_plan(from));
    if (p->title == NULL) {
        TRY(copy(&p->title, p->name));
    }
out:
    return status;
}

static lsnn_status find_plan(char *path, size_t size, const char *name_or_path) {
    lsnn_status status = LSNN_OK;
    char nearest[SHARE_NAME_SIZE], shown[EXCERPT_SIZE];
    bool found;
    if (share_is_path(name_or_path)) {
        snprintf(path, size, "%s", name_or_path);
        return LSNN_OK;
    }
    TRY(share_find(path, size, "reproduce", name_or_path, ".yaml", &found));
    if (!found) {
        TRY(share_nearest("reproduce", ".yaml", name_or_path, nearest));
        excerpt(shown, name_or_path);
        status =
            fail(LSNN_ERR_USAGE, "no table %s ships; %s%s%s'lsnn reproduce' without a name lists all, and a file of your own ends in .yaml",
                 shown, *nearest ? "did you mean " : "", nearest, *nearest ? "? " : "");
    }
out:
    return status;
}

lsnn_status plan_open(plan *out, const char *name_or_path) {
    lsnn_status status;
    char path[4096], name[SHARE_NAME_SIZE];
    char *text = NULL;
    size_t n;
    yaml_tree tree;
    bool is_loaded = false;
    *out = (plan){.sample_ms = NAN};
    TRY(find_plan(path, sizeof path, name_or_path));
    TRY(yaml_file_read(path, &text, &n));
    TRY(yaml_tree_load(&tree, path, text, n, "a plan of runs", "rows:"));
    is_loaded = true;
    share_base_name(name, path);
    TRY(copy(&out->name, name));
    TRY(read_plan(&(plan_reader){&tree, out}));
out:
    if (is_loaded) {
        yaml_tree_release(&tree);
    }
    free(text);
    return status;
}

/* ---- for a sweep ---- */

/* Length of the value at the start of the list: up to a comma outside brackets. */
static size_t value_length(const char *list) {
    int depth = 0;
    size_t n = 0;
    for (; list[n] != '\0' && (list[n] != ',' || depth > 0); n++) {
        depth += list[n] == '[' ? 1 : list[n] == ']' ? -1 : 0;
    }
    return n;
}

static lsnn_status add_value(plan *p, const char *experiment, const char *value, size_t n) {
    lsnn_status status = LSNN_OK;
    char assignment[512], label[256], name[64], *end;
    if (p->n_rows == PLAN_MOST_ROWS) {
        return fail(LSNN_ERR_USAGE, "%s has more than the %d values that a sweep may have", p->setting, PLAN_MOST_ROWS);
    }
    if (n == 0 || n > 200) {
        return fail(LSNN_ERR_USAGE, "%s: a value is empty, or longer than 200 characters; values stand between single commas", p->setting);
    }
    plan_row *row = add_row(p);
    snprintf(label, sizeof label, "%.*s", (int)n, value);
    row->value = strtod(label, &end);
    row->value = *end == '\0' ? row->value : NAN;
    snprintf(assignment, sizeof assignment, "%s=%s", p->setting, label);
    snprintf(name, sizeof name, "%.63s", label);
    for (char *at = name; *at != '\0'; at++) {
        *at = isalnum((unsigned char)*at) || strchr("-_.", *at) != NULL ? *at : '_';
    }
    name[0] = name[0] == '.' ? '_' : name[0];
    for (int k = 0; k < p->n_rows - 1; k++) {
        if (strcmp(p->rows[k].name, name) == 0) {
            return fail(LSNN_ERR_USAGE, "%s: the value %s is there twice, or its name as a file is", p->setting, label);
        }
    }
    TRY(copy(&row->name, name));
    TRY(copy(&row->label, label));
    TRY(copy(&row->experiment, experiment));
    TRY(add_setting(row, assignment));
out:
    return status;
}

lsnn_status plan_sweep(plan *out, const char *experiment, const char *setting, const char *values) {
    lsnn_status status;
    char name[SHARE_NAME_SIZE], text[256];
    *out = (plan){.sample_ms = NAN};
    share_base_name(name, experiment);
    snprintf(text, sizeof text, "%s-%s", name, setting);
    TRY(copy(&out->name, text));
    snprintf(text, sizeof text, "%s by %s", name, setting);
    TRY(copy(&out->title, text));
    TRY(copy(&out->setting, setting));
    for (const char *at = values;; at++) {
        size_t n = value_length(at);
        TRY(add_value(out, experiment, at, n));
        at += n;
        if (*at == '\0') {
            break;
        }
    }
out:
    return status;
}

/* ---- choosing ---- */

static lsnn_status parse_seeds(const char *text, uint64_t *seeds, int *n_seeds) {
    lsnn_status status = LSNN_OK;
    *n_seeds = 0;
    for (const char *at = text;; at++) {
        char part[64];
        uint64_t first = 0, last;
        size_t n = strcspn(at, ",");
        snprintf(part, sizeof part, "%.*s", n < 63 ? (int)n : 63, at);
        char *range = strstr(part, "..");
        if (range != NULL) {
            *range = '\0';
        }
        TRY(parse_seed(part, &first));
        last = first;
        if (range != NULL) {
            TRY(parse_seed(range + 2, &last));
        }
        for (uint64_t seed = first; seed <= last; seed++) {
            if (*n_seeds == PLAN_MOST_SEEDS) {
                return fail(LSNN_ERR_USAGE, "more than %d seeds", PLAN_MOST_SEEDS);
            }
            seeds[(*n_seeds)++] = seed;
        }
        at += n;
        if (*at == '\0') {
            break;
        }
    }
    if (*n_seeds == 0) {
        status = fail(LSNN_ERR_USAGE, "no seed in %s; the first is after the last", text);
    }
out:
    return status;
}

static bool names_row(const char *rows, const char *name) {
    for (const char *at = rows;; at++) {
        size_t n = strcspn(at, ",");
        if (strlen(name) == n && strncmp(at, name, n) == 0) {
            return true;
        }
        at += n;
        if (*at == '\0') {
            return false;
        }
    }
}

static lsnn_status check_rows(const plan *p, const char *rows) {
    for (const char *at = rows;; at++) {
        size_t n = strcspn(at, ",");
        if (plan_find_row(p, at, n) < 0) {
            char all[1024] = "";
            size_t length = 0;
            for (int k = 0; k < p->n_rows && length + 80 < sizeof all; k++) {
                length += (size_t)snprintf(all + length, sizeof all - length, "%s%s", k > 0 ? ", " : "", p->rows[k].name);
            }
            return fail(LSNN_ERR_USAGE, "%s has no row '%.*s'; it has %s", p->name, n < 64 ? (int)n : 64, at, all);
        }
        at += n;
        if (*at == '\0') {
            return LSNN_OK;
        }
    }
}

lsnn_status plan_choose(plan *p, const char *rows, const char *seeds, const char *const *settings, int n_settings) {
    lsnn_status status = LSNN_OK;
    if (rows != NULL) {
        TRY(check_rows(p, rows));
    }
    for (int k = 0; k < p->n_rows; k++) {
        plan_row *row = &p->rows[k];
        row->is_chosen = rows == NULL || names_row(rows, row->name);
        if (seeds != NULL && row->is_chosen) {
            TRY(parse_seeds(seeds, row->seeds, &row->n_seeds));
        }
        for (int i = 0; i < n_settings; i++) {
            if (p->setting != NULL && sets(settings[i], p->setting)) {
                TRY(fail(LSNN_ERR_USAGE, "%s: the sweep is over it; it can't be set for all", p->setting));
            }
            TRY(add_setting(row, settings[i]));
        }
    }
out:
    return status;
}
