/* Playing a tape: one interface over the three bar engines.
 *
 * Words
 *   set        one parameter set: the strategy's parameters and the knobs (costs, stops, sizes) as numbers
 *   cell       what came out of a set: state, hash, metrics, returns per block
 *   play def   what all sets of a job share: strategy, profile, fill rule, sizing, metrics settings
 *   deck       a play def bound to a tape, checked, with everything that can be computed once (calendar, market statistics)
 *   player     one thread's memory for playing; plays groups of sets, one group after another
 *
 * Engines: `reference` is plain scalar C and stays for ever as the oracle; `lanes` plays W sets at once in vector registers;
 * `skip` jumps from event to event. All give the same bits: the same cell hash for the same set, on any instruction set.
 *
 * Who owns what: the tape outlives the deck, the deck outlives its players. A deck is read-only once made and shared by all
 * threads. Sets and cells are the caller's arrays. */
#ifndef TAPEDECK_SIM_PLAY_H
#define TAPEDECK_SIM_PLAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "data/tape.h"
#include "sim/book_play.h"
#include "sim/metrics.h"

enum { TD_PARAMS_MAX = 16, TD_BLOCKS_MAX = 1024, TD_TIERS_MAX = 16, TD_TIER_DAYS_MAX = 31 };

/* Numbers of the engine (not of the strategy) that may differ from set to set: name, config path, default, minimum, maximum,
 * unit, what it is. Every one can be swept under its name. */
#define TD_KNOBS(X)                                                                                                              \
    X(cash, "account.cash", 10000, 1e-6, 1e15, "quote", "starting cash")                                                         \
    X(size, "account.size", 1, 0, 1e15, "", "what sizing makes of it: units, quote currency, or a fraction; see account.sizing") \
    X(lot, "account.units.lot", 0, 0, 1e15, "units", "orders are rounded down to a multiple of this; 0 is no rounding")          \
    X(commission, "costs.commission", 0, -0.1, 0.1, "fraction", "commission per fill, fraction of the traded value")             \
    X(fixed_commission, "costs.fixed_commission", 0, 0, 1e9, "quote", "commission per fill, fixed amount")                       \
    X(spread, "costs.spread", 0, 0, 0.5, "fraction", "bid-ask spread, fraction of the price")                                    \
    X(slippage, "costs.slippage", 0, 0, 0.5, "fraction", "adverse slippage of market and stop fills, fraction of the price")     \
    X(stop_loss, "stops.stop_loss", 0, 0, 10, "fraction", "stop-loss distance from the entry price; 0 is no stop")               \
    X(take_profit, "stops.take_profit", 0, 0, 1000, "fraction", "take-profit distance from the entry price; 0 is no target")     \
    X(stop_volatility, "stops.stop_volatility", 0, 0, 1000, "", "stop-loss distance in multiples of stops.volatility; 0 is no stop") \
    X(target_volatility, "stops.target_volatility", 0, 0, 1000, "", "take-profit distance in multiples of stops.volatility")     \
    X(trailing, "stops.trailing", 0, 0, 1, "fraction", "trailing stop, distance from the best price since the entry")            \
    X(trailing_amount, "stops.trailing_amount", 0, 0, 1e15, "quote", "trailing stop, distance as an amount")                     \
    X(trailing_volatility, "stops.trailing_volatility", 0, 0, 1000, "", "trailing stop, distance in multiples of stops.volatility") \
    X(volatility_window, "stops.volatility_window", 14, 1, 1e7, "bars", "window of stops.volatility")                            \
    X(break_even, "stops.break_even", 0, 0, 1000, "fraction", "gain from which the stop moves to the entry price; 0 is never")   \
    X(time_stop, "stops.time", 0, 0, 1e9, "bars", "a position is left after so many bars; 0 is never")                           \
    X(maker, "costs.maker", 0, -0.1, 0.1, "fraction", "commission of limit orders; when absent costs.commission")                \
    X(per_unit, "costs.per_unit", 0, 0, 1e9, "quote", "commission per fill and unit")                                            \
    X(tick, "costs.tick", 0, 0, 1e9, "quote", "price step that costs.slippage_ticks counts in")                                  \
    X(slippage_ticks, "costs.slippage_ticks", 0, 0, 1e6, "ticks", "adverse slippage of market and stop fills, in steps of costs.tick") \
    X(volume_share, "costs.volume_share", 0, 0, 1e6, "", "adverse price move of a market or stop fill: this times (units / volume of the bar) squared") \
    X(impact, "costs.impact", 0, 0, 1e6, "", "adverse price move of a market or stop fill: this times the root of units / volume of the bar") \
    X(funding, "costs.funding", 0, -0.1, 0.1, "fraction", "paid by longs to shorts, of the position's value, each costs.funding_hours") \
    X(funding_hours, "costs.funding_hours", 8, 1, 24, "hours", "distance of funding times, from midnight UTC")                   \
    X(borrow, "costs.borrow", 0, 0, 100, "fraction", "paid by shorts, of the position's value, per year of 365 days")            \
    X(leverage, "account.leverage", 1, 1, 1000, "", "largest value of a position over equity")                                   \
    X(maintenance, "account.maintenance", 0, 0, 1, "fraction", "a position is liquidated when equity falls to this fraction of its value") \
    X(pyramiding, "account.pyramiding", 1, 1, 1e6, "entries",                                                                    \
      "entries a position may be made of; in profile backtesting any number, unless given")                                      \
    X(daily_loss, "risk.daily_loss", 0, 0, 1, "fraction", "loss since the UTC day's start that closes everything until the next day") \
    X(drawdown, "risk.max_drawdown", 0, 0, 1, "fraction", "drawdown that closes everything for good")                            \
    X(max_position, "risk.max_position", 0, 0, 1e18, "quote", "largest value of a position; larger orders are cut to it")        \
    X(cool_down, "risk.cool_down", 0, 0, 1e9, "bars", "no entries for so many bars after a losing trade")

