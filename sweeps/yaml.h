/* YAML text as a tree that knows where everything stands.
 *
 * A thin layer over libfyaml's events. What configurations do not need is refused with a place: anchors, aliases and merge keys
 * (a few bytes of them can stand for gigabytes), tags, several documents, keys that are not plain words, nesting beyond 32.
 * Scalars stay text; what type they have is decided by whoever reads them. Nodes live as long as their tree. */
#ifndef TAPEDECK_SWEEPS_YAML_H
#define TAPEDECK_SWEEPS_YAML_H

#include <stdbool.h>

#include "sweeps/diagnostics.h"

typedef enum td_node_kind { TD_NODE_SCALAR, TD_NODE_LIST, TD_NODE_MAP } td_node_kind;

typedef struct td_node td_node;
struct td_node {
    td_node_kind kind;
    bool quoted;       /* in quotes or a block: text, whatever it looks like */
    td_place place;    /* of the scalar's text, or of the opening of a list or mapping */
    const char *text;  /* scalar: NUL-terminated */
    int count, room;   /* list and mapping */
    td_node **keys;    /* mapping: scalars (count) */
    td_node **values;  /* (count) */
};

typedef struct td_tree td_tree; /* owns nodes; several texts may be parsed into one */
td_tree *td_tree_make(void);
void td_tree_free(td_tree *tree);

/* Parses a text that is already a source of diagnostics. Bytes before `skip` are not part of it. Returns NULL after an error was
 * reported, or (without an error) when the text has no document in it. */
td_node *td_tree_parse(td_tree *tree, td_diagnostics *diagnostics, int source, const char *text, size_t length, size_t skip);

td_node *td_node_make(td_tree *tree, td_node_kind kind, td_place place, const char *text);
/* Adds an entry; key is NULL for lists. False when memory ran out. */
bool td_node_add(td_tree *tree, td_node *parent, td_node *key, td_node *value);
void td_node_remove(td_node *parent, int index);
/* Index of a key in a mapping, -1 when it is not there. */
int td_node_find(const td_node *map, const char *key);
/* Nothing written, or one of the words for nothing: null, Null, NULL, ~. */
bool td_node_is_null(const td_node *node);

#endif
