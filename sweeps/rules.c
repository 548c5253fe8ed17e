/* Three passes over the trees: what everything means (check), which crossings become signals (find_signals), and the text (write). */
#include "sweeps/rules.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/words.h"
#include "data/row_kind.h"
#include "data/tape.h"
#include "sim/deck.h"
#include "sim/tape_kind.h"
#include "sweeps/scalars.h"

const char *const td_rule_names[TD_RULE_COUNT] = {"entry", "exit", "entry_short", "exit_short"};

/* What a node stands for. */
enum meaning { MEANS_CONSTANT = 1, MEANS_PARAM, MEANS_COLUMN, MEANS_ROW, MEANS_PREVIOUS, MEANS_NUMBER, MEANS_CONDITION, MEANS_CROSS };

/* A kind of row as rules call it. */
typedef struct function {
    const char *name;
    const td_row_kind *kind;
    bool has_column; /* the first argument is one */
    int arguments;   /* beside it; the macro of sim/strategy.h sets the rest */
} function;

typedef struct argument {
    bool is_param;
    int param;
    double value;
} argument;

/* One use of a kind: all outputs of it are rows. */
typedef struct family {
    function function;
    int column; /* td_column */
    argument arguments[TD_ROW_ARGUMENTS_MAX];
    char interval[8]; /* "" for the tape's */
    char name[160];
    bool is_column;   /* made so that a signal can compare the column itself */
    bool used[TD_ROW_OUTPUTS_MAX];
} family;

typedef struct param {
    char name[TD_RULE_NAME_MAX + 1];
    bool whole, used;
    double low, high;
} param;

typedef struct signal {
    int row[2], part[2]; /* families and outputs */
    bool level, level_is_param;
    int param;
    double value;
} signal;

typedef struct maker {
    td_rules *rules;
    td_syntax trees[TD_RULE_COUNT];
    td_rule rule; /* that is being read */
    family families[TD_ROWS_MAX];
    param params[TD_PARAMS_MAX];
    signal signals[TD_SIGNALS_MAX];
    int family_count, signal_count;
    bool column_used[TD_COLUMN_COUNT], position_used;
    td_expression_place place;
    td_error error;
} maker;

static const char *const columns[] = {"open", "high", "low", "close", "volume"};
static const char *const functions[] = {"crosses_above", "crosses_below", "previous", "higher", "abs", "min", "max"};
/* Kinds whose macro in sim/strategy.h sets the last argument. */
static const char *const variants[][2] = {{"stddev", "stddev"}, {"sample_stddev", "stddev"}};
enum { COLUMNS = sizeof columns / sizeof *columns, FUNCTIONS = sizeof functions / sizeof *functions,
       VARIANTS = sizeof variants / sizeof *variants };

/* What would mean something else to the compiler, or to a body. */
static const char *const reserved[] = {
    "and", "or", "not", "position", "equity", "entry_price", "bars_held", "flat", "is_long", "is_short", "leg", "now", "state", "enters", "leaves",
    "enters_short", "leaves_short",
    "real", "mask", "row", "param", "price", "use", "target", "select", "floor", "any", "crossed_above", "crossed_below",
    "auto", "break", "case", "char", "const", "continue", "default", "do", "double", "else", "enum", "extern", "float", "for", "goto",
    "if", "inline", "int", "long", "register", "restrict", "return", "short", "signed", "sizeof", "static", "struct", "switch",
    "typedef", "union", "unsigned", "void", "volatile", "while", "asm", "typeof", "bool", "true", "false", "linux", "unix", "i386",
    "stdin", "stdout", "stderr", "math_errhandling", "day",
};

const char *td_rule_word(int index) {
    if (index < COLUMNS) return columns[index];
    index -= COLUMNS;
    if (index < FUNCTIONS) return functions[index];
    index -= FUNCTIONS;
    if (index < td_row_kind_count()) return td_row_kind_at(index)->name;
    return index == td_row_kind_count() ? "sample_stddev" : NULL;
}

__attribute__((format(printf, 3, 4))) static td_status refuse(maker *m, td_expression_place place, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    td_vfail(&m->error, TD_BAD_ARG, format, arguments);
    va_end(arguments);
    m->place = place;
    return TD_BAD_ARG;
}

static int find_word(const char *word, const char *const *words, int count) {
    for (int i = 0; i < count; i++)
        if (strcmp(words[i], word) == 0) return i;
    return -1;
}

static const char *suggestion(const char *word, const char *const *words, int count, char text[64]) {
    const char *near = td_nearest_word(word, words, count);
    text[0] = 0;
    if (near) snprintf(text, 64, "; did you mean '%.40s'?", near);
    return text;
}

/* ---- what things mean ---- */

static bool find_function(const char *name, function *found) {
    const char *kind = name;
    for (int i = 0; i < VARIANTS; i++)
        if (strcmp(variants[i][0], name) == 0) kind = variants[i][1];
    *found = (function){.name = name, .kind = td_row_kind_find(kind)};
    if (!found->kind) return false;
    for (int i = 0; i < VARIANTS && !found->arguments; i++)
        if (strcmp(variants[i][0], name) == 0) found->arguments = -1;
    found->arguments += found->kind->argument_count;
    found->has_column = found->kind->column_count == 1 && strcmp(found->kind->columns[0], "x") == 0;
    return true;
}