/* The same for play on order books, which also reads `cash` (what returns are fractions of) and `maker` (of the kind that costs.fees
 * says); sim/tape_kind.h has the lists. Unit "ns" is a duration, as in 1ms; units that are words are codes of sim/book_models.h, written as names. */
#define TD_BOOK_KNOBS(X)                                                                                                         \
    X(taker, "costs.taker", 0, -1e9, 1e9, "", "fee of orders that take, as costs.fees says; negative is a rebate")               \
    X(buyer_fee, "costs.buyer", 0, -0.1, 0.1, "fraction", "fee of buys beside maker and taker, of the traded value (stamp duty)") \
    X(seller_fee, "costs.seller", 0, -0.1, 0.1, "fraction", "fee of sells, likewise")                                            \
    X(queue_model, "book.queue_model", 0, 0, 9e6, "queue model", "how an order moves on in its queue when quantity ahead is not known") \
    X(exchange, "book.exchange", 0, 0, 1, "exchange model", "whether orders fill whole or in parts")                            \
    X(latency, "book.latency", 0, 0, 6e10, "ns", "time an order takes to the exchange, and an answer back")                      \
    X(entry_latency, "book.entry_latency", 0, -6e10, 6e10, "ns", "added to it on the way to the exchange")                       \
    X(response_latency, "book.response_latency", 0, -6e10, 6e10, "ns", "added to it on the way back")                            \
    X(latency_model, "book.latency_model", 0, 0, 2, "latency model", "constant; feed: latency is added to latency_scale times that of the " \
      "last message; rows: to that of the rows of book.latency_rows")                                                            \
    X(latency_scale, "book.latency_scale", 1, 0, 1e3, "", "what feed latency is multiplied with by latency model feed")          \
    X(latency_jitter, "book.latency_jitter", 0, 0, 6e10, "ns", "mean of an exponentially distributed delay on each way, drawn anew for each time " \
      "of sending; the same for all sets")

typedef enum td_knob {
#define TD_KNOB_NAME(name, path, preset, low, high, unit, text) TD_KNOB_##name,
    TD_KNOBS(TD_KNOB_NAME)
    TD_KNOB_BARS_COUNT, /* knobs of play on bars are those before */
    TD_KNOB_before_books = TD_KNOB_BARS_COUNT - 1,
    TD_BOOK_KNOBS(TD_KNOB_NAME)
#undef TD_KNOB_NAME
    TD_KNOB_COUNT
} td_knob;

