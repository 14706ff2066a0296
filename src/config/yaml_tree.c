#include "config/yaml_tree.h"

#include "base/file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LARGEST = 1 << 20 }; /* bytes */

static lsnn_status no_memory(void) {
    return fail(LSNN_ERR_MEMORY, "no memory for a YAML file");
}

lsnn_status yaml_file_read(const char *path, char **text, size_t *n) {
    lsnn_status status = LSNN_OK;
    FILE *file = NULL;
    char *buffer = malloc(LARGEST + 1);
    if (buffer == NULL) {
        return no_memory();
    }
    int opened = -1;
    TRY(file_open(path, &opened));
    file = fdopen(opened, "r");
    if (file == NULL) {
        close(opened);
        status = fail_errno(LSNN_ERR_IO, "%s: can't open", path);
        goto out;
    }
    *n = fread(buffer, 1, LARGEST + 1, file);
    if (ferror(file)) {
        status = fail_errno(LSNN_ERR_IO, "%s: can't read", path);
        goto out;
    }
    *text = buffer;
    buffer = NULL;
out:
    if (file != NULL) {
        fclose(file);
    }
    free(buffer);
    return status;
}

static lsnn_status yaml_failure(const char *place, const yaml_parser_t *parser) {
    if (parser->error == YAML_MEMORY_ERROR) {
        return no_memory();
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
                return fail(LSNN_ERR_DATA, "a second YAML document begins here; a file holds one");
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
        return no_memory();
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

lsnn_status yaml_tree_load(yaml_tree *out, const char *place, const char *yaml, size_t n, const char *what, const char *least) {
    lsnn_status status;
    yaml_parser_t parser;
    *out = (yaml_tree){.place = place};
    if (n > LARGEST) {
        return fail(LSNN_ERR_DATA, "%s: more than the %d bytes that %s may have; is it the right file?", place, LARGEST, what);
    }
    status = check_form(place, yaml, n);
    if (status != LSNN_OK) {
        return status;
    }
    if (!yaml_parser_initialize(&parser)) {
        return no_memory();
    }
    yaml_parser_set_input_string(&parser, (const unsigned char *)yaml, n);
    if (!yaml_parser_load(&parser, &out->document)) {
        status = yaml_failure(place, &parser);
        yaml_parser_delete(&parser);
        return status;
    }
    yaml_parser_delete(&parser);
    out->root = yaml_document_get_root_node(&out->document);
    if (out->root == NULL) {
        status = fail(LSNN_ERR_DATA, "%s: is empty; %s needs at least a line '%s'", place, what, least);
    } else if (out->root->type != YAML_MAPPING_NODE) {
        status = yaml_tree_locate(out, out->root,
                                  fail(LSNN_ERR_DATA, "'KEY: VALUE' lines should be here, and a %s was found",
                                       out->root->type == YAML_SEQUENCE_NODE ? "list" : "bare text"));
    }
    if (status != LSNN_OK) {
        yaml_tree_release(out);
    }
    return status;
}

void yaml_tree_release(yaml_tree *tree) {
    yaml_document_delete(&tree->document);
}

lsnn_status yaml_tree_locate(const yaml_tree *tree, const yaml_node_t *node, lsnn_status status) {
    return status == LSNN_OK ? LSNN_OK : fail(status, "%s:%zu: %s", tree->place, yaml_line(node), lsnn_error());
}

bool yaml_is_text(const yaml_node_t *node, const char *text) {
    return node->type == YAML_SCALAR_NODE && strcmp(yaml_text(node), text) == 0;
}

yaml_node_t *yaml_tree_value(yaml_tree *tree, const yaml_node_t *mapping, const char *key) {
    for (const yaml_node_pair_t *pair = mapping->data.mapping.pairs.start; pair < mapping->data.mapping.pairs.top; pair++) {
        if (yaml_is_text(yaml_tree_node(tree, pair->key), key)) {
            return yaml_tree_node(tree, pair->value);
        }
    }
    return NULL;
}

lsnn_status yaml_tree_check_keys(yaml_tree *tree, const yaml_node_t *mapping) {
    const yaml_node_pair_t *first = mapping->data.mapping.pairs.start;
    for (const yaml_node_pair_t *pair = first; pair < mapping->data.mapping.pairs.top; pair++) {
        const yaml_node_t *key = yaml_tree_node(tree, pair->key);
        if (key->type != YAML_SCALAR_NODE) {
            return yaml_tree_locate(tree, key, fail(LSNN_ERR_DATA, "a list or a mapping stands where a setting's name should be"));
        }
        for (const yaml_node_pair_t *other = first; other < pair; other++) {
            const yaml_node_t *earlier = yaml_tree_node(tree, other->key);
            if (yaml_is_text(earlier, yaml_text(key))) {
                return yaml_tree_locate(
                    tree, key, fail(LSNN_ERR_DATA, "%s: given twice, first in line %zu; remove one", yaml_text(key), yaml_line(earlier)));
            }
        }
    }
    return LSNN_OK;
}