/* "macd(column, fast, slow, signal)" */
static const char *usage(const function *f, char text[128]) {
    int used = snprintf(text, 128, "%s(%s", f->name, f->has_column ? "column" : "");
    for (int i = 0; i < f->arguments; i++)
        used += snprintf(text + used, (size_t)(128 - used), "%s%s", i || f->has_column ? ", " : "", f->kind->arguments[i].name);
    snprintf(text + used, (size_t)(128 - used), ")");
    return text;
}

/* The parameter of that name, made where it is new, with its bounds drawn in. */
static td_status claim_param(maker *m, const td_syntax_node *node, bool whole, double low, double high, int *index) {
    td_rules *r = m->rules;
    char near[64];
    function f;
    if (find_word(node->name, functions, FUNCTIONS) >= 0)
        return refuse(m, node->place, "%s is a function; write %s(...)", node->name, node->name);
    if (find_function(node->name, &f)) {
        char text[128];
        return refuse(m, node->place, "%s is an indicator; write %s", node->name, usage(&f, text));
    }
    if (strchr(node->name, '.'))
        return refuse(m, node->place, "'%.60s' is neither a column nor the name of a parameter, which has no dots%s", node->name,
                      suggestion(node->name, columns, COLUMNS, near));
    if (strlen(node->name) > TD_RULE_NAME_MAX)
        return refuse(m, node->place, "the name of a parameter has at most %d characters, this has %zu", TD_RULE_NAME_MAX,
                      strlen(node->name));
    int knob = td_kind_find_knob(TD_TAPE_OF_BARS, node->name);
    if (knob >= 0)
        return refuse(m, node->place, "no parameter can be called %s: that is a setting of every strategy (%s)", node->name,
                      td_knob_infos[knob].text);
    bool shouts = true; /* as macros do */
    for (const char *c = node->name; *c; c++) shouts = shouts && !islower((unsigned char)*c);
    if (find_word(node->name, reserved, sizeof reserved / sizeof *reserved) >= 0 || node->name[0] == '_' || shouts ||
        strncmp(node->name, "td_", 3) == 0 || strncmp(node->name, "TD_", 3) == 0)
        return refuse(m, node->place, "no parameter can be called %s: %s", node->name,
                      shouts && isalpha((unsigned char)node->name[0]) ? "a name has a small letter" : "the word has a meaning of its own");
    int i = 0;
    while (i < r->param_count && strcmp(r->params[i].name, node->name) != 0) i++;
    if (i == TD_PARAMS_MAX) return refuse(m, node->place, "a strategy has at most %d parameters; %s would be one more", TD_PARAMS_MAX, node->name);
    if (i == r->param_count) {
        r->param_count++;
        r->params[i] = (td_rule_param){.rule = m->rule, .place = node->place};
        snprintf(r->params[i].name, sizeof r->params[i].name, "%s", node->name);
        m->params[i] = (param){.low = -1e300, .high = 1e300};
        snprintf(m->params[i].name, sizeof m->params[i].name, "%s", node->name);
    }
    param *p = &m->params[i];
    p->whole = p->whole || whole;
    if (p->low < low) p->low = low;
    if (p->high > high) p->high = high;
    if (p->low > p->high)
        return refuse(m, node->place, "%s is used in two ways that have no value in common", node->name);
    *index = i;
    return TD_OK;
}

static td_status check(maker *m, td_syntax_node *node);

static bool is_number(const td_syntax_node *node) { return node->meaning != MEANS_CONDITION && node->meaning != MEANS_CROSS; }

static td_status check_number(maker *m, td_syntax_node *node, const char *what) {
    TD_TRY(check(m, node));
    return is_number(node) ? TD_OK : refuse(m, node->extent, "%s a number, this is a condition", what);
}

static td_status check_condition(maker *m, td_syntax_node *node, const char *what) {
    TD_TRY(check(m, node));
    return is_number(node) ? refuse(m, node->extent, "%s a condition such as 'close > 100', this is a number", what) : TD_OK;
}

static int count_of(const td_syntax_node *node) {
    int count = 0;
    for (; node; node = node->next) count++;
    return count;
}

static td_status expect_arguments(maker *m, const td_syntax_node *call, int count, const char *form) {
    int found = count_of(call->child);
    if (call->output) return refuse(m, call->output_place, "%s has no outputs, found '.%.40s'", call->name, call->output);
    if (found == count) return TD_OK;
    return refuse(m, call->extent, "%s takes %d argument%s, found %d: %s", call->name, count, count == 1 ? "" : "s", found, form);
}

/* Puts a number in place of an operation on numbers. */
static td_status fold(maker *m, td_syntax_node *node, double value) {
    if (!isfinite(value)) return refuse(m, node->extent, "this is no finite number");
    node->op = TD_OP_NUMBER;
    node->number = value;
    node->meaning = MEANS_CONSTANT;
    return TD_OK;
}

static double of_numbers(const td_syntax_node *node, double a, double b) {
    switch (node->op) {
    case TD_OP_ADD: return a + b;
    case TD_OP_SUBTRACT: return a - b;
    case TD_OP_MULTIPLY: return a * b;
    case TD_OP_DIVIDE: return a / b;
    case TD_OP_NEGATE: return -a;
    default: break;
    }
    if (strcmp(node->name, "min") == 0) return a < b ? a : b;
    if (strcmp(node->name, "max") == 0) return a > b ? a : b;
    return fabs(a);
}