typedef struct td_knob_info {
    const char *name, *path;
    double preset, minimum, maximum;
    const char *unit, *text;
} td_knob_info;
extern const td_knob_info td_knob_infos[TD_KNOB_COUNT];

bool td_knob_is_whole(td_knob knob); /* counts bars, entries or nanoseconds, or is the code of a word */
bool td_knob_needs_volatility(td_knob knob);

/* How a set is played inside bars: as the play def's `intrabar` says; or, beside that, always the worse or the better way, whatever it
 * says (sim/envelope.h). */
typedef enum td_bound { TD_BOUND_NONE, TD_BOUND_LOW, TD_BOUND_HIGH } td_bound;

typedef struct td_set {
    double knob[TD_KNOB_COUNT];
    double param[TD_PARAMS_MAX]; /* in the strategy's order; the rest 0 */
    td_bound bound;              /* Default none. */
} td_set;

/* A strategy's parameter. Windows and counts are whole numbers. */
typedef enum td_param_kind { TD_PARAM_WINDOW, TD_PARAM_COUNT, TD_PARAM_NUMBER } td_param_kind;
typedef struct td_param_info {
    const char *name;
    td_param_kind kind;
    double preset, minimum, maximum;
    const char *unit, *text;
} td_param_info;

typedef struct td_strategy td_strategy; /* sim/strategy.h is its author's side, sim/kernel.h the engines' */
int td_strategy_count(void);
const td_strategy *td_strategy_at(int index);
const td_strategy *td_strategy_find(const char *name); /* NULL when unknown */
/* Adds one that is not built in; it must outlive the program, and its name be new. Before any thread looks for strategies. */
td_status td_strategy_add(const td_strategy *strategy, td_error *error);
const char *td_strategy_name(const td_strategy *strategy);
const char *td_strategy_text(const td_strategy *strategy); /* one line of doc */
/* SHA-256 of the source of a user's own strategy (sim/plugin.h); NULL of a built-in one, whose source is that of the program. */
const char *td_strategy_source(const td_strategy *strategy);
/* Has it rows of two symbols at once? Then it plays pairs, as portfolios do (sim/portfolio.h). */
bool td_strategy_plays_pairs(const td_strategy *strategy);
int td_strategy_param_count(const td_strategy *strategy);
const td_param_info *td_strategy_param(const td_strategy *strategy, int index);

/* Whose rules: tapedeck's own, or those of a package, so that results can be compared (docs/bar-rules.md). The plain engine alone plays
 * profile vectorbt: there a bar's orders come before its mark. */
typedef enum td_profile { TD_PROFILE_TAPEDECK, TD_PROFILE_BACKTESTING, TD_PROFILE_VECTORBT, TD_PROFILE_COUNT } td_profile;
const char *td_profile_name(td_profile profile);
typedef enum td_fill_at { TD_FILL_NEXT_OPEN, TD_FILL_CLOSE, TD_FILL_NEXT_CLOSE } td_fill_at;
/* What knob `size` means: nothing; units; fraction of equity; quote currency; fraction of equity lost at the stop; annual volatility
 * of equity aimed at; fraction of the Kelly fraction of the set's own trades so far. */
