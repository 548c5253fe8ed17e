/* See yaml.h. */
#include "sweeps/yaml.h"

#include <libfyaml.h>
#include <stdlib.h>
#include <string.h>

enum { DEPTH_MAX = 32, BLOCK_BYTES = 64 * 1024 };

/* Nodes and texts come from blocks that are freed together. */
typedef struct block {
    struct block *next;
    size_t used, size;
    _Alignas(16) char bytes[];
} block;

struct td_tree {
    block *blocks;
};

td_tree *td_tree_make(void) { return calloc(1, sizeof(td_tree)); }

void td_tree_free(td_tree *tree) {
    if (!tree) return;
    for (block *b = tree->blocks, *next; b; b = next) {
        next = b->next;
        free(b);
    }
    free(tree);
}

static void *take(td_tree *tree, size_t bytes) {
    bytes = (bytes + 15) & ~(size_t)15;
    block *b = tree->blocks;
    if (!b || b->size - b->used < bytes) {
        size_t size = bytes > BLOCK_BYTES ? bytes : BLOCK_BYTES;
        b = malloc(sizeof *b + size);
        if (!b) return NULL;
        *b = (block){.next = tree->blocks, .size = size};
        tree->blocks = b;
    }
    void *taken = b->bytes + b->used;
    b->used += bytes;
    return taken;
}

static td_node *make(td_tree *tree, td_node_kind kind, td_place place, const char *text, size_t length) {
    td_node *node = take(tree, sizeof *node);
    char *copy = take(tree, length + 1);
    if (!node || !copy) return NULL;
    if (length) memcpy(copy, text, length);
    copy[length] = 0;
    *node = (td_node){.kind = kind, .place = place, .text = copy};
    return node;
}

td_node *td_node_make(td_tree *tree, td_node_kind kind, td_place place, const char *text) {
    return make(tree, kind, place, text, strlen(text));
}

bool td_node_add(td_tree *tree, td_node *parent, td_node *key, td_node *value) {
    if (parent->count == parent->room) {
        int room = parent->room ? 2 * parent->room : 8;
        td_node **keys = take(tree, (size_t)room * sizeof *keys), **values = take(tree, (size_t)room * sizeof *values);
        if (!keys || !values) return false;
        if (parent->count) {
            memcpy(keys, parent->keys, (size_t)parent->count * sizeof *keys);
            memcpy(values, parent->values, (size_t)parent->count * sizeof *values);
        }
        parent->keys = keys;
        parent->values = values;
        parent->room = room;
    }
    parent->keys[parent->count] = key;
    parent->values[parent->count++] = value;
    return true;
}

void td_node_remove(td_node *parent, int index) {
    parent->count--;
    memmove(parent->keys + index, parent->keys + index + 1, (size_t)(parent->count - index) * sizeof *parent->keys);
    memmove(parent->values + index, parent->values + index + 1, (size_t)(parent->count - index) * sizeof *parent->values);
}

int td_node_find(const td_node *map, const char *key) {
    for (int i = 0; i < map->count; i++)
        if (strcmp(map->keys[i]->text, key) == 0) return i;
    return -1;
}

bool td_node_is_null(const td_node *node) {
    if (node->kind != TD_NODE_SCALAR || node->quoted) return false;
    static const char *const words[] = {"", "~", "null", "Null", "NULL"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcmp(node->text, words[i]) == 0) return true;
    return false;
}

typedef struct builder {
    td_tree *tree;
    td_diagnostics *diagnostics;
    int source;
    const char *text;
    size_t length, skip, last; /* last: where the latest token ended, for values that are not written */
    td_node *open[DEPTH_MAX];
    td_node *key[DEPTH_MAX];   /* a key that waits for its value */
    int depth, documents;
    td_node *root;
    bool failed;
} builder;

static td_place place_of(builder *b, struct fy_token *token) {
    const struct fy_mark *from = token ? fy_token_start_mark(token) : NULL, *to = token ? fy_token_end_mark(token) : NULL;
    td_place place = {b->source, b->last, 0};
    if (from && to) {
        place.offset = b->skip + from->input_pos;
        place.length = to->input_pos > from->input_pos ? to->input_pos - from->input_pos : 0;
        b->last = b->skip + to->input_pos;
    }
    return place;
}

#define REFUSE(b, place, ...) (td_diagnose((b)->diagnostics, TD_SEVERITY_ERROR, (place), __VA_ARGS__), (b)->failed = true)

