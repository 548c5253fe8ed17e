/* Configuration: a YAML file, checked against one schema table, turned into what the engines take.
 *
 * The table (config.c) is the only place that knows the keys: validation with all errors at once, `tapedeck config
 * --print-schema`, `--print-defaults` and docs/config.md come from it. The file is a superset of a W&B sweep file. */
#ifndef TAPEDECK_SWEEPS_CONFIG_H
#define TAPEDECK_SWEEPS_CONFIG_H

#include <stdio.h>

#include "sim/play.h"
#include "sweeps/rules.h"
#include "sim/portfolio.h"
#include "sim/tape_kind.h"
#include "sweeps/space.h"

typedef struct td_config {
    char *path;            /* of the file, as given */
    char *text;            /* verbatim, for provenance */
    char *resolved;        /* canonical JSON of every setting after defaults and --set; what the digest is of. It holds nothing
                              that does not change the numbers: no paths, limits, names, threads. */
    char digest[65];       /* SHA-256 hex of resolved */
    char *tape;            /* path of the tape: as written if absolute or existing from the working directory, else relative to
                              the configuration file; of several venues the first one's */
    char *tapes[TD_VENUES_MAX], *venue_names[TD_VENUES_MAX]; /* (play.book.venue_count) of book tapes; NULL: named as the instrument */
    char *latency_rows;    /* path of book.latency_rows, found as the tape is; NULL: not given */
    td_instrument instrument; /* of book tapes: contract and multiplier in place of the tapes', multiplier 0: as they say; with .. */
    bool contract_given;   /* .. contract of it likewise */
    char *strategy;        /* path of the file of a user's own strategy, found as the tape is; NULL for a built-in one */
    char *rules[TD_RULE_COUNT]; /* canonical texts of entry and the like (sweeps/rules.h), which the strategy was made of; NULL: not given */
    char *name;            /* sweep's name or "" */
    td_tape_kind kind;     /* what the strategy plays */
    td_play_def play;      /* strategy and shared settings, ready for td_deck_make(); or, when sweeps/books.h has opened the tapes,
                              for td_deck_make_book() */
    td_set base;           /* constants: knobs and parameters, before axes */
    td_space *space;       /* at least one trial. A configuration without axes has exactly one. */
    char **symbols;        /* (symbol_count) as named, each once; 0 of them: not named, or all */
    int symbol_count;
    bool all_symbols;
    bool plays_portfolio;  /* all symbols at once, by ... */
    td_portfolio_def portfolio; /* ... this; its play is `play` and its weights are below */
    double *weights;       /* (symbol_count) of the symbols, in their order; NULL: equal */
    char **intervals;      /* (interval_count) as spelled, each once; 0 of them: the tape's */
    int interval_count;
    char *execution;       /* interval of the bars that prices walk through inside a bar, as spelled; NULL: the bars themselves */
    int64_t from_ns, to_ns; /* period: bars with from <= open time < to; INT64_MIN / INT64_MAX when not given. Symbols, intervals
                               and period become bars in sweeps/markets.h. */
    bool envelope;         /* low and high of each metric beside it (sim/envelope.h) */
    int metric;            /* td_metric to rank by; default sharpe */
    int goal;              /* +1 maximize, -1 minimize */
    uint64_t seed;
    int64_t memory_limit;  /* bytes, 0 = none */
    double wall_limit;     /* seconds, 0 = none */
} td_config;

/* Loads, checks, resolves. overrides: `key=value` texts of --set, value in YAML (`costs.commission=0.001`,
 * `parameters.fast={values: [5, 10]}`).
 * On a bad configuration returns TD_BAD_CONFIG and writes every error to `diagnostics` (NULL: nowhere), compiler style, with
 * the line, a caret and "did you mean"; error holds the first one. TD_IO / TD_BAD_DATA when the file cannot be read.
 * `strategy: path/of/mine.c` compiles and loads that file (sim/plugin.h); what the compiler says goes to `diagnostics` as it is.
 * Loading runs code, so a configuration deserves the trust of a program. */
td_status td_config_load(const char *path, const char *const *overrides, int override_count, FILE *diagnostics,
                         td_config **config, td_error *error);
/* The same from text already in memory; path is only for messages. */
td_status td_config_parse(const char *path, const char *text, const char *const *overrides, int override_count, FILE *diagnostics,
                          td_config **config, td_error *error);
void td_config_free(td_config *config);
/* The C source that the rules of a configuration (entry and the like) become, which the caller frees; nothing is compiled, and
 * nothing but the rules is looked at. */
td_status td_config_rules_source(const char *path, const char *const *overrides, int override_count, FILE *diagnostics, char **source,
                                 td_error *error);

void td_config_print_schema(FILE *out);   /* JSON Schema draft 2020-12 */
void td_config_print_defaults(FILE *out); /* a commented YAML file of every key with its default */
void td_config_print_markdown(FILE *out); /* docs/config.md */

#endif