static td_status check_arithmetic(maker *m, td_syntax_node *node, const char *what) {
    td_syntax_node *a = node->child, *b = a->next;
    TD_TRY(check_number(m, a, what));
    if (b) TD_TRY(check_number(m, b, what));
    node->meaning = MEANS_NUMBER;
    if (a->meaning == MEANS_CONSTANT && (!b || b->meaning == MEANS_CONSTANT))
        return fold(m, node, of_numbers(node, a->number, b ? b->number : 0));
    return TD_OK;
}

/* Does it change from bar to bar? */
static bool moves(const td_syntax_node *node) {
    if (node->meaning == MEANS_COLUMN || node->meaning == MEANS_ROW || node->meaning == MEANS_PREVIOUS) return true;
    for (const td_syntax_node *child = node->child; child; child = child->next)
        if (moves(child)) return true;
    return false;
}

static const td_syntax_node *find_previous(const td_syntax_node *node) {
    if (node->meaning == MEANS_PREVIOUS) return node;
    const td_syntax_node *found = NULL;
    if (node->meaning != MEANS_ROW)
        for (const td_syntax_node *child = node->child; child && !found; child = child->next) found = find_previous(child);
    return found;
}

static td_status check_crossing(maker *m, td_syntax_node *call) {
    TD_TRY(expect_arguments(m, call, 2, "crosses_above(close, sma(close, 20))"));
    td_syntax_node *a = call->child, *b = a->next;
    TD_TRY(check_number(m, a, "a crossing is of two numbers: expected"));
    TD_TRY(check_number(m, b, "a crossing is of two numbers: expected"));
    if (!moves(a) && !moves(b)) return refuse(m, call->extent, "neither side changes from bar to bar, so they never cross");
    const td_syntax_node *previous = find_previous(a);
    if (!previous) previous = find_previous(b);
    if (previous)
        return refuse(m, previous->extent, "a crossing looks one bar back by itself, and two bars back nothing is known: leave previous() out");
    call->meaning = MEANS_CROSS;
    call->index = -1;
    return TD_OK;
}

/* A number or a parameter as an argument of a row. */
static td_status read_argument(maker *m, td_syntax_node *node, const function *f, const td_row_argument_info *info, argument *out) {
    char low[32], high[32], found[32];
    if (node->op == TD_OP_NAME && find_word(node->name, columns, COLUMNS) >= 0)
        return refuse(m, node->place, "%s of %s is a number or a parameter, found the column %s", info->name, f->name, node->name);
    if (node->op == TD_OP_NAME) {
        out->is_param = true;
        node->meaning = MEANS_PARAM;
        return claim_param(m, node, info->whole, info->minimum, info->maximum, &out->param);
    }
    if (node->op == TD_OP_NUMBER || node->op >= TD_OP_ADD) TD_TRY(check(m, node)); /* arithmetic on numbers becomes one */
    if (node->op != TD_OP_NUMBER)
        return refuse(m, node->extent, "%s of %s is a number or a parameter; nothing computed can stand here", info->name, f->name);
    out->value = node->number;
    if (info->whole && out->value != floor(out->value))
        return refuse(m, node->extent, "%s of %s is %s, must be a whole number of bars", info->name, f->name, td_write_number(out->value, found));
    if (!(out->value >= info->minimum && out->value <= info->maximum))
        return refuse(m, node->extent, "%s of %s is %s, must be between %s and %s", info->name, f->name, td_write_number(out->value, found),
                      td_write_number(info->minimum, low), td_write_number(info->maximum, high));
    return TD_OK;
}

static bool same_family(const family *a, const family *b) {
    bool same = strcmp(a->function.name, b->function.name) == 0 && a->column == b->column && strcmp(a->interval, b->interval) == 0 &&
                a->is_column == b->is_column;
    for (int i = 0; i < a->function.arguments && same; i++)
        same = a->arguments[i].is_param == b->arguments[i].is_param &&
               (a->arguments[i].is_param ? a->arguments[i].param == b->arguments[i].param : a->arguments[i].value == b->arguments[i].value);
    return same;
}

static int rows_of(const maker *m) {
    int rows = 0;
    for (int i = 0; i < m->family_count; i++) rows += m->families[i].function.kind->output_count;
    return rows;
}

/* The family's index, it is added where it is new; -1 when there is no room. */
static int add_family(maker *m, const family *wanted) {
    for (int i = 0; i < m->family_count; i++)
        if (same_family(&m->families[i], wanted)) return i;
    if (rows_of(m) + wanted->function.kind->output_count > TD_ROWS_MAX) return -1;
    m->families[m->family_count] = *wanted;
    return m->family_count++;
}

/* Arguments may not contradict each other where all are numbers; where not, every set is asked (td_check_set()). */
static td_status check_needs(maker *m, const td_syntax_node *call, const family *row) {
    td_row_tuple tuple = {{0}};
    const td_row_need *need = row->function.kind->need;
    if (!need->met || row->function.arguments < row->function.kind->argument_count) return TD_OK;
    for (int i = 0; i < row->function.arguments; i++) {
        if (row->arguments[i].is_param) return TD_OK;
        tuple.argument[i] = row->arguments[i].value;
    }
    return need->met(&tuple) ? TD_OK : refuse(m, call->extent, "%s: %s", row->function.name, need->text);
}