typedef enum td_sizing {
    TD_SIZING_ALL_IN,
    TD_SIZING_FIXED_UNITS,
    TD_SIZING_FRACTION,
    TD_SIZING_FIXED_VALUE,
    TD_SIZING_RISK,
    TD_SIZING_VOLATILITY,
    TD_SIZING_KELLY,
} td_sizing;
const char *td_sizing_name(td_sizing sizing);
bool td_size_is_fraction(td_sizing sizing); /* must `size` be at most 1? */
/* Which extreme of a bar prices visit first; the last two play both ways and keep the one with the lower, the higher equity. */
typedef enum td_intrabar {
    TD_INTRABAR_STOP_FIRST,
    TD_INTRABAR_TARGET_FIRST,
    TD_INTRABAR_NEAREST_EXTREME,
    TD_INTRABAR_PESSIMISTIC,
    TD_INTRABAR_OPTIMISTIC,
} td_intrabar;
typedef enum td_volatility { TD_VOLATILITY_NONE, TD_VOLATILITY_ATR, TD_VOLATILITY_STD } td_volatility;
typedef enum td_direction { TD_DIRECTION_BOTH, TD_DIRECTION_LONG, TD_DIRECTION_SHORT } td_direction;
/* Commission rates of those who have traded at least `volume`, quote currency, over the days that count. */
typedef struct td_tier {
    double volume, commission, maker;
} td_tier;
typedef enum td_engine { TD_ENGINE_AUTO, TD_ENGINE_REFERENCE, TD_ENGINE_LANES, TD_ENGINE_SKIP } td_engine;
/* Instruction sets, worst first. SCALAR plays one lane: the same source as the wide ones, compiled to double. */
typedef enum td_isa { TD_ISA_SCALAR, TD_ISA_V2, TD_ISA_V3, TD_ISA_V4, TD_ISA_COUNT } td_isa;

/* What profile vectorbt takes beside the rest: options of its Portfolio.from_signals(), under the package's names and words. */
typedef enum td_accumulation { TD_ACCUMULATE_NONE, TD_ACCUMULATE_BOTH, TD_ACCUMULATE_ADD, TD_ACCUMULATE_REMOVE } td_accumulation;
/* What becomes of a position when an entry for the other side, or its stop, says so. */
typedef enum td_upon { TD_UPON_IGNORE, TD_UPON_CLOSE, TD_UPON_CLOSE_REDUCE, TD_UPON_REVERSE, TD_UPON_REVERSE_REDUCE } td_upon;
typedef enum td_stop_entry_price { TD_STOP_ENTRY_CLOSE, TD_STOP_ENTRY_PRICE, TD_STOP_ENTRY_FILL_PRICE } td_stop_entry_price;
typedef enum td_stop_exit_price { TD_STOP_EXIT_LIMIT, TD_STOP_EXIT_MARKET, TD_STOP_EXIT_PRICE, TD_STOP_EXIT_CLOSE } td_stop_exit_price;
typedef struct td_vectorbt_def {
    td_accumulation accumulate;            /* Default none. */
    td_upon upon_opposite_entry;           /* Default reverse_reduce. */
    td_upon upon_stop_exit;                /* not ignore. Default close. */
    td_stop_entry_price stop_entry_price;  /* Default close. */
    td_stop_exit_price stop_exit_price;    /* Default limit. */
    bool keep_stops;                       /* a further entry leaves stop and target where they are. Default false. */
    bool lock_cash;                        /* shorts only of what cash is free. Default false. */
    bool whole;                            /* an order is filled whole or not at all. Default false. */
    double min_size, max_size;             /* units of an order. Default 1e-8, +inf. */
} td_vectorbt_def;

