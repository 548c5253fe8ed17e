/* --set key=value: what editing the file would do, done to the tree. */
#include "sweeps/loader.h"

#include <stdlib.h>
#include <string.h>

#include "sweeps/schema.h"

/* The map at a key of a map; made when there is none. */
static td_node *map_at(td_loader *l, td_node *map, td_node *key) {
    int index = td_node_find(map, key->text);
    if (index >= 0 && map->values[index]->kind == TD_NODE_MAP) return map->values[index];
    td_node *made = td_node_make(l->tree, TD_NODE_MAP, key->place, "");
    if (!made) return NULL;
    if (index >= 0) {
        map->keys[index] = key;
        map->values[index] = made;
        return made;
    }
    return td_node_add(l->tree, map, key, made) ? made : NULL;
}

static bool put_at(td_loader *l, td_node *map, td_node *key, td_node *value) {
    int index = td_node_find(map, key->text);
    if (index < 0) return td_node_add(l->tree, map, key, value);
    map->keys[index] = key;
    map->values[index] = value;
    return true;
}

/* Finds the entry of `parameters` that a dotted name means, through groups: the map that holds it and its index. */
static bool find_parameter(td_node *map, const char *name, td_node **holder, int *index) {
    for (int i = 0; i < map->count; i++) {
        const char *key = map->keys[i]->text;
        size_t length = strlen(key);
        if (strcmp(key, name) == 0) {
            *holder = map;
            *index = i;
            return true;
        }
        if (strncmp(key, name, length) != 0 || name[length] != '.' || !td_is_parameter_group(map->values[i])) continue;
        td_node *inner = map->values[i]->values[td_node_find(map->values[i], "parameters")];
        if (inner->kind == TD_NODE_MAP && find_parameter(inner, name + length + 1, holder, index)) return true;
    }
    return false;
}

/* parameters.NAME=... or parameters.NAME.KEY=..., where NAME may have dots. */
static bool override_parameter(td_loader *l, td_node *map, const char *name, td_place place, td_node *value) {
    td_node *holder, *key = td_node_make(l->tree, TD_NODE_SCALAR, place, name);
    int index;
    if (!key) return false;
    if (find_parameter(map, name, &holder, &index)) {
        holder->values[index] = value;
        holder->keys[index]->place = place;
        return true;
    }
    const char *dot = strrchr(name, '.');
    if (!dot || td_word_find(TD_SPEC_KEYS, dot + 1) < 0) return td_node_add(l->tree, map, key, value);
    /* a key of a spec: fast.max */
    char *stem = strndup(name, (size_t)(dot - name));
    td_node *stem_key = stem ? td_node_make(l->tree, TD_NODE_SCALAR, place, stem) : NULL;
    td_node *spec_key = td_node_make(l->tree, TD_NODE_SCALAR, place, dot + 1);
    td_node *spec = NULL;
    if (stem_key && spec_key) spec = find_parameter(map, stem, &holder, &index) ? map_at(l, holder, holder->keys[index])
        : map_at(l, map, stem_key);
    free(stem);
    return spec && put_at(l, spec, spec_key, value);
}

void td_apply_override(td_loader *l, const char *text, int number) {
    int source = td_diagnostics_source(l->diagnostics, "--set", text, strlen(text), number);
    const char *equals = strchr(text, '=');
    td_place whole = {source, 0, equals ? (size_t)(equals - text) : strlen(text)};
    if (!equals || equals == text || *text == '.' || equals[-1] == '.' || memmem(text, whole.length, "..", 2)) {
        TD_COMPLAIN(l, whole, "expected key=value with a dotted key, such as costs.commission=0.001");
        return;
    }
    if (strchr(text, '\n')) {
        TD_COMPLAIN(l, whole, "the value must be on one line");
        return;
    }
    int before = td_diagnostics_errors(l->diagnostics);
    td_node *value = td_tree_parse(l->tree, l->diagnostics, source, text, strlen(text), whole.length + 1);
    if (td_diagnostics_errors(l->diagnostics) > before) return;
    if (!value) value = td_node_make(l->tree, TD_NODE_SCALAR, (td_place){source, strlen(text), 0}, "");
    /* down the path, making groups on the way */
    char *path = strndup(text, whole.length);
    td_node *map = l->root;
    char *at = path, *dot;
    bool good = path && value && map;
    while (good && (dot = strchr(at, '.'))) {
        *dot = 0;
        td_node *key = td_node_make(l->tree, TD_NODE_SCALAR, whole, at);
        bool parameters = at == path && strcmp(at, "parameters") == 0;
        map = key ? map_at(l, map, key) : NULL;
        good = map != NULL;
        at = dot + 1;
        if (!good || !parameters) continue;
        good = override_parameter(l, map, at, whole, value);
        map = NULL;
        break;
    }
    if (good && map) {
        td_node *key = td_node_make(l->tree, TD_NODE_SCALAR, whole, at);
        good = key && put_at(l, map, key, value);
    }
    if (!good) TD_COMPLAIN(l, whole, "memory ran out");
    free(path);
}