static td_status check_output(maker *m, td_syntax_node *call, const function *f) {
    char list[128] = "", near[64];
    int used = 0;
    for (int i = 0; i < f->kind->output_count; i++)
        used += snprintf(list + used, sizeof list - (size_t)used, "%s%s", i ? ", " : "", f->kind->outputs[i]);
    call->part = 0;
    if (call->output) {
        call->part = find_word(call->output, f->kind->outputs, f->kind->output_count);
        if (call->part < 0)
            return refuse(m, call->output_place, "%s has no output '%.40s'; there %s %s%s", f->name, call->output,
                          f->kind->output_count > 1 ? "are" : "is", list,
                          suggestion(call->output, f->kind->outputs, f->kind->output_count, near));
    } else if (f->kind->output_count > 1) {
        return refuse(m, call->extent, "%s has several outputs, %s; write %s(...).%s for one", f->name, list, f->name, f->kind->outputs[0]);
    }
    return TD_OK;
}

static td_status check_row(maker *m, td_syntax_node *call, const function *f, const char *interval) {
    family row = {.function = *f, .column = TD_COLUMN_close};
    char text[128], near[64];
    td_syntax_node *at = call->child;
    int found = count_of(at), wanted = f->arguments + f->has_column;
    snprintf(row.interval, sizeof row.interval, "%s", interval);
    if (td_kind_plays_pairs(f->kind))
        return refuse(m, call->place, "%s is of two symbols, and a rule is of one; a strategy in C may use it", f->name);
    if (found != wanted)
        return refuse(m, call->extent, "%s takes %d argument%s, found %d: %s", f->name, wanted, wanted == 1 ? "" : "s", found, usage(f, text));
    if (f->has_column) {
        row.column = at->op == TD_OP_NAME ? find_word(at->name, columns, COLUMNS) : -1;
        if (row.column < 0 && at->op == TD_OP_NAME)
            return refuse(m, at->place, "%s is of a column: open, high, low, close or volume, found '%s'%s", f->name, at->name,
                          suggestion(at->name, columns, COLUMNS, near));
        if (row.column < 0) return refuse(m, at->extent, "%s is of a column: open, high, low, close or volume, not of something computed", f->name);
        at->meaning = MEANS_COLUMN;
        at = at->next;
    }
    for (int i = 0; at; i++, at = at->next) TD_TRY(read_argument(m, at, f, &f->kind->arguments[i], &row.arguments[i]));
    TD_TRY(check_needs(m, call, &row));
    TD_TRY(check_output(m, call, f));
    call->meaning = MEANS_ROW;
    call->index = add_family(m, &row);
    if (call->index < 0)
        return refuse(m, call->extent, "a strategy has at most %d rows, %d are there already and this would make %d more", TD_ROWS_MAX,
                      rows_of(m), f->kind->output_count);
    return TD_OK;
}

/* higher("1h", sma(close, 20)): the node becomes the row. */
static td_status check_higher(maker *m, td_syntax_node *call) {
    static const char form[] = "higher(\"1h\", sma(close, 20))";
    TD_TRY(expect_arguments(m, call, 2, form));
    td_syntax_node *interval = call->child, *row = interval->next;
    function f;
    if (interval->op != TD_OP_TEXT)
        return refuse(m, interval->extent, "the first argument of higher is an interval in quotes: %s", form);
    bool plain = strlen(interval->name) < sizeof ((family *)0)->interval;
    for (const char *c = interval->name; *c; c++) plain = plain && isalnum((unsigned char)*c);
    if (!plain || td_interval_ns(interval->name) <= 0)
        return refuse(m, interval->place, "'%.40s' is no interval that bars can be made of; 15m, 1h, 1d, 1w are", interval->name);
    if (row->op != TD_OP_CALL || !find_function(row->name, &f))
        return refuse(m, row->extent, "the second argument of higher is an indicator: %s", form);
    TD_TRY(check_row(m, row, &f, interval->name));
    call->meaning = MEANS_ROW;
    call->index = row->index;
    call->part = row->part;
    return TD_OK;
}

static td_status check_call(maker *m, td_syntax_node *call) {
    function f;
    char near[64];
    if (find_function(call->name, &f)) return check_row(m, call, &f, "");
    switch (find_word(call->name, functions, FUNCTIONS)) {
    case 0:
    case 1: return check_crossing(m, call);
    case 2: {
        TD_TRY(expect_arguments(m, call, 1, "previous(close)"));
        td_syntax_node *of = call->child;
        TD_TRY(check(m, of));
        if (of->meaning != MEANS_COLUMN && of->meaning != MEANS_ROW)
            return refuse(m, of->extent, "previous is of a column or an indicator, one bar ago; nothing else is kept");
        call->meaning = MEANS_PREVIOUS;
        return TD_OK;
    }
    case 3: return check_higher(m, call);
    case 4: TD_TRY(expect_arguments(m, call, 1, "abs(x)")); return check_arithmetic(m, call, "abs is of");
    case 5: TD_TRY(expect_arguments(m, call, 2, "min(a, b)")); return check_arithmetic(m, call, "min is of");
    case 6: TD_TRY(expect_arguments(m, call, 2, "max(a, b)")); return check_arithmetic(m, call, "max is of");
    }
    const char *words[128];
    int count = 0;
    while (count < 128 && (words[count] = td_rule_word(count))) count++;
    for (int i = 0; i < COLUMNS; i++)
        if (strcmp(columns[i], call->name) == 0) return refuse(m, call->place, "%s is a column, not a function", call->name);
    return refuse(m, call->place, "unknown function '%.60s'%s", call->name, suggestion(call->name, words + COLUMNS, count - COLUMNS, near));
}