/* Puts a node where the innermost open list or mapping wants it. */
static void place_node(builder *b, td_node *node) {
    if (!node) {
        REFUSE(b, ((td_place){-1, 0, 0}), "memory ran out while reading the configuration");
        return;
    }
    if (b->depth == 0) {
        b->root = node;
        return;
    }
    td_node *parent = b->open[b->depth - 1], **key = &b->key[b->depth - 1];
    if (parent->kind == TD_NODE_MAP && !*key) {
        if (node->kind != TD_NODE_SCALAR)
            REFUSE(b, node->place, "a key must be a word, this is a %s", node->kind == TD_NODE_LIST ? "list" : "mapping");
        *key = node;
        return;
    }
    if (!td_node_add(b->tree, parent, parent->kind == TD_NODE_MAP ? *key : NULL, node))
        REFUSE(b, ((td_place){-1, 0, 0}), "memory ran out while reading the configuration");
    *key = NULL;
}

static void refuse_extras(builder *b, struct fy_token *anchor, struct fy_token *tag) {
    if (anchor) REFUSE(b, place_of(b, anchor),
                       "anchors and aliases are not used in configurations; write the value where it is needed");
    if (tag) REFUSE(b, place_of(b, tag), "tags are not used in configurations");
}

static void open_node(builder *b, td_node_kind kind, struct fy_token *token) {
    td_node *node = make(b->tree, kind, place_of(b, token), "", 0);
    if (node && node->place.length == 0) node->place.length = 1;
    if (node && b->depth == DEPTH_MAX) {
        REFUSE(b, node->place, "nested deeper than %d levels", DEPTH_MAX);
        return;
    }
    place_node(b, node);
    if (b->failed) return;
    b->open[b->depth] = node;
    b->key[b->depth++] = NULL;
}

static int compare_keys(const void *left, const void *right) {
    const td_node *a = *(td_node *const *)left, *b = *(td_node *const *)right;
    int order = strcmp(a->text, b->text);
    return order ? order : (a->place.offset > b->place.offset) - (a->place.offset < b->place.offset);
}

/* A key that stands twice in a mapping. Goes on: the first one counts for whatever else is wrong. */
static void refuse_repeated_keys(builder *b, const td_node *map) {
    td_node *few[16], **sorted = map->count <= 16 ? few : malloc((size_t)map->count * sizeof *sorted);
    if (!sorted) {
        REFUSE(b, ((td_place){-1, 0, 0}), "memory ran out while reading the configuration");
        return;
    }
    if (map->count) memcpy(sorted, map->keys, (size_t)map->count * sizeof *sorted);
    qsort(sorted, (size_t)map->count, sizeof *sorted, compare_keys);
    for (int i = 1; i < map->count; i++)
        if (strcmp(sorted[i]->text, sorted[i - 1]->text) == 0)
            td_diagnose(b->diagnostics, TD_SEVERITY_ERROR, sorted[i]->place, "repeated key '%.60s'", sorted[i]->text);
    if (sorted != few) free(sorted);
}

static void take_event(builder *b, const struct fy_event *event) {
    switch (event->type) {
    case FYET_DOCUMENT_START:
        if (b->documents++)
            REFUSE(b, place_of(b, event->document_start.document_start),
                   "a second document begins here; a configuration is one document");
        break;
    case FYET_SCALAR: {
        refuse_extras(b, event->scalar.anchor, event->scalar.tag);
        size_t length = 0;
        const char *text = event->scalar.value ? fy_token_get_text(event->scalar.value, &length) : "";
        td_place place = place_of(b, event->scalar.value);
        if (text && memchr(text, 0, length)) REFUSE(b, place, "a zero byte in a text");
        td_node *node = make(b->tree, TD_NODE_SCALAR, place, text ? text : "", text ? length : 0);
        if (node) node->quoted = event->scalar.value && fy_token_scalar_style(event->scalar.value) != FYSS_PLAIN;
        place_node(b, node);
        break;
    }
    case FYET_ALIAS:
        refuse_extras(b, event->alias.anchor, NULL);
        b->failed = true;
        break;
    case FYET_MAPPING_START:
        refuse_extras(b, event->mapping_start.anchor, event->mapping_start.tag);
        open_node(b, TD_NODE_MAP, event->mapping_start.mapping_start);
        break;
    case FYET_SEQUENCE_START:
        refuse_extras(b, event->sequence_start.anchor, event->sequence_start.tag);
        open_node(b, TD_NODE_LIST, event->sequence_start.sequence_start);
        break;
    case FYET_MAPPING_END:
        if (b->depth) refuse_repeated_keys(b, b->open[--b->depth]);
        break;
    case FYET_SEQUENCE_END:
        if (b->depth) b->depth--;
        break;
    default:
        break;
    }
}

