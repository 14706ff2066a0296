/* A YAML document as a tree, after checks that keep files simple: one document, no anchors, aliases or tags, not deep. What is wrong is said with file and
 * line. Used by experiments (experiment_yaml.c) and by plans of several (study/plan.c). */
#ifndef LSNN_CONFIG_YAML_TREE_H
#define LSNN_CONFIG_YAML_TREE_H

#include <yaml.h>

#include "base/error.h"

typedef struct yaml_tree {
    const char *place; /* the file, for messages */
    yaml_document_t document;
    yaml_node_t *root; /* a mapping */
} yaml_tree;

/* A file's content, but of no more than 1 MB and a byte, so that a wrong file (a disk, /dev/zero) is refused at once. The caller frees *text. Errors: IO,
 * MEMORY. */
lsnn_status yaml_file_read(const char *path, char **text, size_t *n);
/* n bytes, which need not end in a 0; `place` is borrowed. For messages: what ("an experiment"), and the line that it needs at least ("task: NAME"). Errors: DATA, MEMORY. */
lsnn_status yaml_tree_load(yaml_tree *out, const char *place, const char *yaml, size_t n, const char *what, const char *least);
void yaml_tree_release(yaml_tree *tree);

static inline yaml_node_t *yaml_tree_node(yaml_tree *tree, int index) {
    return yaml_document_get_node(&tree->document, index);
}
/* The value of a key, NULL if it is not there. */
yaml_node_t *yaml_tree_value(yaml_tree *tree, const yaml_node_t *mapping, const char *key);
/* Puts "PATH:LINE: " in front of the last message, if there is one. Returns `status`. */
lsnn_status yaml_tree_locate(const yaml_tree *tree, const yaml_node_t *node, lsnn_status status);

static inline size_t yaml_line(const yaml_node_t *node) {
    return node->start_mark.line + 1;
}
/* Of a scalar. */
static inline const char *yaml_text(const yaml_node_t *node) {
    return (const char *)node->data.scalar.value;
}
bool yaml_is_text(const yaml_node_t *node, const char *text);
/* Every key of a mapping is a text, and stands there once. Errors: DATA. */
lsnn_status yaml_tree_check_keys(yaml_tree *tree, const yaml_node_t *mapping);

#endif