static td_status check(maker *m, td_syntax_node *node) {
    td_syntax_node *a = node->child, *b = a ? a->next : NULL;
    switch (node->op) {
    case TD_OP_NUMBER: node->meaning = MEANS_CONSTANT; return TD_OK;
    case TD_OP_TEXT: return refuse(m, node->place, "a text stands in higher(\"1h\", ...) only");
    case TD_OP_CALL: return check_call(m, node);
    case TD_OP_NAME:
        node->index = find_word(node->name, columns, COLUMNS);
        node->meaning = node->index >= 0 ? MEANS_COLUMN : MEANS_PARAM;
        return node->index >= 0 ? TD_OK : claim_param(m, node, false, -1e300, 1e300, &node->index);
    case TD_OP_OR:
    case TD_OP_AND:
        TD_TRY(check_condition(m, a, node->op == TD_OP_AND ? "'&' is between conditions: expected" : "'|' is between conditions: expected"));
        TD_TRY(check_condition(m, b, node->op == TD_OP_AND ? "'&' is between conditions: expected" : "'|' is between conditions: expected"));
        node->meaning = MEANS_CONDITION;
        return TD_OK;
    case TD_OP_NOT:
        TD_TRY(check_condition(m, a, "'!' is of"));
        node->meaning = MEANS_CONDITION;
        return TD_OK;
    case TD_OP_EQUAL:
    case TD_OP_UNEQUAL:
    case TD_OP_LESS:
    case TD_OP_LESS_EQUAL:
    case TD_OP_MORE:
    case TD_OP_MORE_EQUAL:
        TD_TRY(check_number(m, a, "a comparison is of numbers: expected"));
        TD_TRY(check_number(m, b, "a comparison is of numbers: expected"));
        if (a->meaning == MEANS_CONSTANT && b->meaning == MEANS_CONSTANT)
            return refuse(m, node->extent, "both sides are plain numbers, so this is the same on every bar");
        node->meaning = MEANS_CONDITION;
        return TD_OK;
    default: return check_arithmetic(m, node, "arithmetic is on numbers: expected");
    }
}

/* ---- crossings as signals ---- */

static bool is_side(const td_syntax_node *node, bool with_columns) {
    /* not the volume: it may be missing on a bar, which a row of it would hide */
    return node->meaning == MEANS_ROW || (with_columns && node->meaning == MEANS_COLUMN && node->index != TD_COLUMN_volume);
}

static bool is_level(const td_syntax_node *node) { return node->meaning == MEANS_CONSTANT || node->meaning == MEANS_PARAM; }

static bool put_side(maker *m, const td_syntax_node *node, int *row, int *part) {
    *row = node->index;
    *part = node->part;
    if (node->meaning == MEANS_ROW) return true;
    /* the column itself as a row; one row is left to what the engine needs */
    family itself = {.column = node->index, .arguments = {{.value = 1}}, .is_column = true};
    *part = 0;
    if (!find_function("highest", &itself.function) || rows_of(m) >= TD_ROWS_MAX - 1) return false;
    *row = add_family(m, &itself);
    return *row >= 0;
}

/* Index of the signal of a crossing, -1 when none can say it; *mirrored: it goes up where the crossing goes down. */
static int signal_of(maker *m, const td_syntax_node *call, bool with_columns, bool *mirrored) {
    const td_syntax_node *a = call->child, *b = a->next;
    signal made = {.level = false};
    *mirrored = is_level(a);
    if (*mirrored) {
        const td_syntax_node *swap = a;
        a = b;
        b = swap;
    }
    if (!is_side(a, with_columns) || !(is_side(b, with_columns) || is_level(b)) || !put_side(m, a, &made.row[0], &made.part[0])) return -1;
    if (is_level(b)) {
        made.level = true;
        made.level_is_param = b->meaning == MEANS_PARAM;
        if (made.level_is_param) made.param = b->index;
        else made.value = b->number;
    } else if (!put_side(m, b, &made.row[1], &made.part[1])) {
        return -1;
    }
    for (int i = 0; i < m->signal_count; i++) {
        const signal *s = &m->signals[i];
        if (s->level != made.level) continue;
        if (s->level && s->row[0] == made.row[0] && s->part[0] == made.part[0] && s->level_is_param == made.level_is_param &&
            s->param == made.param && s->value == made.value)
            return i;
        if (s->level) continue;
        for (int turn = 0; turn < 2; turn++)
            if (s->row[0] == made.row[turn] && s->part[0] == made.part[turn] && s->row[1] == made.row[!turn] && s->part[1] == made.part[!turn]) {
                if (turn) *mirrored = !*mirrored;
                return i;
            }
    }
    if (m->signal_count == TD_SIGNALS_MAX) return -1;
    m->signals[m->signal_count] = made;
    return m->signal_count++;
}

static void find_signals(maker *m, td_syntax_node *node, bool with_columns) {
    if (node->meaning == MEANS_CROSS) {
        bool mirrored;
        node->index = signal_of(m, node, with_columns, &mirrored);
        node->part = mirrored;
        return;
    }
    if (is_number(node)) return;
    for (td_syntax_node *child = node->child; child; child = child->next) find_signals(m, child, with_columns);
}

