/* Recursive descent; nodes and names are carved from blocks that the tree owns. */
#include "sweeps/syntax.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sweeps/scalars.h"

enum { NESTING_MAX = 64, BLOCK_BYTES = 4096 };

typedef struct td_syntax_block {
    struct td_syntax_block *next;
    size_t used;
    _Alignas(16) char bytes[BLOCK_BYTES];
} td_syntax_block;

typedef enum token_kind { TOKEN_END, TOKEN_NUMBER, TOKEN_NAME, TOKEN_TEXT, TOKEN_OUTPUT, TOKEN_SIGN } token_kind;

typedef struct parser {
    const char *text;
    bool rules;
    size_t at;                        /* behind the current token */
    token_kind kind;
    size_t token, token_length;       /* the current token */
    size_t before;                    /* where the token before it ended */
    double number;
    bool is_duration;
    int nodes, nesting;
    bool opened, named;               /* what was accepted last: an opening parenthesis, a name */
    FILE *canonical;
    td_syntax *syntax;
    td_expression_place place;
    td_error *error;
} parser;

static bool name_start(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
static bool name_part(char c) { return name_start(c) || (c >= '0' && c <= '9') || c == '.'; }

__attribute__((format(printf, 4, 5))) static td_status refuse(parser *p, size_t offset, size_t length, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    td_vfail(p->error, TD_BAD_ARG, format, arguments);
    va_end(arguments);
    p->place = (td_expression_place){offset, length ? length : 1};
    return TD_BAD_ARG;
}

/* ---- memory ---- */

static void *take(parser *p, size_t bytes) {
    td_syntax_block *block = p->syntax->memory;
    bytes = (bytes + 15) / 16 * 16;
    if (!block || block->used + bytes > BLOCK_BYTES) {
        block = malloc(sizeof *block);
        if (!block) return NULL;
        *block = (td_syntax_block){.next = p->syntax->memory};
        p->syntax->memory = block;
    }
    void *memory = block->bytes + block->used;
    block->used += bytes;
    memset(memory, 0, bytes);
    return memory;
}

static td_status no_memory(parser *p) { return refuse(p, 0, 1, "memory ran out for an expression"); }

/* A node of the current token; its operands, if any, are linked by the caller. */
static td_status make(parser *p, td_operation op, td_syntax_node **node) {
    if (++p->nodes > TD_SYNTAX_NODES_MAX)
        return refuse(p, p->token, 1, "an expression of more than %d operations", TD_SYNTAX_NODES_MAX);
    *node = take(p, sizeof **node);
    if (!*node) return no_memory(p);
    **node = (td_syntax_node){.op = op, .place = {p->token, p->token_length}, .extent = {p->token, p->token_length}};
    return TD_OK;
}

static td_status copy_name(parser *p, size_t offset, size_t length, char **name) {
    *name = take(p, length + 1);
    if (!*name) return no_memory(p);
    memcpy(*name, p->text + offset, length);
    return TD_OK;
}

/* ---- tokens ---- */

static bool is(const parser *p, const char *word) {
    return p->token_length == strlen(word) && memcmp(p->text + p->token, word, p->token_length) == 0;
}
static bool is_sign(const parser *p, const char *sign) { return p->kind == TOKEN_SIGN && is(p, sign); }
static bool is_word(const parser *p) { return p->kind == TOKEN_NAME && (is(p, "and") || is(p, "or") || is(p, "not")); }

static td_status advance_text(parser *p, const char *from) {
    size_t length = strcspn(from + 1, *from == '"' ? "\"" : "'");
    if (!from[1 + length]) return refuse(p, p->at, 1, "this quote is not closed");
    if (length >= TD_NAME_ROOM) return refuse(p, p->at, length + 2, "a text longer than %d characters", TD_NAME_ROOM - 1);
    p->kind = TOKEN_TEXT;
    p->token_length = length + 2;
    return TD_OK;
}

static td_status advance(parser *p) {
    static const char *const signs[] = {"<=", ">=", "==", "!=", "&&", "||", "<", ">", "+", "-", "*", "/", "(", ")", "!", "&", "|", ","};
    p->before = p->at;
    while (p->text[p->at] && strchr(" \t\r\n", p->text[p->at])) p->at++;
    const char *from = p->text + p->at;
    p->token = p->at;
    p->token_length = 0;
    if (!*from) {
        p->kind = TOKEN_END;
        return TD_OK;
    }
    if (name_start(*from)) {
        size_t length = 1;
        while (name_part(from[length])) length++;
        if (length >= TD_NAME_ROOM) return refuse(p, p->at, length, "a name longer than %d characters", TD_NAME_ROOM - 1);
        p->kind = TOKEN_NAME;
        p->token_length = length;
    } else if (p->rules && *from == '.' && name_start(from[1])) {
        size_t length = 2;
        while (name_part(from[length])) length++;
        if (length > TD_NAME_ROOM) return refuse(p, p->at, length, "a name longer than %d characters", TD_NAME_ROOM - 1);
        p->kind = TOKEN_OUTPUT;
        p->token_length = length;
    } else if ((*from >= '0' && *from <= '9') || *from == '.') {
        /* everything that could belong to the number, so that 1x is one wrong number */
        size_t length = 1;
        while (name_part(from[length]) ||
               ((from[length] == '-' || from[length] == '+') && strchr("eE", from[length - 1]))) length++;
        char text[64];
        if (length < sizeof text) memcpy(text, from, length);
        text[length < sizeof text ? length : 0] = 0;
        p->is_duration = !td_read_number(text, &p->number);
        if (p->is_duration && (p->rules || !td_read_nanoseconds(text, &p->number)))
            return refuse(p, p->at, length, "'%.*s' is not a number", (int)(length < 40 ? length : 40), from);
        p->kind = TOKEN_NUMBER;
        p->token_length = length;
    } else if (p->rules && (*from == '"' || *from == '\'')) {
        TD_TRY(advance_text(p, from));
    } else {
        p->kind = TOKEN_SIGN;
        for (size_t i = 0; i < sizeof signs / sizeof *signs && !p->token_length; i++)
            if (strncmp(from, signs[i], strlen(signs[i])) == 0) p->token_length = strlen(signs[i]);
        if (!p->token_length || (*from == ',' && !p->rules)) {
            if (*from == '=') return refuse(p, p->at, 1, "'=' compares nothing; write '=='");
            size_t length = 1;
            while (((unsigned char)from[length] & 0xC0) == 0x80) length++;
            return refuse(p, p->at, length, "'%.*s' is not part of an expression", (int)length, from);
        }
    }
    p->at += p->token_length;
    return TD_OK;
}

/* Goes past the current token, writing it to the canonical text. */
static td_status accept(parser *p, const char *as) {
    bool opens = is_sign(p, "("), joins = is_sign(p, ")") || is_sign(p, ",") || p->kind == TOKEN_OUTPUT;
    bool named = p->kind == TOKEN_NAME && !is_word(p);
    /* rules are written as calls usually are; the form of constraints is older */
    bool close_up = p->rules && (p->opened || joins || (opens && p->named));
    if (ftell(p->canonical) > 0 && !close_up) fputc(' ', p->canonical);
    p->opened = opens;
    p->named = named;
    if (as)
        fputs(as, p->canonical);
    else
        fwrite(p->text + p->token, 1, p->token_length, p->canonical);
    return advance(p);
}

static td_status unexpected(parser *p, const char *wanted) {
    if (p->kind == TOKEN_END) return refuse(p, p->token, 1, "expected %s, the expression ends here", wanted);
    return refuse(p, p->token, p->token_length, "expected %s, found '%.*s'", wanted, (int)(p->token_length < 40 ? p->token_length : 40),
                  p->text + p->token);
}

static td_status go_deeper(parser *p) {
    return ++p->nesting > NESTING_MAX ? refuse(p, p->token, 1, "nested too deeply: more than %d levels", NESTING_MAX) : TD_OK;
}

/* ---- grammar: each leaves what it read in *node ---- */

static td_status parse_or(parser *p, td_syntax_node **node);

/* From the opening parenthesis behind a name to the closing one, and the output behind that. */
static td_status parse_call(parser *p, td_syntax_node *call) {
    td_syntax_node **last = &call->child;
    size_t opened = p->token;
    call->op = TD_OP_CALL;
    TD_TRY(go_deeper(p));
    TD_TRY(accept(p, NULL));
    while (!is_sign(p, ")")) {
        TD_TRY(parse_or(p, last));
        last = &(*last)->next;
        if (p->kind == TOKEN_END) return refuse(p, opened, 1, "this parenthesis is not closed");
        if (is_sign(p, ")")) break;
        if (!is_sign(p, ",")) return unexpected(p, "an operator, ',' or ')'");
        TD_TRY(accept(p, NULL));
        if (is_sign(p, ")")) return unexpected(p, "another argument");
    }
    p->nesting--;
    TD_TRY(accept(p, NULL));
    if (p->kind == TOKEN_OUTPUT) {
        call->output_place = (td_expression_place){p->token + 1, p->token_length - 1};
        TD_TRY(copy_name(p, p->token + 1, p->token_length - 1, &call->output));
        TD_TRY(accept(p, NULL));
    }
    call->extent.length = p->before - call->extent.offset;
    return TD_OK;
}

static td_status parse_primary(parser *p, td_syntax_node **node) {
    if (p->kind == TOKEN_NUMBER) {
        TD_TRY(make(p, TD_OP_NUMBER, node));
        (*node)->number = p->number;
        (*node)->is_duration = p->is_duration;
        return accept(p, NULL);
    }
    if (p->kind == TOKEN_TEXT) {
        TD_TRY(make(p, TD_OP_TEXT, node));
        TD_TRY(copy_name(p, p->token + 1, p->token_length - 2, &(*node)->name));
        return accept(p, NULL);
    }
    if (p->kind == TOKEN_NAME && !is_word(p)) {
        TD_TRY(make(p, TD_OP_NAME, node));
        TD_TRY(copy_name(p, p->token, p->token_length, &(*node)->name));
        TD_TRY(accept(p, NULL));
        return p->rules && is_sign(p, "(") ? parse_call(p, *node) : TD_OK;
    }
    if (is_sign(p, "(")) {
        size_t opened = p->token;
        TD_TRY(go_deeper(p));
        TD_TRY(accept(p, NULL));
        TD_TRY(parse_or(p, node));
        if (p->kind == TOKEN_END) return refuse(p, opened, 1, "this parenthesis is not closed");
        if (!is_sign(p, ")")) return unexpected(p, "an operator or ')'");
        p->nesting--;
        TD_TRY(accept(p, NULL));
        (*node)->extent = (td_expression_place){opened, p->before - opened};
        return TD_OK;
    }
    return unexpected(p, "a number, a name or '('");
}

static td_status parse_unary(parser *p, td_syntax_node **node) {
    if (!is_sign(p, "-") && !is_sign(p, "+")) return parse_primary(p, node);
    td_syntax_node *minus = NULL;
    if (is_sign(p, "-")) TD_TRY(make(p, TD_OP_NEGATE, &minus));
    TD_TRY(go_deeper(p));
    TD_TRY(accept(p, NULL));
    TD_TRY(parse_unary(p, minus ? &minus->child : node));
    p->nesting--;
    if (!minus) return TD_OK;
    minus->extent.length = p->before - minus->extent.offset;
    *node = minus;
    return TD_OK;
}

/* Reads the right operand of the operator at the current token and puts the operation in place of its left one. */
static td_status parse_operation(parser *p, td_operation op, const char *as, td_status (*operand)(parser *, td_syntax_node **),
                                 td_syntax_node **node) {
    td_syntax_node *operation;
    TD_TRY(make(p, op, &operation));
    TD_TRY(accept(p, as));
    operation->child = *node;
    TD_TRY(operand(p, &operation->child->next));
    operation->extent = (td_expression_place){(*node)->extent.offset, p->before - (*node)->extent.offset};
    *node = operation;
    return TD_OK;
}

static td_status parse_product(parser *p, td_syntax_node **node) {
    TD_TRY(parse_unary(p, node));
    while (is_sign(p, "*") || is_sign(p, "/"))
        TD_TRY(parse_operation(p, is(p, "*") ? TD_OP_MULTIPLY : TD_OP_DIVIDE, NULL, parse_unary, node));
    return TD_OK;
}

static td_status parse_sum(parser *p, td_syntax_node **node) {
    TD_TRY(parse_product(p, node));
    while (is_sign(p, "+") || is_sign(p, "-"))
        TD_TRY(parse_operation(p, is(p, "+") ? TD_OP_ADD : TD_OP_SUBTRACT, NULL, parse_product, node));
    return TD_OK;
}

static bool comparison(const parser *p, td_operation *op) {
    static const struct {
        const char *sign;
        td_operation op;
    } signs[] = {{"<", TD_OP_LESS}, {"<=", TD_OP_LESS_EQUAL}, {">", TD_OP_MORE}, {">=", TD_OP_MORE_EQUAL}, {"==", TD_OP_EQUAL},
                 {"!=", TD_OP_UNEQUAL}};
    for (size_t i = 0; i < sizeof signs / sizeof *signs; i++) {
        if (!is_sign(p, signs[i].sign)) continue;
        *op = signs[i].op;
        return true;
    }
    return false;
}

static td_status parse_comparison(parser *p, td_syntax_node **node) {
    td_operation op, second;
    TD_TRY(parse_sum(p, node));
    if (!comparison(p, &op)) return TD_OK;
    TD_TRY(parse_operation(p, op, NULL, parse_sum, node));
    if (comparison(p, &second))
        return refuse(p, p->token, p->token_length, "comparisons do not chain; write 'a < b and b < c'");
    return TD_OK;
}

static td_status parse_not(parser *p, td_syntax_node **node) {
    if (!(p->kind == TOKEN_NAME && is(p, "not")) && !is_sign(p, "!")) return parse_comparison(p, node);
    TD_TRY(make(p, TD_OP_NOT, node));
    td_syntax_node *operation = *node;
    TD_TRY(go_deeper(p));
    TD_TRY(accept(p, "not"));
    TD_TRY(parse_not(p, &operation->child));
    p->nesting--;
    operation->extent.length = p->before - operation->extent.offset;
    return TD_OK;
}

static td_status parse_and(parser *p, td_syntax_node **node) {
    TD_TRY(parse_not(p, node));
    while ((p->kind == TOKEN_NAME && is(p, "and")) || is_sign(p, "&&") || is_sign(p, "&"))
        TD_TRY(parse_operation(p, TD_OP_AND, "and", parse_not, node));
    return TD_OK;
}

static td_status parse_or(parser *p, td_syntax_node **node) {
    TD_TRY(parse_and(p, node));
    while ((p->kind == TOKEN_NAME && is(p, "or")) || is_sign(p, "||") || is_sign(p, "|"))
        TD_TRY(parse_operation(p, TD_OP_OR, "or", parse_and, node));
    return TD_OK;
}

static td_status parse_all(parser *p) {
    TD_TRY(advance(p));
    TD_TRY(parse_or(p, &p->syntax->root));
    return p->kind == TOKEN_END ? TD_OK : unexpected(p, "an operator or the end");
}

td_status td_syntax_parse(const char *text, bool rules, td_syntax *syntax, td_expression_place *place, td_error *error) {
    *syntax = (td_syntax){0};
    size_t bytes = 0;
    parser p = {.text = text, .rules = rules, .syntax = syntax, .error = error};
    p.canonical = open_memstream(&syntax->text, &bytes);
    if (!p.canonical) return td_fail(error, TD_NO_MEMORY, "memory ran out for an expression");
    td_status status = parse_all(&p);
    if (fclose(p.canonical) && status == TD_OK) status = td_fail(error, TD_NO_MEMORY, "memory ran out for an expression");
    *place = p.place;
    if (status != TD_OK) td_syntax_free(syntax);
    return status;
}

void td_syntax_free(td_syntax *syntax) {
    for (td_syntax_block *block = syntax->memory, *next; block; block = next) {
        next = block->next;
        free(block);
    }
    free(syntax->text);
    *syntax = (td_syntax){0};
}