typedef struct td_play_def { /* start from td_default_play_def() */
    const td_strategy *strategy;
    td_profile profile;      /* whose fill rules and metric definitions. Default tapedeck. */
    td_fill_at fill_at;      /* Default next_open. */
    int64_t fill_delay;      /* bars that market orders wait beyond that. Default 0. */
    td_intrabar intrabar;    /* Default stop_first. */
    int64_t execution_ns;    /* inside a bar prices walk through the bars of this interval that lie in it, those of tape->finer; 0:
                                through the bar itself. Default 0. */
    td_volatility volatility; /* what knobs in multiples of it and sizing by volatility mean: average true range, or standard
                                deviation of one bar's change. Default none: sets must not use any. */
    bool maker_rate;         /* limit orders pay knob `maker`; else `commission`, as all do. Default false. */
    td_tier tiers[TD_TIERS_MAX]; /* (tier_count) in place of knobs `commission` and `maker`: rates by what the set has traded on */
    int32_t tier_count, tier_days; /* the tier_days UTC days before that of a fill. Default 0: the knobs; 30. */
    int32_t hours_from, hours_to; /* entries fill only on bars that open in [from, to) minutes after midnight UTC; across midnight
                                when from > to; equal: always. Default 0, 0. */
    td_sizing sizing;        /* Default all_in. */
    td_direction direction;  /* Default both. */
    bool finalize;           /* close what is open at the end so that it counts as a trade. Default false. */
    int64_t sample_bars;     /* returns for Sharpe etc. are taken every so many bars; 0 = at the end of each UTC day, bar by bar
                                where bars are a day or longer. Default 0. Of profile tapedeck only. */
    int64_t blocks;          /* equal blocks of bars whose returns are kept for later statistics. Default 64. */
    double row_scale;        /* rows are computed on prices times this. Default 1. backtesting.py trades fractions by scaling its prices
                                by the lot, and whether two averages tie can depend on it. */
    double risk_free;        /* fraction per year; profile vectorbt: per bar. Default 0. */
    double required_return;  /* what falls short of it is a loss, to Sortino and Omega as docs/metrics.md says. Default 0. */
    double periods_per_year; /* of the sampled returns; 0 = from the calendar. Default 0. */
    int64_t first_bar;       /* the bars played are [first_bar, first_bar + bars). Default 0 ... */
    int64_t bars;            /* ... and 0 = to the end. */
    td_vectorbt_def vectorbt; /* read in profile vectorbt only */
    td_book_def book;        /* read by strategies that play order books */
    uint32_t cookie;         /* set by td_default_play_def(). Leave it. */
} td_play_def;
enum { TD_PLAY_DEF_COOKIE = 0x7464706c };
td_play_def td_default_play_def(void);
/* TD_BAD_ARG with a sentence when the tiers cannot be played; *tier: which of them it is about, -1 none. */
td_status td_check_tiers(const td_play_def *def, int *tier, td_error *error);
/* The knobs' defaults and the strategy's parameter defaults. */
td_set td_default_set(const td_strategy *strategy);

typedef enum td_cell_state { TD_CELL_PENDING, TD_CELL_DONE, TD_CELL_FAILED } td_cell_state;
/* Why a cell failed: name, text. */
#define TD_CELL_REASONS(X)                                                                                                       \
    X(none, "no failure")                                                                                                        \
    X(nan_target, "the strategy asked for a position that is not a number")                                                      \
    X(nan_equity, "equity became infinite or not a number")                                                                     \
    X(nan_order, "the strategy placed an order at a price or of a size that is not a number")                                   \
    X(many_orders, "the strategy placed more orders on one bar than there is room for")                                          \
    X(order_kind, "the strategy placed an order of a kind that the profile does not have")
typedef enum td_cell_reason {
#define TD_CELL_REASON_NAME(name, text) TD_CELL_REASON_##name,
    TD_CELL_REASONS(TD_CELL_REASON_NAME)
#undef TD_CELL_REASON_NAME
    TD_CELL_REASON_COUNT
} td_cell_reason;
const char *td_cell_reason_name(td_cell_reason reason);
const char *td_cell_reason_text(td_cell_reason reason);

typedef struct td_cell {
    int32_t state;        /* td_cell_state */
    int32_t reason;       /* td_cell_reason */
    int64_t reason_bar;   /* the bar of the failure, -1 when there is none */
    int32_t ruined;       /* 1 when equity fell to zero or below and play stopped for the set */
    int32_t reserved;
    uint64_t hash;        /* of every fill (bar, price, units, reason), the state and the metrics */
    double metrics[TD_METRIC_COUNT];
} td_cell;

typedef struct td_deck td_deck;
/* Binds def to tape. TD_BAD_ARG / TD_BAD_CONFIG with the field named when something cannot be played. */
td_status td_deck_make(const td_tape *tape, const td_play_def *def, td_deck **deck, td_error *error);
/* The same of a strategy that plays order books, on def->book.venues; their books outlive the deck. What counts bars counts nothing
 * there, and an evaluation is a row of a book. */
