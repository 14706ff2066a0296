/* Experiments as YAML text: printing and reading. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "config/experiment.h"
#include "config/experiment_inside.h"

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
    const char *place; /* the file, for messages */
    const char *origin;
    yaml_document_t *document;
    size_t *line_of; /* [option_count()]: where a setting was given, 0: not yet */
    lsnn_experiment *experiment;
} reader;

static size_t line(const yaml_node_t *node) {
    return node->start_mark.line + 1;
}

/* Puts "PATH:LINE: " in front of the last message. */
static lsnn_status locate(const reader *from, const yaml_node_t *node, lsnn_status status) {
    return status == LSNN_OK ? LSNN_OK : fail(status, "%s:%zu: %s", from->place, line(node), lsnn_error());
}

static const char *text_of(const yaml_node_t *node) {
    return (const char *)node->data.scalar.value;
}

static bool is_text(const yaml_node_t *node, const char *text) {
    return node->type == YAML_SCALAR_NODE && strcmp(text_of(node), text) == 0;
}

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
        const yaml_node_t *item = yaml_document_get_node(from->document, *at);
        if (item->type != YAML_SCALAR_NODE || strpbrk(text_of(item), ",[]")) {
            status = locate(from, item, fail(LSNN_ERR_SETTING, "%s: an entry of its list is not one number", key));
            goto out;
        }
        fprintf(to, "%s%s", at == list->data.sequence.items.start ? "" : ", ", text_of(item));
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
    TRY(locate(from, key_node, experiment_find(from->experiment, key, &index)));
    const option *row = option_at(index);
    if (from->line_of[index]) {
        status = fail(LSNN_ERR_DATA, "%s: given twice, first in line %zu; remove one", key, from->line_of[index]);
        goto located;
    }
    from->line_of[index] = line(key_node);
    if (value->type == YAML_MAPPING_NODE || (value->type == YAML_SEQUENCE_NODE && row->type != OPTION_SPREAD)) {
        status = fail(LSNN_ERR_SETTING, "%s: takes one value, and a %s was found", key,
                      value->type == YAML_MAPPING_NODE ? "group of settings" : "list");
        goto located;
    }
    if (value->type == YAML_SEQUENCE_NODE) {
        TRY(list_text(from, value, key, &list));
    }
    status = experiment_assign(from->experiment, index, list ? list : text_of(value), from->origin);
located:
    status = locate(from, value, status);
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
    char *text = strdup(text_of(value)), *end;
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
    const yaml_node_pair_t *first = mapping->data.mapping.pairs.start;
    for (const yaml_node_pair_t *pair = first; pair < mapping->data.mapping.pairs.top; pair++) {
        const yaml_node_t *key_node = yaml_document_get_node(from->document, pair->key);
        const yaml_node_t *value = yaml_document_get_node(from->document, pair->value);
        char key[256]; /* longer than any that is known */
        if (key_node->type != YAML_SCALAR_NODE) {
            return locate(from, key_node, fail(LSNN_ERR_DATA, "a list or a mapping stands where a setting's name should be"));
        }
        for (const yaml_node_pair_t *other = first; other < pair; other++) {
            const yaml_node_t *earlier = yaml_document_get_node(from->document, other->key);
            if (is_text(earlier, text_of(key_node))) {
                return locate(from, key_node,
                              fail(LSNN_ERR_DATA, "%s: given twice, first in line %zu; remove one", text_of(key_node), line(earlier)));
            }
        }
        snprintf(key, sizeof key, "%s%s%s", group, *group ? "." : "", text_of(key_node));
        if (!*group && (strcmp(key, "name") == 0 || strcmp(key, "summary") == 0)) {
            TRY(locate(from, value, read_label(from, key, value)));
        } else if (!option_is_group(key)) {
            TRY(read_setting(from, key, key_node, value));
        } else if (value->type == YAML_MAPPING_NODE) {
            TRY(read_mapping(from, key, value));
        } else if (!is_text(value, "")) { /* a group whose settings are all commented out is an empty text */
            return locate(from, value, fail(LSNN_ERR_SETTING, "%s: a group of settings; write 'KEY: VALUE' lines under it, indented", key));
        }
    }