/* Can it hold only on bars on which a signal crosses? */
static bool needs_signal(const td_syntax_node *node) {
    if (node->meaning == MEANS_CROSS) return node->index >= 0;
    if (node->op == TD_OP_AND) return needs_signal(node->child) || needs_signal(node->child->next);
    if (node->op == TD_OP_OR) return needs_signal(node->child) && needs_signal(node->child->next);
    return false;
}

static bool all_need_signals(maker *m, bool with_columns) {
    int families = m->family_count;
    bool all = true;
    m->signal_count = 0;
    for (int r = 0; r < TD_RULE_COUNT; r++) {
        if (!m->trees[r].root) continue;
        find_signals(m, m->trees[r].root, with_columns);
        all = all && needs_signal(m->trees[r].root);
    }
    if (!all && with_columns) m->family_count = families; /* columns as rows were for nothing */
    return all;
}

/* ---- the text ---- */

/* A number as C reads it, never an integer. */
static void write_number(FILE *out, double x) {
    char text[32];
    td_write_number(fabs(x), text);
    fprintf(out, signbit(x) ? "(-%s%s)" : "%s%s", text, strpbrk(text, ".e") ? "" : ".0");
}

static void row_name(const maker *m, int index, int part, char name[192]) {
    const family *f = &m->families[index];
    if (f->function.kind->output_count > 1)
        snprintf(name, 192, "%s_%s", f->name, f->function.kind->outputs[part]);
    else
        snprintf(name, 192, "%s", f->name);
}

static bool name_taken(const maker *m, int count, const char *name) {
    char other[192];
    for (int i = 0; i < m->rules->param_count; i++)
        if (strcmp(m->params[i].name, name) == 0) return true;
    for (int i = 0; i < count; i++)
        for (int part = 0; part < m->families[i].function.kind->output_count; part++)
            if (row_name(m, i, part, other), strcmp(other, name) == 0) return true;
    return false;
}

/* sma_close_20, bollinger_close_20_2, higher_1h_rsi_close_14; with _ behind it where that is taken. */
static void name_family(maker *m, int index) {
    family *f = &m->families[index];
    char number[32], row[192];
    int used = 0, room = (int)sizeof f->name - 32;
    if (f->is_column) {
        used = snprintf(f->name, (size_t)room, "%s_row", columns[f->column]);
    } else {
        if (*f->interval) used += snprintf(f->name + used, (size_t)(room - used), "higher_%s_", f->interval);
        used += snprintf(f->name + used, (size_t)(room - used), "%s", f->function.name);
        if (f->function.has_column) used += snprintf(f->name + used, (size_t)(room - used), "_%s", columns[f->column]);
        for (int i = 0; i < f->function.arguments && used < room; i++) {
            const argument *a = &f->arguments[i];
            used += snprintf(f->name + used, (size_t)(room - used), "_%s",
                             a->is_param ? m->params[a->param].name : td_write_number(a->value, number));
        }
        if (used >= room) used = room - 1;
        for (char *c = f->name; *c; c++)
            if (!isalnum((unsigned char)*c)) *c = '_';
    }
    for (bool taken = true; taken;) {
        taken = false;
        for (int part = 0; part < f->function.kind->output_count && !taken; part++)
            taken = (row_name(m, index, part, row), name_taken(m, index, row));
        if (taken) {
            f->name[used++] = '_';
            f->name[used] = 0;
        }
    }
}

enum { NOTHING, SUM, PRODUCT, LEAF };
static int strength_of(const td_syntax_node *node) {
    if (node->op == TD_OP_ADD || node->op == TD_OP_SUBTRACT) return SUM;
    if (node->op == TD_OP_MULTIPLY || node->op == TD_OP_DIVIDE) return PRODUCT;
    return node->op == TD_OP_NEGATE ? NOTHING : LEAF;
}

/* A number, now or one bar ago. Operations keep the order of the tree. */
static void write_value(maker *m, FILE *out, const td_syntax_node *node, bool before, int least) {
    static const char *const signs[] = {[TD_OP_ADD] = "+", [TD_OP_SUBTRACT] = "-", [TD_OP_MULTIPLY] = "*", [TD_OP_DIVIDE] = "/"};
    const td_syntax_node *a = node->child;
    char name[192];
    switch (node->meaning) {
    case MEANS_CONSTANT: write_number(out, node->number); return;
    case MEANS_PARAM:
        m->params[node->index].used = true;
        fputs(m->params[node->index].name, out);
        return;
    case MEANS_COLUMN:
        if (!before) m->column_used[node->index] = true;
        fprintf(out, before ? "previous(%s)" : "%s", columns[node->index]);
        return;
    case MEANS_ROW:
        if (!before) m->families[node->index].used[node->part] = true;
        row_name(m, node->index, node->part, name);
        fprintf(out, before ? "previous(%s)" : "%s", name);
        return;
    case MEANS_PREVIOUS: write_value(m, out, a, true, NOTHING); return;
    default: break;
    }
    if (node->op == TD_OP_CALL) {
        fprintf(out, "%s(", node->name);
        for (; a; a = a->next) {
            write_value(m, out, a, before, NOTHING);
            if (a->next) fputs(", ", out);
        }
        fputc(')', out);
        return;
    }
    int strength = strength_of(node);
    bool close = strength < least;
    if (close) fputc('(', out);
    if (node->op == TD_OP_NEGATE) {
        fputc('-', out);
        write_value(m, out, a, before, LEAF);
    } else {
        write_value(m, out, a, before, strength);
        fprintf(out, " %s ", signs[node->op]);
        write_value(m, out, a->next, before, strength + 1);
    }
    if (close) fputc(')', out);
}

