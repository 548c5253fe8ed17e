/* The tree of sweeps/syntax.h becomes a short program for a stack machine. */
#include "sweeps/expression.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>

enum { STACK_MAX = 64 };

typedef struct instruction {
    int32_t op, index; /* td_operation; of a name: which value */
    double number;
} instruction;

struct td_expression {
    char *text;
    bool durations;
    int count;
    instruction *program;
};

typedef struct compiler {
    td_expression_resolve *resolve;
    void *context;
    instruction *program;
    int count, room, depth;
    bool durations;
    td_expression_place place;
    td_error *error;
} compiler;

__attribute__((format(printf, 3, 4))) static td_status refuse(compiler *c, td_expression_place place, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    td_vfail(c->error, TD_BAD_ARG, format, arguments);
    va_end(arguments);
    c->place = place;
    return TD_BAD_ARG;
}

/* Operands before their operation. */
static td_status emit(compiler *c, const td_syntax_node *node) {
    int index = 0, operands = 0;
    for (const td_syntax_node *child = node->child; child; child = child->next, operands++) TD_TRY(emit(c, child));
    if (node->op == TD_OP_NAME) {
        index = c->resolve(c->context, node->name);
        if (index < 0) return refuse(c, node->place, "unknown name '%s'", node->name);
    }
    if (c->count == c->room) {
        int room = c->room ? 2 * c->room : 16;
        instruction *program = realloc(c->program, (size_t)room * sizeof *program);
        if (!program) return refuse(c, (td_expression_place){0, 1}, "memory ran out for an expression");
        c->program = program;
        c->room = room;
    }
    c->durations = c->durations || node->is_duration;
    c->program[c->count++] = (instruction){.op = (int32_t)node->op, .index = index, .number = node->number};
    c->depth += 1 - operands;
    return c->depth > STACK_MAX ? refuse(c, node->place, "nested too deeply") : TD_OK;
}

td_status td_expression_compile(const char *text, td_expression_resolve *resolve, void *context, td_expression **expression,
                                td_expression_place *place, td_error *error) {
    td_syntax syntax;
    compiler c = {.resolve = resolve, .context = context, .error = error};
    *expression = NULL;
    td_status status = td_syntax_parse(text, false, &syntax, &c.place, error);
    if (status == TD_OK) status = emit(&c, syntax.root);
    td_expression *made = status == TD_OK ? malloc(sizeof *made) : NULL;
    if (status == TD_OK && !made) status = td_fail(error, TD_NO_MEMORY, "memory ran out for an expression");
    if (status == TD_OK) {
        *made = (td_expression){.text = syntax.text, .durations = c.durations, .count = c.count, .program = c.program};
        syntax.text = NULL;
        *expression = made;
    } else {
        free(c.program);
        if (place)
            *place = c.place;
        else if (status == TD_BAD_ARG)
            td_fail_within(error, status, "column %zu of '%.120s'", c.place.offset + 1, text);
    }
    td_syntax_free(&syntax);
    return status;
}

void td_expression_free(td_expression *expression) {
    if (!expression) return;
    free(expression->text);
    free(expression->program);
    free(expression);
}

bool td_expression_has_durations(const td_expression *expression) { return expression->durations; }

const char *td_expression_text(const td_expression *expression) { return expression->text; }

static bool truth(double x) { return x != 0 && !isnan(x); }

double td_expression_value(const td_expression *expression, const double *values) {
    double stack[STACK_MAX];
    int depth = 0; /* what the compiler counted: never below 1 after the first instruction, never above STACK_MAX */
    for (const instruction *i = expression->program, *end = i + expression->count; i < end; i++) {
        if (i->op == TD_OP_NUMBER) {
            stack[depth++] = i->number;
            continue;
        }
        if (i->op == TD_OP_NAME) {
            stack[depth++] = values[i->index];
            continue;
        }
        if (i->op == TD_OP_NOT || i->op == TD_OP_NEGATE) {
            double *x = &stack[depth - 1];
            *x = i->op == TD_OP_NOT ? !truth(*x) : -*x;
            continue;
        }
        double b = stack[--depth], a = stack[depth - 1], c = 0;
        switch ((td_operation)i->op) {
        case TD_OP_OR: c = truth(a) || truth(b); break;
        case TD_OP_AND: c = truth(a) && truth(b); break;
        case TD_OP_EQUAL: c = a == b; break;
        case TD_OP_UNEQUAL: c = a != b; break;
        case TD_OP_LESS: c = a < b; break;
        case TD_OP_LESS_EQUAL: c = a <= b; break;
        case TD_OP_MORE: c = a > b; break;
        case TD_OP_MORE_EQUAL: c = a >= b; break;
        case TD_OP_ADD: c = a + b; break;
        case TD_OP_SUBTRACT: c = a - b; break;
        case TD_OP_MULTIPLY: c = a * b; break;
        default: c = a / b; break;
        }
        stack[depth - 1] = c;
    }
    return stack[0];
}

bool td_expression_true(const td_expression *expression, const double *values) {
    return truth(td_expression_value(expression, values));
}
