/* The grammar of small expressions, as a tree: what constraints and --where (sweeps/expression.h) and rules (sweeps/rules.h) share.
 *
 *   fast < slow and (slow - fast) / 2 >= 5 or not commission > 0.001
 *   crosses_above(sma(close, fast), bollinger(close, 20, 2).upper) & rsi(close, 14) < 70
 *
 * Loosest to tightest: or || |, and && &, not !, == != < <= > >= (they do not chain), + -, * /, unary - +. So & is looser than a
 * comparison, whatever C and Python say. Names are letters, digits, underscores and dots, not beginning with a digit or dot. Numbers
 * are decimal; with a unit behind them, as in 50ms, they are durations, in nanoseconds. Calls, their outputs (`.upper`) and texts ("1h") are for rules alone.
 *
 * A tree knows the form and nothing of what names mean; whoever made it looks at that. */
#ifndef TAPEDECK_SWEEPS_SYNTAX_H
#define TAPEDECK_SWEEPS_SYNTAX_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

typedef enum td_operation {
    TD_OP_NUMBER, TD_OP_NAME, TD_OP_TEXT, TD_OP_CALL, TD_OP_OR, TD_OP_AND, TD_OP_NOT, TD_OP_EQUAL, TD_OP_UNEQUAL, TD_OP_LESS,
    TD_OP_LESS_EQUAL, TD_OP_MORE, TD_OP_MORE_EQUAL, TD_OP_ADD, TD_OP_SUBTRACT, TD_OP_MULTIPLY, TD_OP_DIVIDE, TD_OP_NEGATE,
} td_operation;

/* Where in the text something is, in bytes. */
typedef struct td_expression_place {
    size_t offset, length;
} td_expression_place;

enum { TD_NAME_ROOM = 128, TD_SYNTAX_NODES_MAX = 4096 };

typedef struct td_syntax_node td_syntax_node;
struct td_syntax_node {
    td_operation op;
    td_expression_place place;   /* of the number, the name, the operator's sign */
    td_expression_place extent;  /* of all of it */
    double number;
    bool is_duration;            /* of a number */
    char *name;                  /* NUL-terminated: of a name, a call, a text (without its quotes) */
    char *output;                /* of a call: what stands behind the dot, NULL when there is none */
    td_expression_place output_place;
    td_syntax_node *child, *next; /* operands or arguments, in order; the next one of the same parent */
    int meaning, index, part;    /* 0; for notes of whoever looks at meanings */
};

typedef struct td_syntax {
    td_syntax_node *root;
    char *text; /* with fixed blanks between tokens, and words for & | !, so that spelling does not matter where texts are compared */
    struct td_syntax_block *memory;
} td_syntax;

/* TD_BAD_ARG with a sentence about what stands at place. rules: with calls, outputs and texts. */
td_status td_syntax_parse(const char *text, bool rules, td_syntax *syntax, td_expression_place *place, td_error *error);
void td_syntax_free(td_syntax *syntax);

#endif