out:
    return status;
}

/* The value of a key, NULL if it is not there. */
static const yaml_node_t *value_at(const reader *from, const yaml_node_t *mapping, const char *wanted) {
    for (const yaml_node_pair_t *pair = mapping->data.mapping.pairs.start; pair < mapping->data.mapping.pairs.top; pair++) {
        if (is_text(yaml_document_get_node(from->document, pair->key), wanted)) {
            return yaml_document_get_node(from->document, pair->value);
        }
    }
    return NULL;
}

static lsnn_status read_early(reader *from, const char *key, const yaml_node_t *value) {
    return locate(from, value, experiment_assign(from->experiment, option_index(key), text_of(value), from->origin));
}

/* The task and the kind of network first, as they decide which keys are allowed. */
static lsnn_status read_task(reader *from, const yaml_node_t *root) {
    lsnn_status status;
    const yaml_node_t *task = value_at(from, root, "task");
    const yaml_node_t *net = value_at(from, root, "net");
    const yaml_node_t *kind = net && net->type == YAML_MAPPING_NODE ? value_at(from, net, "kind") : NULL;
    if (!task || task->type != YAML_SCALAR_NODE) {
        return fail(LSNN_ERR_SETTING, "%s: task: is missing; add a line 'task: NAME', where NAME is one of %s", from->place,
                    option_at(option_index("task"))->choices);
    }
    TRY(read_early(from, "task", task));
    if (kind && kind->type == YAML_SCALAR_NODE) {
        TRY(read_early(from, "net.kind", kind));
    }
out:
    return status;
}

static lsnn_status read_document(reader *from) {
    lsnn_status status;
    const yaml_node_t *root = yaml_document_get_root_node(from->document);
    if (!root) {
        return fail(LSNN_ERR_DATA, "%s: is empty; an experiment needs at least a line 'task: NAME'", from->place);
    }
    if (root->type != YAML_MAPPING_NODE) {
        return locate(from, root,
                      fail(LSNN_ERR_DATA, "'KEY: VALUE' lines should be here, and a %s was found",
                           root->type == YAML_SEQUENCE_NODE ? "list" : "bare text"));
    }
    TRY(read_task(from, root));
    TRY(read_mapping(from, "", root));
out:
    return status;
}

static lsnn_status yaml_failure(const char *place, const yaml_parser_t *parser) {
    if (parser->error == YAML_MEMORY_ERROR) {
        return experiment_memory();
    }
    if (parser->error == YAML_READER_ERROR) {
        return fail(LSNN_ERR_DATA, "%s: not YAML: %s, at byte %zu", place, parser->problem, parser->problem_offset);
    }
    return fail(LSNN_ERR_DATA, "%s:%zu:%zu: not YAML: %s%s%s", place, parser->problem_mark.line + 1, parser->problem_mark.column + 1,
                parser->context ? parser->context : "", parser->context ? ", " : "", parser->problem ? parser->problem : "damaged");
}