td_status td_deck_make_book(const td_play_def *def, td_deck **deck, td_error *error);
struct td_book_deck;
const struct td_book_deck *td_deck_book(const td_deck *deck); /* of such a deck (sim/book_engines.h); else NULL */
void td_deck_free(td_deck *deck);
int64_t td_deck_bars(const td_deck *deck);
int64_t td_deck_evaluations(const td_deck *deck); /* bars that a set is played on: of a portfolio, those of all symbols */
double td_deck_periods_per_year(const td_deck *deck); /* what annualises; print it beside every annualised figure */
int64_t td_deck_blocks(const td_deck *deck);          /* blocks really used: never more than bars */
/* Bar index, within the tape, at which block `block` begins; td_deck_block_start(deck, blocks) is one past the last bar. */
int64_t td_deck_block_start(const td_deck *deck, int64_t block);
/* Checks one set against the strategy and the deck: ranges, whole windows, windows shorter than the tape, rules like
 * "size is a fraction for sizing fraction". */
td_status td_check_set(const td_deck *deck, const td_set *set, td_error *error);

typedef struct td_player td_player;
/* What the player would use for this deck: the engine AUTO stands for, sets per group, bytes of one player. */
td_engine td_deck_engine(const td_deck *deck, td_engine wanted);
int64_t td_deck_group(const td_deck *deck, td_engine engine);
/* How many sets a thread should take next when `untaken` of `sets` are left to so many threads, none of which takes more than `most` at
 * a time: whole lane blocks, perhaps more than are left. Rows are computed anew for each share, so shares are as few as fill whole
 * rounds, all of one size; only a last round after several is of half shares, for threads to end together. */
int64_t td_deck_share(td_isa isa, int64_t sets, int64_t untaken, int64_t most, int threads);
size_t td_player_bytes(const td_deck *deck, td_engine engine, td_isa isa);
td_status td_player_open(const td_deck *deck, td_engine engine, td_isa isa, td_player **player, td_error *error);
void td_player_close(td_player *player);
/* Plays `count` sets (any count; td_deck_group() is the good one) over the whole deck.
 *   sets (count)   cells (count)   block_returns (count, blocks) simple returns per block, or NULL
 * Sets must have passed td_check_set(). What a set's cell says does not depend on its neighbours, on count or on the thread. */
void td_play(td_player *player, const td_set *sets, int64_t count, td_cell *cells, float *block_returns);
/* How the last td_play() ended: on order books memory may have run out, and its cells say nothing then. */
td_status td_player_status(const td_player *player, td_error *error);
/* For tests: chunks of at most so many bars (0: as the engine likes). Changes no result. */
void td_player_limit_chunk(td_player *player, int64_t bars);

/* Why an order came to nothing. name, text */
#define TD_REFUSALS(X)                                                                                                           \
    X(cash, "more than the account can pay")                                                                                     \
    X(lot, "less than a lot")                                                                                                    \
    X(pyramiding, "the position has as many entries as it may")                                                                  \
    X(cool_down, "too soon after a losing trade")                                                                                \
    X(daily_loss, "the day's loss limit was reached")                                                                            \
    X(drawdown, "the drawdown limit was reached")                                                                                \
    X(hours, "outside trading hours")                                                                                            \
    X(volatility, "the volatility that stops or size depend on has no value yet")                                                \
    X(orders, "too many working orders, or contradictory ones")
typedef enum td_refusal {
#define TD_REFUSAL_NAME(name, text) TD_REFUSAL_##name,
    TD_REFUSALS(TD_REFUSAL_NAME)
#undef TD_REFUSAL_NAME
    TD_REFUSAL_COUNT
} td_refusal;

/* Orders. Market orders fill as fill_at says. A stop becomes a market order when price reaches it from the worse side, a
 * market-if-touched order from the better side; a stop-limit becomes a limit order. */
typedef enum td_order_kind {
    TD_ORDER_MARKET,
    TD_ORDER_LIMIT,
    TD_ORDER_STOP,
    TD_ORDER_STOP_LIMIT,
    TD_ORDER_IF_TOUCHED,
    TD_ORDER_CANCEL,      /* requests that are no orders: cancel what works; */
    TD_ORDER_MOVE_STOP,   /* put the position's stop, */
    TD_ORDER_MOVE_TARGET, /* its target elsewhere; */
    TD_ORDER_REBALANCE,   /* bring the position to a size */
} td_order_kind;

