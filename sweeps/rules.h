/* Rules without C: expressions of a configuration become a strategy's source file (sim/strategy.h), which is compiled and loaded like
 * a user's own.
 *
 *   entry: "crosses_above(sma(close, fast), sma(close, slow)) & rsi(close, 14) < 70"
 *   exit:  "crosses_below(sma(close, fast), sma(close, slow))"
 *
 * sweeps/syntax.h has the grammar, docs/strategies.md the words: columns, the kinds of rows of data/rows/, previous(), higher(),
 * crosses_above(), crosses_below(), abs, min, max. Every other name is a parameter: a window where a row takes one, a number elsewhere.
 *
 * What comes out holds nothing of the text but names that were checked and numbers that were read and written again. Rules that can
 * only act when something crosses become ON_SIGNAL, so that the skip engine plays them; the others ON_BAR. */
#ifndef TAPEDECK_SWEEPS_RULES_H
#define TAPEDECK_SWEEPS_RULES_H

#include "sim/play.h"
#include "sweeps/syntax.h"

typedef enum td_rule { TD_RULE_entry, TD_RULE_exit, TD_RULE_entry_short, TD_RULE_exit_short, TD_RULE_COUNT } td_rule;

enum { TD_RULE_BYTES_MAX = 4000, TD_RULE_NAME_MAX = 40 };

/* A parameter and where it is named first. */
typedef struct td_rule_param {
    char name[TD_RULE_NAME_MAX + 1];
    td_rule rule;
    td_expression_place place;
} td_rule_param;

typedef struct td_rules {
    char *text[TD_RULE_COUNT]; /* canonical; NULL where the rule is not given */
    char *source;
    int param_count;           /* in the order of the strategy's */
    td_rule_param params[TD_PARAMS_MAX];
} td_rules;

extern const char *const td_rule_names[TD_RULE_COUNT];

/* Gets every error, the first of each rule. place is within the rule's text. */
typedef void td_rule_report(void *context, td_rule rule, td_expression_place place, const char *sentence);

/* texts: NULL where a rule is not given; at least one entry is. TD_BAD_ARG after anything was reported, TD_NO_MEMORY. */
td_status td_rules_make(const char *const texts[TD_RULE_COUNT], td_rule_report *report, void *context, td_rules *rules,
                        td_error *error);
void td_rules_free(td_rules *rules);

/* The words of rules, for "did you mean"; NULL behind the last. */
const char *td_rule_word(int index);

#endif