/* One event of the pass below. */
static lsnn_status check_event(const yaml_event_t *event, int *depth, int *n_documents) {
    enum { DEEPEST = 16 }; /* settings need 3; the parser's time grows with the square of it */
    const unsigned char *anchor = NULL, *tag = NULL;
    switch (event->type) {
        case YAML_DOCUMENT_START_EVENT:
            if (++*n_documents > 1) {
                return fail(LSNN_ERR_DATA, "a second YAML document begins here; a file holds one experiment");
            }
            break;
        case YAML_ALIAS_EVENT: anchor = event->data.alias.anchor; break;
        case YAML_SCALAR_EVENT:
            anchor = event->data.scalar.anchor;
            tag = event->data.scalar.tag;
            if (memchr(event->data.scalar.value, '\0', event->data.scalar.length)) {
                return fail(LSNN_ERR_DATA, "a text with a zero character in it");
            }
            break;
        case YAML_SEQUENCE_START_EVENT:
            ++*depth;
            anchor = event->data.sequence_start.anchor;
            tag = event->data.sequence_start.tag;
            break;
        case YAML_MAPPING_START_EVENT:
            ++*depth;
            anchor = event->data.mapping_start.anchor;
            tag = event->data.mapping_start.tag;
            break;
        case YAML_SEQUENCE_END_EVENT:
        case YAML_MAPPING_END_EVENT: --*depth; break;
        default: break;
    }
    if (anchor) {
        return fail(LSNN_ERR_DATA, "anchors and aliases (& and *) can't be used here; repeat the value, or put the text into quotes");
    }
    if (tag) {
        return fail(LSNN_ERR_DATA, "tags (!) can't be used here; write the bare value, or put the text into quotes");
    }
    return *depth <= DEEPEST ? LSNN_OK : fail(LSNN_ERR_DATA, "lists or groups nested %d deep; settings nest at most 3 deep", *depth);
}

/* Is it YAML, and without what settings have no use for? This goes event by event, as composing a whole document may take hours for a small file. */
static lsnn_status check_form(const char *place, const char *yaml, size_t n) {
    lsnn_status status = LSNN_OK;
    yaml_parser_t parser;
    int depth = 0, n_documents = 0;
    if (!yaml_parser_initialize(&parser)) {
        return experiment_memory();
    }
    yaml_parser_set_input_string(&parser, (const unsigned char *)yaml, n);
    for (bool more = true; more && status == LSNN_OK;) {
        yaml_event_t event;
        if (!yaml_parser_parse(&parser, &event)) {
            status = yaml_failure(place, &parser);
            break;
        }
        status = check_event(&event, &depth, &n_documents);
        if (status != LSNN_OK) {
            status = fail(status, "%s:%zu: %s", place, event.start_mark.line + 1, lsnn_error());
        }
        more = event.type != YAML_STREAM_END_EVENT;
        yaml_event_delete(&event);
    }
    yaml_parser_delete(&parser);
    return status;
}

lsnn_status experiment_read(lsnn_experiment **out, const char *place, const char *name, const char *yaml, size_t n, const char *origin) {
    lsnn_status status;
    yaml_parser_t parser;
    yaml_document_t document;
    bool loaded = false;
    reader from = {.place = place, .origin = origin, .document = &document};
    if (n > EXPERIMENT_LARGEST) {
        return fail(LSNN_ERR_DATA, "%s: more than the %d bytes that an experiment may have; is it the right file?", place,
                    EXPERIMENT_LARGEST);
    }
    status = check_form(place, yaml, n);
    if (status != LSNN_OK) {
        return status;
    }
    if (!yaml_parser_initialize(&parser)) {
        return experiment_memory();
    }
    yaml_parser_set_input_string(&parser, (const unsigned char *)yaml, n);
    if (!yaml_parser_load(&parser, &document)) {
        status = yaml_failure(place, &parser);
        goto out;
    }
    loaded = true;
    TRY(experiment_create(&from.experiment));
    from.line_of = calloc(option_count(), sizeof *from.line_of);
    if (!from.line_of) {
        status = experiment_memory();
        goto out;
    }
    TRY(read_document(&from));
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
    if (loaded) {
        yaml_document_delete(&document);
    }
    yaml_parser_delete(&parser);
    lsnn_experiment_free(from.experiment);
    free(from.line_of);
    return status;
}

lsnn_status experiment_parse(lsnn_experiment **out, const char *name, const char *yaml, const char *origin) {
    return experiment_read(out, name, name, yaml, strlen(yaml), origin);
}