static void write_condition(maker *m, FILE *out, const td_syntax_node *node);

static void write_operand(maker *m, FILE *out, const td_syntax_node *node, td_operation op) {
    bool close = node->meaning != MEANS_CROSS && node->op != TD_OP_NOT && node->op != op;
    if (close) fputc('(', out);
    write_condition(m, out, node);
    if (close) fputc(')', out);
}

static void write_condition(maker *m, FILE *out, const td_syntax_node *node) {
    static const char *const signs[] = {[TD_OP_EQUAL] = "==", [TD_OP_UNEQUAL] = "!=", [TD_OP_LESS] = "<", [TD_OP_LESS_EQUAL] = "<=",
                                        [TD_OP_MORE] = ">", [TD_OP_MORE_EQUAL] = ">="};
    const td_syntax_node *a = node->child, *b = a->next;
    if (node->meaning == MEANS_CROSS) {
        bool above = strcmp(node->name, "crosses_above") == 0;
        if (node->index >= 0) {
            fprintf(out, "crossed_%s(cross_%d)", above != node->part ? "above" : "below", node->index + 1);
            return;
        }
        fprintf(out, "%s(", node->name);
        for (int i = 0; i < 4; i++) {
            if (i) fputs(", ", out);
            write_value(m, out, i % 2 ? b : a, i >= 2, NOTHING);
        }
        fputc(')', out);
    } else if (node->op == TD_OP_NOT) {
        fputs("not(", out);
        write_condition(m, out, a);
        fputc(')', out);
    } else if (node->op == TD_OP_AND || node->op == TD_OP_OR) {
        write_operand(m, out, a, node->op);
        fputs(node->op == TD_OP_AND ? " & " : " | ", out);
        /* where the right one is the same operation again, the order does not matter */
        write_operand(m, out, b, node->op);
    } else {
        write_value(m, out, a, false, NOTHING);
        fprintf(out, " %s ", signs[node->op]);
        write_value(m, out, b, false, NOTHING);
    }
}

/* The rules as masks, and what follows of them. A position leaves by its exit, unless the other side's entry turns it. */
static void write_body(maker *m, FILE *out) {
    static const char *const masks[] = {"enters", "leaves", "enters_short", "leaves_short"};
    bool given[TD_RULE_COUNT];
    for (int r = 0; r < TD_RULE_COUNT; r++) {
        given[r] = m->trees[r].root;
        if (!given[r]) continue;
        bool exit = r == TD_RULE_exit || r == TD_RULE_exit_short;
        fprintf(out, "    mask %s = ", masks[r]);
        if (!exit) {
            write_condition(m, out, m->trees[r].root);
        } else {
            write_operand(m, out, m->trees[r].root, TD_OP_AND);
            fprintf(out, " & (position %c 0)", r == TD_RULE_exit ? '>' : '<');
            m->position_used = true;
        }
        fputs(";\n", out);
    }
    fputc('\n', out);
    if (given[TD_RULE_exit] && given[TD_RULE_exit_short]) fputs("    target(0, leaves | leaves_short);\n", out);
    else if (given[TD_RULE_exit]) fputs("    target(0, leaves);\n", out);
    else if (given[TD_RULE_exit_short]) fputs("    target(0, leaves_short);\n", out);
    if (given[TD_RULE_entry]) fprintf(out, "    target(+1, enters%s);\n", given[TD_RULE_exit] ? " & not(leaves)" : "");
    if (given[TD_RULE_entry_short])
        fprintf(out, "    target(-1, enters_short%s);\n", given[TD_RULE_exit_short] ? " & not(leaves_short)" : "");
}

static void write_use(maker *m, FILE *out) {
    enum { A_LINE = 8 };
    int count = 0;
    char name[192];
#define ITEM(text) fprintf(out, "%s%s", count % A_LINE == 0 ? count ? ");\n    use(" : "    use(" : ", ", (text)), count++
    for (int c = 0; c < COLUMNS; c++)
        if (m->column_used[c]) ITEM(columns[c]);
    for (int i = 0; i < m->family_count; i++)
        for (int part = 0; part < m->families[i].function.kind->output_count; part++)
            if (m->families[i].used[part]) row_name(m, i, part, name), ITEM(name);
    for (int i = 0; i < m->rules->param_count; i++)
        if (m->params[i].used) ITEM(m->params[i].name);
    if (m->position_used) ITEM("position");
#undef ITEM
    if (count) fputs(");\n", out);
}

static void write_params(const maker *m, FILE *out) {
    char low[32], high[32], preset[32];
    fputs("PARAMETERS(", out);
    for (int i = 0; i < m->rules->param_count; i++) {
        const param *p = &m->params[i];
        double middle = p->whole ? 20 : 0;
        middle = middle < p->low ? p->low : middle > p->high ? p->high : middle;
        fprintf(out, "%s\n    ", i ? "," : "");
        td_write_number(p->low, low);
        td_write_number(p->high, high);
        td_write_number(middle, preset);
        if (p->whole && p->low == 1 && p->high == 1e7) fprintf(out, "WINDOW(%s, %s, \"bars\")", p->name, preset);
        else fprintf(out, "%s(%s, %s, %s, %s, \"\", \"a number of the rules\")", p->whole ? "COUNT" : "NUMBER", p->name, preset, low, high);
    }
    fputs(")\n\n", out);
}