/* Byte offset of a line and column, both from 1, columns in characters. */
static size_t offset_of(const builder *b, int line, int column) {
    size_t at = b->skip;
    for (; line > 1 && at < b->length; at++) line -= b->text[at] == '\n';
    for (; column > 1 && at < b->length && b->text[at] != '\n'; column--) {
        at++;
        while (at < b->length && ((unsigned char)b->text[at] & 0xC0) == 0x80) at++;
    }
    return at;
}

/* Length of the UTF-8 character at a text's head, 0 when there is none: RFC 3629, without overlong forms and surrogates. */
static size_t utf8_character(const unsigned char *at, size_t left) {
    if (at[0] < 0x80) return 1;
    size_t length = at[0] >= 0xC2 && at[0] < 0xE0 ? 2 : at[0] >= 0xE0 && at[0] < 0xF0 ? 3 : at[0] >= 0xF0 && at[0] < 0xF5 ? 4 : 0;
    if (length == 0 || length > left) return 0;
    for (size_t i = 1; i < length; i++)
        if ((at[i] & 0xC0) != 0x80) return 0;
    if ((at[0] == 0xE0 && at[1] < 0xA0) || (at[0] == 0xED && at[1] >= 0xA0)) return 0;
    if ((at[0] == 0xF0 && at[1] < 0x90) || (at[0] == 0xF4 && at[1] >= 0x90)) return 0;
    return length;
}

/* Refuses what libfyaml 0.7 cannot be given: it never returns from some directives and some broken UTF-8. */
static void look_over(builder *b) {
    for (size_t at = b->skip; at < b->length && !b->failed;) {
        size_t length = utf8_character((const unsigned char *)b->text + at, b->length - at);
        td_place place = {b->source, at, 1};
        if (b->text[at] == 0)
            REFUSE(b, place, "a zero byte: this is not a text file");
        else if (length == 0)
            REFUSE(b, place, "a byte that is not UTF-8 (0x%02X)", (unsigned char)b->text[at]);
        else if (b->text[at] == '%' && (at == b->skip || b->text[at - 1] == '\n' || b->text[at - 1] == '\r'))
            REFUSE(b, place, "a line that begins with '%%': YAML directives are not used in configurations");
        at += length;
    }
}

td_node *td_tree_parse(td_tree *tree, td_diagnostics *diagnostics, int source, const char *text, size_t length, size_t skip) {
    builder b = {.tree = tree, .diagnostics = diagnostics, .source = source, .text = text, .length = length, .skip = skip,
                 .last = skip};
    if (length - skip >= 3 && memcmp(text + skip, "\xEF\xBB\xBF", 3) == 0) b.skip = b.last = skip = skip + 3;
    if (length == skip) return NULL;
    look_over(&b);
    if (b.failed) return NULL;
    struct fy_diag_cfg diag_config;
    fy_diag_cfg_default(&diag_config);
    struct fy_diag *diag = fy_diag_create(&diag_config);
    struct fy_parse_cfg config = {.flags = FYPCF_QUIET | FYPCF_COLLECT_DIAG, .diag = diag};
    struct fy_parser *parser = diag ? fy_parser_create(&config) : NULL;
    if (diag) fy_diag_set_collect_errors(diag, true);
    if (!parser || fy_parser_set_string(parser, text + skip, length - skip)) {
        REFUSE(&b, ((td_place){-1, 0, 0}), "memory ran out while reading the configuration");
    } else {
        struct fy_event *event;
        while (!b.failed && (event = fy_parser_parse(parser))) {
            take_event(&b, event);
            fy_parser_event_free(parser, event);
        }
        if (!b.failed && fy_parser_get_stream_error(parser)) {
            void *at = NULL;
            struct fy_diag_error *found = fy_diag_errors_iterate(diag, &at);
            td_place place = {source, found ? offset_of(&b, found->line, found->column) : b.last, 1};
            REFUSE(&b, place, "%s", found && found->msg ? found->msg : "this is not YAML");
        }
    }
    if (parser) fy_parser_destroy(parser);
    if (diag) fy_diag_destroy(diag);
    return b.failed ? NULL : b.root;
}
