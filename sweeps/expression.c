/* Recursive descent into a short program for a stack machine. */
#include "sweeps/expression.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sweeps/scalars.h"

enum { STACK_MAX = 64, NESTING_MAX = 64, NAME_MAX_BYTES = 128, PROGRAM_MAX = 4096 };

typedef enum operation {
    OP_NUMBER, OP_VALUE, OP_OR, OP_AND, OP_NOT, OP_EQUAL, OP_UNEQUAL, OP_LESS, OP_LESS_EQUAL, OP_MORE, OP_MORE_EQUAL,
    OP_ADD, OP_SUBTRACT, OP_MULTIPLY, OP_DIVIDE, OP_NEGATE,
} operation;

typedef struct instruction {
    int32_t op, index;
    double number;
} instruction;

struct td_expression {
    char *text;
    int count;
    instruction *program;
};

typedef enum token_kind { TOKEN_END, TOKEN_NUMBER, TOKEN_NAME, TOKEN_SIGN } token_kind;

typedef struct parser {
    const char *text;
    size_t at;                        /* behind the current token */
    token_kind kind;
    size_t token, token_length;       /* the current token */
    operation op;                     /* of a sign; parentheses have none */
    double number;
    char name[NAME_MAX_BYTES];
    instruction *program;
    int count, room, depth, nesting;
    FILE *canonical;
    td_expression_resolve *resolve;
    void *context;
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

static bool is(const parser *p, const char *word) {
    return p->token_length == strlen(word) && memcmp(p->text + p->token, word, p->token_length) == 0;
}

static td_status advance(parser *p) {
    static const char *const signs[] = {"<=", ">=", "==", "!=", "&&", "||", "<", ">", "+", "-", "*", "/", "(", ")", "!"};
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
        if (length >= sizeof p->name) return refuse(p, p->at, length, "a name longer than %d characters", NAME_MAX_BYTES - 1);
        memcpy(p->name, from, length);
        p->name[length] = 0;
        p->kind = TOKEN_NAME;
        p->token_length = length;
    } else if ((*from >= '0' && *from <= '9') || *from == '.') {
        /* everything that could belong to the number, so that 1x is one wrong number */
        size_t length = 1;
        while (name_part(from[length]) ||
               ((from[length] == '-' || from[length] == '+') && strchr("eE", from[length - 1]))) length++;
        char text[64];
        if (length < sizeof text) memcpy(text, from, length);
        text[length < sizeof text ? length : 0] = 0;
        if (!td_read_number(text, &p->number)) return refuse(p, p->at, length, "'%.*s' is not a number",
                                                             (int)(length < 40 ? length : 40), from);
        p->kind = TOKEN_NUMBER;
        p->token_length = length;
    } else {
        p->kind = TOKEN_SIGN;
        for (size_t i = 0; i < sizeof signs / sizeof *signs && !p->token_length; i++)
            if (strncmp(from, signs[i], strlen(signs[i])) == 0) p->token_length = strlen(signs[i]);
        if (!p->token_length) {
            if (*from == '=') return refuse(p, p->at, 1, "'=' compares nothing; write '=='");
            if (*from == '&' || *from == '|') return refuse(p, p->at, 1, "'%c' is not an operator; write '%c%c'", *from, *from,
                                                            *from);
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
    if (ftell(p->canonical) > 0) fputc(' ', p->canonical);
    if (as)
        fputs(as, p->canonical);
    else
        fwrite(p->text + p->token, 1, p->token_length, p->canonical);
    return advance(p);
}

static td_status emit(parser *p, operation op, int index, double number) {
    if (p->count == PROGRAM_MAX) return refuse(p, p->token, 1, "an expression of more than %d operations", PROGRAM_MAX);
    if (p->count == p->room) {
        int room = p->room ? 2 * p->room : 16;
        instruction *program = realloc(p->program, (size_t)room * sizeof *program);
        if (!program) return refuse(p, 0, 1, "memory ran out for an expression");
        p->program = program;
        p->room = room;
    }
    p->program[p->count++] = (instruction){.op = op, .index = index, .number = number};
    if (op == OP_NUMBER || op == OP_VALUE) {
        if (++p->depth > STACK_MAX) return refuse(p, p->token, 1, "nested too deeply");
    } else if (op != OP_NOT && op != OP_NEGATE) {
        p->depth--;
    }
    return TD_OK;
}

static td_status parse_or(parser *p);

static td_status unexpected(parser *p, const char *wanted) {
    if (p->kind == TOKEN_END) return refuse(p, p->token, 1, "expected %s, the expression ends here", wanted);
    return refuse(p, p->token, p->token_length, "expected %s, found '%.*s'", wanted,
                  (int)(p->token_length < 40 ? p->token_length : 40),
                  p->text + p->token);
}

static bool is_word(const parser *p) { return p->kind == TOKEN_NAME && (is(p, "and") || is(p, "or") || is(p, "not")); }

static td_status parse_primary(parser *p) {
    if (p->kind == TOKEN_NUMBER) {
        TD_TRY(emit(p, OP_NUMBER, 0, p->number));
        return accept(p, NULL);
    }
    if (p->kind == TOKEN_NAME && !is_word(p)) {
        int index = p->resolve(p->context, p->name);
        if (index < 0) return refuse(p, p->token, p->token_length, "unknown name '%s'", p->name);
        TD_TRY(emit(p, OP_VALUE, index, 0));
        return accept(p, NULL);
    }
    if (p->kind == TOKEN_SIGN && is(p, "(")) {
        size_t opened = p->token;
        if (++p->nesting > NESTING_MAX) return refuse(p, p->token, 1, "nested too deeply");
        TD_TRY(accept(p, NULL));
        TD_TRY(parse_or(p));
        if (p->kind == TOKEN_END) return refuse(p, opened, 1, "this parenthesis is not closed");
        if (p->kind != TOKEN_SIGN || !is(p, ")")) return unexpected(p, "an operator or ')'");
        p->nesting--;
        return accept(p, NULL);
    }
    return unexpected(p, "a number, a name or '('");
}

static td_status parse_unary(parser *p) {
    if (p->kind == TOKEN_SIGN && (is(p, "-") || is(p, "+"))) {
        bool negate = is(p, "-");
        if (++p->nesting > NESTING_MAX) return refuse(p, p->token, 1, "nested too deeply");
        TD_TRY(accept(p, NULL));
        TD_TRY(parse_unary(p));
        p->nesting--;
        return negate ? emit(p, OP_NEGATE, 0, 0) : TD_OK;
    }
    return parse_primary(p);
}

static td_status parse_product(parser *p) {
    TD_TRY(parse_unary(p));
    while (p->kind == TOKEN_SIGN && (is(p, "*") || is(p, "/"))) {
        operation op = is(p, "*") ? OP_MULTIPLY : OP_DIVIDE;
        TD_TRY(accept(p, NULL));
        TD_TRY(parse_unary(p));
        TD_TRY(emit(p, op, 0, 0));
    }
    return TD_OK;
}

static td_status parse_sum(parser *p) {
    TD_TRY(parse_product(p));
    while (p->kind == TOKEN_SIGN && (is(p, "+") || is(p, "-"))) {
        operation op = is(p, "+") ? OP_ADD : OP_SUBTRACT;
        TD_TRY(accept(p, NULL));
        TD_TRY(parse_product(p));
        TD_TRY(emit(p, op, 0, 0));
    }
    return TD_OK;
}

static bool comparison(const parser *p, operation *op) {
    static const struct {
        const char *sign;
        operation op;
    } signs[] = {{"<", OP_LESS}, {"<=", OP_LESS_EQUAL}, {">", OP_MORE}, {">=", OP_MORE_EQUAL}, {"==", OP_EQUAL},
                 {"!=", OP_UNEQUAL}};
    if (p->kind != TOKEN_SIGN) return false;
    for (size_t i = 0; i < sizeof signs / sizeof *signs; i++) {
        if (!is(p, signs[i].sign)) continue;
        *op = signs[i].op;
        return true;
    }
    return false;
}

static td_status parse_comparison(parser *p) {
    operation op, second;
    TD_TRY(parse_sum(p));
    if (!comparison(p, &op)) return TD_OK;
    TD_TRY(accept(p, NULL));
    TD_TRY(parse_sum(p));
    TD_TRY(emit(p, op, 0, 0));
    if (comparison(p, &second))
        return refuse(p, p->token, p->token_length, "comparisons do not chain; write 'a < b and b < c'");
    return TD_OK;
}

static td_status parse_not(parser *p) {
    if ((p->kind == TOKEN_NAME && is(p, "not")) || (p->kind == TOKEN_SIGN && is(p, "!"))) {
        if (++p->nesting > NESTING_MAX) return refuse(p, p->token, 1, "nested too deeply");
        TD_TRY(accept(p, "not"));
        TD_TRY(parse_not(p));
        p->nesting--;
        return emit(p, OP_NOT, 0, 0);
    }
    return parse_comparison(p);
}

static td_status parse_and(parser *p) {
    TD_TRY(parse_not(p));
    while ((p->kind == TOKEN_NAME && is(p, "and")) || (p->kind == TOKEN_SIGN && is(p, "&&"))) {
        TD_TRY(accept(p, "and"));
        TD_TRY(parse_not(p));
        TD_TRY(emit(p, OP_AND, 0, 0));
    }
    return TD_OK;
}

static td_status parse_or(parser *p) {
    TD_TRY(parse_and(p));
    while ((p->kind == TOKEN_NAME && is(p, "or")) || (p->kind == TOKEN_SIGN && is(p, "||"))) {
        TD_TRY(accept(p, "or"));
        TD_TRY(parse_and(p));
        TD_TRY(emit(p, OP_OR, 0, 0));
    }
    return TD_OK;
}

static td_status parse_all(parser *p) {
    TD_TRY(advance(p));
    TD_TRY(parse_or(p));
    if (p->kind != TOKEN_END) return unexpected(p, "an operator or the end");
    return TD_OK;
}

td_status td_expression_compile(const char *text, td_expression_resolve *resolve, void *context, td_expression **expression,
                                td_expression_place *place, td_error *error) {
    *expression = NULL;
    char *canonical = NULL;
    size_t canonical_bytes = 0;
    parser p = {.text = text, .resolve = resolve, .context = context, .error = error};
    p.canonical = open_memstream(&canonical, &canonical_bytes);
    if (!p.canonical) return td_fail(error, TD_NO_MEMORY, "memory ran out for an expression");
    td_status status = parse_all(&p);
    if (fclose(p.canonical) && status == TD_OK) status = td_fail(error, TD_NO_MEMORY, "memory ran out for an expression");
    td_expression *made = status == TD_OK ? malloc(sizeof *made) : NULL;
    if (status == TD_OK && !made) status = td_fail(error, TD_NO_MEMORY, "memory ran out for an expression");
    if (status != TD_OK) {
        free(p.program);
        free(canonical);
        if (place)
            *place = p.place;
        else if (status == TD_BAD_ARG)
            td_fail_within(error, status, "column %zu of '%.120s'", p.place.offset + 1, text);
        return status;
    }
    *made = (td_expression){.text = canonical, .count = p.count, .program = p.program};
    *expression = made;
    return TD_OK;
}

void td_expression_free(td_expression *expression) {
    if (!expression) return;
    free(expression->text);
    free(expression->program);
    free(expression);
}

const char *td_expression_text(const td_expression *expression) { return expression->text; }

static bool truth(double x) { return x != 0 && !isnan(x); }

double td_expression_value(const td_expression *expression, const double *values) {
    double stack[STACK_MAX];
    int depth = 0; /* what the compiler counted: never below 1 after the first instruction, never above STACK_MAX */
    for (const instruction *i = expression->program, *end = i + expression->count; i < end; i++) {
        if (i->op == OP_NUMBER) {
            stack[depth++] = i->number;
            continue;
        }
        if (i->op == OP_VALUE) {
            stack[depth++] = values[i->index];
            continue;
        }
        if (i->op == OP_NOT || i->op == OP_NEGATE) {
            double *x = &stack[depth - 1];
            *x = i->op == OP_NOT ? !truth(*x) : -*x;
            continue;
        }
        double b = stack[--depth], a = stack[depth - 1], c = 0;
        switch ((operation)i->op) {
        case OP_OR: c = truth(a) || truth(b); break;
        case OP_AND: c = truth(a) && truth(b); break;
        case OP_EQUAL: c = a == b; break;
        case OP_UNEQUAL: c = a != b; break;
        case OP_LESS: c = a < b; break;
        case OP_LESS_EQUAL: c = a <= b; break;
        case OP_MORE: c = a > b; break;
        case OP_MORE_EQUAL: c = a >= b; break;
        case OP_ADD: c = a + b; break;
        case OP_SUBTRACT: c = a - b; break;
        case OP_MULTIPLY: c = a * b; break;
        default: c = a / b; break;
        }
        stack[depth - 1] = c;
    }
    return stack[0];
}

bool td_expression_true(const td_expression *expression, const double *values) {
    return truth(td_expression_value(expression, values));
}