static void write_rows(const maker *m, FILE *out) {
    char number[32];
    fputs("ROWS(", out);
    for (int i = 0; i < m->family_count; i++) {
        const family *f = &m->families[i];
        fprintf(out, "%s\n    ", i ? "," : "");
        if (*f->interval) fprintf(out, "HIGHER(\"%s\", ", f->interval);
        for (const char *c = f->function.name; *c; c++) fputc(toupper((unsigned char)*c), out);
        fprintf(out, "(%s", f->name);
        if (f->function.has_column) fprintf(out, ", %s", columns[f->column]);
        for (int a = 0; a < f->function.arguments; a++)
            if (f->arguments[a].is_param) fprintf(out, ", %s", m->params[f->arguments[a].param].name);
            else fprintf(out, ", CONSTANT(%s)", td_write_number(f->arguments[a].value, number));
        fputs(*f->interval ? "))" : ")", out);
    }
    fputs(")\n\n", out);
}

static void write_signals(const maker *m, FILE *out) {
    char first[192], second[192];
    fputs("SIGNALS(", out);
    for (int i = 0; i < m->signal_count; i++) {
        const signal *s = &m->signals[i];
        row_name(m, s->row[0], s->part[0], first);
        fprintf(out, "%s\n    ", i ? "," : "");
        if (!s->level) {
            row_name(m, s->row[1], s->part[1], second);
            fprintf(out, "CROSS(cross_%d, %s, %s)", i + 1, first, second);
        } else if (s->level_is_param) {
            fprintf(out, "CROSS_LEVEL(cross_%d, %s, %s)", i + 1, first, m->params[s->param].name);
        } else {
            fprintf(out, "CROSS_LEVEL(cross_%d, %s, CONSTANT(%s))", i + 1, first, td_write_number(s->value, second));
        }
    }
    fputs(")\n\n", out);
}

static td_status write_source(maker *m, bool on_signal, td_error *error) {
    char *body = NULL, *source = NULL;
    size_t body_bytes = 0, bytes = 0;
    FILE *out = open_memstream(&body, &body_bytes);
    for (int i = 0; i < m->family_count; i++) name_family(m, i);
    if (out) write_body(m, out);
    bool good = out && fclose(out) == 0;
    out = good ? open_memstream(&source, &bytes) : NULL;
    if (out) {
        fputs("/* The rules of a configuration as a strategy, written by tapedeck; docs/strategies.md explains its parts.\n *\n", out);
        for (int r = 0; r < TD_RULE_COUNT; r++)
            if (m->rules->text[r]) fprintf(out, " *   %s: %s\n", td_rule_names[r], m->rules->text[r]);
        fputs(" */\n#include \"sim/strategy.h\"\n\nABOUT(\"the rules of a configuration\")\n\n", out);
        write_params(m, out);
        write_rows(m, out);
        write_signals(m, out);
        fputs(on_signal ? "ON_SIGNAL {\n" : "STATE()\n\nON_BAR {\n", out);
        write_use(m, out);
        fputs(body, out);
        fputs("}\n", out);
        good = fclose(out) == 0;
    }
    free(body);
    if (!out || !good) {
        free(source);
        return td_fail(error, TD_NO_MEMORY, "memory ran out for rules");
    }
    m->rules->source = source;
    return TD_OK;
}

static td_status read_rule(maker *m, td_rule rule, const char *text) {
    m->rule = rule;
    size_t length = strlen(text);
    if (length > TD_RULE_BYTES_MAX)
        return refuse(m, (td_expression_place){0, 1}, "a rule has at most %d characters, this has %zu", TD_RULE_BYTES_MAX, length);
    TD_TRY(td_syntax_parse(text, true, &m->trees[rule], &m->place, &m->error));
    char what[64];
    snprintf(what, sizeof what, "%s is", td_rule_names[rule]);
    return check_condition(m, m->trees[rule].root, what);
}

td_status td_rules_make(const char *const texts[TD_RULE_COUNT], td_rule_report *report, void *context, td_rules *rules,
                        td_error *error) {
    *rules = (td_rules){0};
    maker *m = calloc(1, sizeof *m);
    if (!m) return td_fail(error, TD_NO_MEMORY, "memory ran out for rules");
    m->rules = rules;
    td_status status = TD_OK;
    for (int r = 0; r < TD_RULE_COUNT; r++) {
        td_status one = texts[r] ? read_rule(m, (td_rule)r, texts[r]) : TD_OK;
        if (one != TD_OK) {
            report(context, (td_rule)r, m->place, m->error.message);
            td_fail(error, one, "%s", m->error.message);
            status = one;
        }
        rules->text[r] = m->trees[r].text;
        m->trees[r].text = NULL;
    }
    bool on_signal = status == TD_OK && all_need_signals(m, true);
    if (status == TD_OK && !on_signal) all_need_signals(m, false);
    if (status == TD_OK) status = write_source(m, on_signal, error);
    for (int r = 0; r < TD_RULE_COUNT; r++) td_syntax_free(&m->trees[r]);
    free(m);
    if (status != TD_OK) td_rules_free(rules);
    return status;
}

void td_rules_free(td_rules *rules) {
    for (int r = 0; r < TD_RULE_COUNT; r++) free(rules->text[r]);
    free(rules->source);
    *rules = (td_rules){0};
}