/* Why a fill happened. name, text */
#define TD_FILL_REASONS(X)                                                                                                       \
    X(none, "no fill")                                                                                                           \
    X(open, "market order at the open of the next bar")                                                                          \
    X(close, "market order at the close of the deciding bar")                                                                    \
    X(stop, "stop-loss inside the bar")                                                                                          \
    X(stop_gap, "stop-loss at the open, which had gapped through it")                                                            \
    X(target, "take-profit inside the bar")                                                                                      \
    X(target_gap, "take-profit at the open, which had gapped through it")                                                        \
    X(limit, "limit order, at its price or better")                                                                              \
    X(stop_order, "stop order that opens or reduces a position")                                                                 \
    X(touched, "market-if-touched order")                                                                                        \
    X(trailing, "trailing stop")                                                                                                 \
    X(break_even, "stop at the entry price")                                                                                     \
    X(time_stop, "position left for its age")                                                                                    \
    X(risk, "position closed by a risk limit")                                                                                   \
    X(liquidation, "position closed because equity fell below the maintenance margin")                                           \
    X(ruin, "position closed because equity was gone")                                                                           \
    X(end, "position closed at the end of the tape")
typedef enum td_fill_reason {
#define TD_FILL_REASON_NAME(name, text) TD_FILL_REASON_##name,
    TD_FILL_REASONS(TD_FILL_REASON_NAME)
#undef TD_FILL_REASON_NAME
    TD_FILL_REASON_COUNT
} td_fill_reason;
const char *td_fill_reason_name(td_fill_reason reason);
const char *td_fill_reason_text(td_fill_reason reason);

typedef struct td_fill {
    int64_t bar;        /* within the deck */
    int64_t time_ns;    /* open time of the finer bar, or else of the bar */
    td_fill_reason reason;
    double units;       /* signed: bought > 0 */
    double price;       /* paid, after spread and slippage */
    double commission, spread_cost, slippage_cost; /* quote currency */
    double position;    /* after the fill */
} td_fill;

typedef struct td_trade {
    int64_t entry_bar, exit_bar;
    int64_t entry_ns, exit_ns;             /* as of fills */
    td_fill_reason entry_reason, exit_reason;
    double units, entry_price, exit_price; /* units signed */
    double commission;                     /* both sides, and funding and borrow while it was open */
    double pnl;                            /* net of commission, quote currency */
    double ret;                            /* of the entry value, as the profile defines it */
} td_trade;

struct td_decision;
/* Called by td_play_detailed() as things happen; any may be NULL. */
typedef struct td_observer {
    void (*on_fill)(void *context, const td_fill *fill);
    void (*on_trade)(void *context, const td_trade *trade);
    void (*on_charge)(void *context, int64_t bar, double funding, double borrow); /* quote, paid; negative: received */
    void (*on_bar)(void *context, int64_t bar, double equity, double position);
    /* The strategy wants something at the close of the bar (sim/order.h); the open of the next one has not been read yet. */
    void (*on_decision)(void *context, int64_t bar, const struct td_decision *decision);
    /* Nothing of the bar has been read yet, but its open and volume where an order filled at it: a tape may be written while it is
     * played (sweeps/poison.c does). Rows are then computed bar by bar, which is slow. */
    void (*before_bar)(void *context, int64_t bar);
    void *context;
} td_observer;
/* Plays one set with the reference engine and tells the observer, which portfolios and order books have others of. The cell is bit-equal
 * to td_play()'s. */
td_status td_play_detailed(const td_deck *deck, const td_set *set, const td_observer *observer, td_cell *cell,
                           float *block_returns, td_error *error);

/* The best instruction set of this processor, or the one TAPEDECK_ISA names (scalar, x86-64-v2, x86-64-v3, x86-64-v4; also
 * avx2 and avx512). TD_BAD_ARG when the name is unknown or the processor lacks it. */
td_status td_isa_pick(td_isa *isa, td_error *error);
td_isa td_isa_best(void);
const char *td_isa_name(td_isa isa);
int td_isa_lanes(td_isa isa); /* sets per lane block */
const char *td_engine_name(td_engine engine);

#endif
