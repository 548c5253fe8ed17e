/* What the engines and a strategy's compiled kernels say to each other.
 *
 * Words
 *   vector   TD_LANES sets side by side: everything that changes while they play, one td_real per field
 *   block    the vectors one pass of the inner loop works on (TD_BLOCK_VECTORS of them)
 *   kernel   a strategy compiled for one instruction set: plays blocks over chunks of bars
 *   chunk    a stretch of bars with its rows, small enough to stay in the second-level cache
 *
 * Fields come in four groups, in this order: hot ones live in registers inside the bar loop, cold ones are touched by events
 * only, plan ones never change, then the strategy's own. Host code reaches a field of a lane as a double by td_field(). */
#ifndef TAPEDECK_SIM_KERNEL_H
#define TAPEDECK_SIM_KERNEL_H

#include "base/lanes.h"
#include "data/row_kind.h"
#include "sim/book_kernel.h"
#include "sim/play.h"

enum {
    TD_BLOCK_VECTORS = 2, /* two registers a field: one alone waits for its own results, four spill (docs/performance-method.md) */
    TD_ROWS_MAX = 16,     /* indicator rows of a deck: the strategy's and the engine's */
    TD_SIGNALS_MAX = 4,
    TD_STATE_MAX = 16,    /* reals of strategy state */
    TD_REQUESTS_MAX = 32, /* order words of a strategy */
};

/* Read on every bar, changed by events only. */
#define TD_STANDING_FIELDS(X)                                                                                                    \
    X(position)      /* units, signed */                                                                                         \
    X(cash)          /* balance - position * entry price, so that equity is cash + position * price */                           \
    X(guard_low)     /* wake when the bar's low is at or below: stop, target, or where equity could reach 0 */                   \
    X(guard_high)    /* wake when the bar's high is at or above */                                                               \
    X(record)        /* wake when equity is at or above: the peak, or +inf while flat at the peak */

/* Changed on every bar, or at every sample. */
#define TD_MOVING_FIELDS(X)                                                                                                      \
    X(trough)        /* lowest equity since the peak */                                                                          \
    X(equity)        /* at the last bar's close */                                                                               \
    X(sample_equity) /* at the last sample */                                                                                    \
    X(sum_r)         /* of sampled returns r */                                                                                  \
    X(sum_r2)                                                                                                                    \
    X(sum_down2)     /* of min(r, 0)^2 */                                                                                        \
    X(sum_market)    /* of r * market return; profile backtesting: of log returns, bar by bar */

#define TD_HOT_FIELDS(X) TD_STANDING_FIELDS(X) TD_MOVING_FIELDS(X)

/* Touched by events. Bars are indices as reals. */
#define TD_COLD_FIELDS(X)                                                                                                        \
    X(balance)       /* cash without the open position: start + realised profit - commissions */                                 \
    X(peak)                                                                                                                      \
    X(peak_bar)      /* last bar at the peak (while asleep at it: to be set when woken) */                                       \
    X(peak_time)     /* seconds of that bar */                                                                                   \
    X(stop_low)      /* levels that exit; -inf / +inf when none */                                                               \
    X(stop_high)                                                                                                                 \
    X(entry_price)                                                                                                               \
    X(entry_commission)                                                                                                          \
    X(entry_bar)                                                                                                                 \
    X(entry_time)    /* seconds of that bar */                                                                                   \
    X(trades)                                                                                                                    \
    X(wins)                                                                                                                      \
    X(losses)                                                                                                                    \
    X(sum_pnl)                                                                                                                   \
    X(sum_pnl2)                                                                                                                  \
    X(gain_pnl)                                                                                                                  \
    X(loss_pnl)                                                                                                                  \
    X(sum_return)                                                                                                                \
    X(gain_return)                                                                                                               \
    X(loss_return)                                                                                                               \
    X(best)                                                                                                                      \
    X(worst)                                                                                                                     \
    X(growth)          /* product of 1 + trade return = growth * 2^growth_exponent; 0 once a factor was <= 0 */                  \
    X(growth_exponent)                                                                                                           \
    X(duration_sum)    /* of trades, seconds */                                                                                  \
    X(duration_max)                                                                                                              \
    X(exposed)         /* bars from entry to exit, both included, each counted once */                                           \
    X(covered)         /* last bar counted in exposed */                                                                         \
    X(commission_paid)                                                                                                           \
    X(spread_paid)                                                                                                               \
    X(slippage_paid)                                                                                                             \
    X(fills)                                                                                                                     \
    X(refused_cash)                                                                                                              \
    X(refused_lot)                                                                                                               \
    X(refused_volatility)                                                                                                        \
    X(turnover)        /* traded value at base prices */                                                                         \
    X(best_price)      /* best price since the entry; of lanes that are not plain (td_route), as the next ones */                 \
    X(followed)        /* the last bar that trailing stops followed, one for all lanes of a vector (td_catch_up) */              \
    X(trail_share)     /* the trailing stop's distance from it, the nearer of two: fraction, +inf none ... */                    \
    X(trail_amount)    /* ... and quote, +inf none */                                                                            \
    X(stop_reason)     /* td_fill_reason of the stop as it is now */                                                             \
    X(even_price)      /* reaching it moves the stop to the entry price; NaN never */                                            \
    X(leave_bar)       /* on which the position is left for its age; +inf never */                                               \
    X(calm_low)        /* guard_low and guard_high but for trailing stops, which are looked after before they are reached */     \
    X(calm_high)                                                                                                                 \
    X(wake)            /* first bar at which the broker wants to be asked whatever prices do; +inf never */                      \
    X(ambiguous)                                                                                                                 \
    X(worst_ratio)     /* lowest trough / peak of finished drawdowns */                                                          \
    X(drawdown_sum)                                                                                                              \
    X(drawdowns)                                                                                                                 \
    X(drawdown_time_sum) /* seconds */                                                                                           \
    X(drawdown_time_max)                                                                                                         \
    X(first_sample)    /* equity at the first sample */                                                                          \
    X(hash)            /* bits, not a number */                                                                                  \
    X(ruined)                                                                                                                    \
    X(failed)          /* td_cell_reason */                                                                                      \
    X(failed_bar)

/* Never change. Factors on a base price: what a buy or a sell pays or gets when it enters or leaves. */
#define TD_PLAN_FIELDS(X)                                                                                                        \
    X(enter_buy)                                                                                                                 \
    X(enter_sell)                                                                                                                \
    X(leave_buy)                                                                                                                 \
    X(leave_sell)                                                                                                                \
    X(spread_enter)   /* fraction of the base price that is spread, for the ledger line */                                       \
    X(spread_leave)                                                                                                              \
    X(slippage)                                                                                                                  \
    X(rate)           /* commission, fraction of the traded value ... */                                                         \
    X(maker)          /* ... and of limit orders, which targets are */                                                           \
    X(fixed)          /* commission per fill */                                                                                  \
    X(lot)                                                                                                                       \
    X(size)                                                                                                                      \
    X(long_low)       /* entry price * factor is the level; -inf / +inf when there is none */                                    \
    X(long_high)                                                                                                                 \
    X(short_low)                                                                                                                 \
    X(short_high)                                                                                                                \
    X(stop_volatility) /* these are knobs; 0: none */                                                                            \
    X(target_volatility)                                                                                                         \
    X(trailing)                                                                                                                  \
    X(trailing_amount)                                                                                                           \
    X(trailing_volatility)                                                                                                       \
    X(break_even)                                                                                                                \
    X(time_stop)

/* What an account of several symbols keeps of each (sim/portfolio_lanes.h). */
#define TD_HOLDING_FIELDS(X)                                                                                                     \
    X(position)                                                                                                                  \
    X(entry_price)                                                                                                               \
    X(stop_low)                                                                                                                  \
    X(stop_high)                                                                                                                 \
    X(wanted)           /* the last target: what a date brings the position to */                                                \
    X(entry_commission)                                                                                                          \
    X(entry_bar)        /* of the raster, */                                                                                     \
    X(entry_own)        /* and the symbol's own */

enum td_holding {
#define TD_HOLDING_NAME(name) TD_HOLDING_##name,
    TD_HOLDING_FIELDS(TD_HOLDING_NAME) TD_HOLDING_COUNT
#undef TD_HOLDING_NAME
};

enum td_field {
#define TD_FIELD_NAME(name) TD_FIELD_##name,
    TD_HOT_FIELDS(TD_FIELD_NAME) TD_COLD_FIELDS(TD_FIELD_NAME) TD_PLAN_FIELDS(TD_FIELD_NAME)
#undef TD_FIELD_NAME
    TD_FIELD_gap,                                  /* (TD_SIGNALS_MAX) of each signal at the last bar */
    TD_FIELD_param = TD_FIELD_gap + TD_SIGNALS_MAX,
    TD_FIELD_state = TD_FIELD_param + TD_PARAMS_MAX,
    TD_FIELD_COUNT = TD_FIELD_state + TD_STATE_MAX
};

/* One lane's accumulators as plain numbers: what an engine hands over when the tape is through. */
typedef struct td_lane {
#define TD_LANE_FIELD(name) double name;
    TD_HOT_FIELDS(TD_LANE_FIELD) TD_COLD_FIELDS(TD_LANE_FIELD) TD_PLAN_FIELDS(TD_LANE_FIELD)
#undef TD_LANE_FIELD
    double gap[TD_SIGNALS_MAX], param[TD_PARAMS_MAX], state[TD_STATE_MAX];
} td_lane;
_Static_assert(sizeof(td_lane) == TD_FIELD_COUNT * sizeof(double), "td_lane holds the fields and nothing else");

/* TD_LANES lanes. Memory: TD_FIELD_COUNT reals, then where the rows are.
 *
 * A lane's row is a slot of the chunk's rows. Neighbouring sets of a grid have neighbouring slots, or the same one, so most
 * often all lanes of a vector fall into two windows of TD_LANES slots each, and two loads and a permute fetch them; where they do
 * not (random search), a gather does. */
typedef struct td_vector {
#define TD_VECTOR_FIELD(name) td_real name;
    TD_HOT_FIELDS(TD_VECTOR_FIELD) TD_COLD_FIELDS(TD_VECTOR_FIELD) TD_PLAN_FIELDS(TD_VECTOR_FIELD)
#undef TD_VECTOR_FIELD
    td_real gap[TD_SIGNALS_MAX], param[TD_PARAMS_MAX], state[TD_STATE_MAX];
    td_bits pick[TD_ROWS_MAX];            /* index into the two windows */
    int64_t window[TD_ROWS_MAX][2];       /* where they begin */
    int64_t windowed;                     /* do all rows of all vectors of this block fit their windows? */
    struct td_account *accounts;          /* (TD_LANES) on route broker, else NULL; the caller's */
    int64_t reserved[6];
    int32_t slot[TD_ROWS_MAX][TD_LANES];
} td_vector;

/* The same for host code, which does not know TD_LANES: bytes of a vector of `lanes` lanes, a field of a lane, and the rows' part
 * as laid out behind the fields. */
static inline size_t td_vector_bytes(int lanes) {
    return (size_t)lanes * (TD_FIELD_COUNT * 8 + TD_ROWS_MAX * 8 + TD_ROWS_MAX * 4) + TD_ROWS_MAX * 16 + 64;
}
static inline double *td_field(void *vector, int lanes, int field, int lane) { return (double *)vector + field * lanes + lane; }
static inline uint64_t *td_vector_pick(void *vector, int lanes, int row) {
    return (uint64_t *)vector + (TD_FIELD_COUNT + row) * lanes;
}
static inline int64_t *td_vector_window(void *vector, int lanes, int row) {
    return (int64_t *)vector + (TD_FIELD_COUNT + TD_ROWS_MAX) * lanes + row * 2;
}
static inline int64_t *td_vector_windowed(void *vector, int lanes) { return td_vector_window(vector, lanes, TD_ROWS_MAX); }
static inline struct td_account **td_vector_accounts(void *vector, int lanes) {
    return (struct td_account **)(td_vector_windowed(vector, lanes) + 1);
}
static inline int32_t *td_vector_slot(void *vector, int lanes, int row) {
    return (int32_t *)(td_vector_windowed(vector, lanes) + 8) + row * lanes;
}
_Static_assert(sizeof(td_vector) == (size_t)TD_LANES * (TD_FIELD_COUNT * 8 + TD_ROWS_MAX * 8 + TD_ROWS_MAX * 4) + TD_ROWS_MAX * 16 + 64,
               "td_vector_bytes() knows the layout");

/* What rows can be computed from: the tape's columns, and the UTC day of each bar's open time, in days since 1970; where the deck is a leg
 * of a pair, the closes of the pair's first and second symbol and their natural logarithms, on the bars that both have. */
typedef enum td_column {
    TD_COLUMN_open,
    TD_COLUMN_high,
    TD_COLUMN_low,
    TD_COLUMN_close,
    TD_COLUMN_volume,
    TD_COLUMN_day,
    TD_COLUMN_first,
    TD_COLUMN_second,
    TD_COLUMN_log_first,
    TD_COLUMN_log_second,
    TD_COLUMN_COUNT
} td_column;

/* The deck as kernels read it. All arrays by bar of the deck. */
typedef struct td_kernel_deck {
    int64_t bars;
    const double *open, *high, *low, *close, *volume; /* (bars) */
    const double *seen[TD_COLUMN_volume + 1]; /* (bars) the same as strategies and their rows see them: prices times row_scale (rule R44) */
    double row_scale;
    double leg;                              /* of a pair: +1 its first symbol, -1 its second; else 0 */
    const double *seconds;                   /* (bars) open time since the first bar's */
    const double *market_log;                /* (bars) log(close[t] / close[t-1]), 0 at bar 0; profile backtesting, else NULL */
    int64_t samples;
    const int64_t *sample_bar;               /* (samples) bars at whose close a return is taken, increasing; the last is bars - 1 */
    const double *sample_market;             /* (samples) the market's return over the same stretch */
    int64_t blocks;
    const int64_t *block_end;                /* (blocks) last bar of each block */
    td_profile profile;
    td_fill_at fill_at;
    int64_t fill_delay;
    td_intrabar intrabar;
    td_sizing sizing;
    td_direction direction;
    bool maker_rate;
    const td_tier *tiers;         /* (tier_count) */
    int32_t tier_count, tier_days;
    const td_vectorbt_def *vectorbt; /* options of that profile */
    double required;              /* what a sampled return falls short of; 0 but in profile vectorbt */
    int32_t hours_from, hours_to; /* minutes of the UTC day */
    const int64_t *time_ns;       /* (bars) open times */
    /* What prices walk through inside bar t: the finer bars [finer_first[t], finer_first[t + 1]); without finer ones bar t itself, of the
     * columns above, and finer_first is NULL. */
    const int64_t *finer_first;   /* (bars + 1) */
    const double *finer_open, *finer_high, *finer_low, *finer_close, *finer_volume;
    const int64_t *finer_time_ns; /* open times */
    double bars_per_year;
    int volatility_row;           /* -1: none */
    bool finalize;
    bool every_bar;  /* sample_bar[k] == k */
    int64_t start_bar; /* on which TD_SIGNAL_START fires: 0, in profile backtesting 1 */
    double touch;    /* a gap of |gap| < touch counts as on the far side: 0 strict (backtesting), 5e-324 includes 0 (tapedeck) */
} td_kernel_deck;

/* Where a position stands as `target` wants it, so that there is nothing to trade: any size on its side will do. In profile backtesting a
 * new order closes and opens again, as the usual position.close() before buy() does there. */
TD_INLINE td_mask td_stands(const td_kernel_deck *deck, td_real position, td_real target) {
    td_mask is_long = (target > 0) & (target < TD_INF) & (position > 0), is_short = (target < 0) & (target > -TD_INF) & (position < 0);
    td_mask stands = deck->profile == TD_PROFILE_BACKTESTING ? td_no_lane() : is_long | is_short;
    return stands | ((target == 0) & (position == 0));
}

/* What sets ask for decides how the lanes engine plays them, a whole group as the most demanding of it needs. The bits are the same. */
typedef enum td_route {
    TD_ROUTE_PLAIN,     /* market orders with a stop and a target: in vectors (sim/ledger.h) */
    TD_ROUTE_PROTECTED, /* and stops that move, distances in volatility, an age to leave at: in vectors (sim/protection.h) */
    TD_ROUTE_BROKER,    /* anything: the lanes that something happens to, one by one, at the broker's (sim/broker.h) */
    TD_ROUTES
} td_route;

typedef struct td_events td_events; /* sim/events.h */
struct td_wish;                     /* sim/order.h */
struct td_request;
struct td_portfolio_block;          /* sim/portfolio_lanes.h */

/* What bodies on bars and on books are told alike: the beginning of what either sees, so that words about it take both. */
typedef struct td_known {
    const td_real *param; /* (TD_PARAMS_MAX) */
    td_real position;     /* units, signed */
} td_known;

/* A chunk of bars for one group of sets. */
typedef struct td_kernel_chunk {
    int64_t begin, end;     /* bars */
    const double *rows;     /* row slot r of bar t is rows[(t - begin) * stride + r]; bar begin - 1 is there too */
    int64_t stride;
    int64_t sample, block;  /* first sample and first block whose bar is >= begin */
    const td_events *events; /* of the kernel's instruction set and the group's route; the lanes engine only */
} td_kernel_chunk;

/* One strategy on one instruction set. */
typedef struct td_kernel {
    int lanes; /* of a vector */
    /* Plays a block (TD_BLOCK_VECTORS vectors) over a chunk. block_equity (blocks, block lanes) gets the equity at block ends. */
    void (*play)(const td_kernel_deck *deck, const td_kernel_chunk *chunk, void *block, double *block_equity);
    /* Scalar kernel only: the strategy's decision on one bar, for the engines that play one set (sim/reference.c, sim/skip.c).
     * above, below: which signals crossed. Returns whether anything is wanted; that is in *wish, its requests in the caller's
     * array of TD_REQUESTS_MAX (NULL where the strategy places no orders). */
    bool (*decide)(const td_kernel_deck *deck, const td_kernel_chunk *chunk, int64_t bar, void *vector, const int *above,
                   const int *below, struct td_wish *wish, struct td_request *requests);
    /* Plays a block of a portfolio over a chunk (sim/portfolio_lanes.h). Not of strategies that place orders. */
    void (*portfolio)(struct td_portfolio_block *block);
    /* Of strategies that play order books, which have none of the above (sim/book_kernel.h). */
    td_book_decide *book_decide;
} td_kernel;

/* Where an argument of a row comes from. */
typedef enum td_from {
    TD_FROM_PARAM,    /* the set's parameter `index` */
    TD_FROM_KNOB,     /* the set's knob `index` */
    TD_FROM_CONSTANT, /* `value` */
} td_from;
typedef struct td_row_argument {
    int index;
    double value;
    td_from from;
} td_row_argument;

/* One row of a strategy, or of the engine's: one output of one kind. */
typedef struct td_row_info {
    const char *name, *kind;
    int output;
    td_column column;                                /* of kinds that leave it to the user (x); the others do not look at it */
    td_row_argument arguments[TD_ROW_ARGUMENTS_MAX]; /* as many as the kind takes */
    const char *interval;                            /* computed on bars of this length ("1h", made of the deck's); NULL: on the deck's */
} td_row_info;
typedef enum td_signal_kind {
    TD_SIGNAL_CROSS,       /* row over row */
    TD_SIGNAL_CROSS_LEVEL, /* row over level */
    TD_SIGNAL_START,       /* "above" once, on the deck's start bar */
} td_signal_kind;
typedef struct td_signal_info {
    const char *name;
    td_signal_kind kind;
    int row, other;        /* rows; other of TD_SIGNAL_CROSS only */
    td_row_argument level; /* of TD_SIGNAL_CROSS_LEVEL: a parameter or a constant */
} td_signal_info;

struct td_strategy {
    const char *name, *text;
    int param_count, row_count, signal_count, state_count;
    const td_param_info *params;
    const td_row_info *rows;
    const td_signal_info *signals;
    bool every_bar;                          /* has ON_BAR: wants every bar, so cannot be skipped through */
    const bool *orders;                      /* does it place orders of its own, and so needs the broker? */
    const td_kernel *kernels[TD_ISA_COUNT];  /* NULL where this build has none */
    const char *source;                      /* SHA-256 of the user's source; NULL of what is built in */
    const td_book_hooks *book;               /* how it plays order books (sim/book_kernel.h); NULL: it plays bars */
};

/* What an object compiled from a user's file exports as `tapedeck_strategy` (sim/plugin.c). MAJOR changes with the meaning of what
 * kernels and program say to each other, MINOR when something is added that older objects do without; the layout tells headers
 * of another build apart even where somebody forgot. */
#define TD_PLUGIN_MAGIC "tapedeck plugin"
#define TD_PLUGIN_LAYOUT                                                                                                          \
    sizeof(td_strategy), sizeof(td_param_info), sizeof(td_row_info), sizeof(td_signal_info), sizeof(td_kernel), sizeof(td_kernel_deck), \
        sizeof(td_kernel_chunk), sizeof(td_events), sizeof(struct td_wish), sizeof(struct td_request), TD_FIELD_COUNT,            \
        TD_BLOCK_VECTORS, TD_PARAMS_MAX, TD_ROWS_MAX, TD_SIGNALS_MAX, sizeof(td_book_hooks), sizeof(td_book_moment), sizeof(td_book_top), \
        sizeof(td_book_request), TD_BOOK_FIELD_seats, TD_SEAT_FIELDS
enum { TD_PLUGIN_MAJOR = 4, TD_PLUGIN_MINOR = 0 };
typedef struct td_plugin {
    char magic[sizeof TD_PLUGIN_MAGIC];
    int32_t major, minor, layout[21]; /* the sizes are those of one lane */
    const td_strategy *strategy;
    const td_kernel *kernels[TD_ISA_COUNT];
} td_plugin;

/* The symbols of units that are compiled once per instruction set (cmake/kernels.cmake), for whoever lists them: X(unit, isa) for each
 * of this build, and the declarations of a strategy's description and kernels. */
#if defined(__x86_64__)
#define TD_EACH_ISA(X, unit) X(unit, scalar) X(unit, v2) X(unit, v3) X(unit, v4)
#else
#define TD_EACH_ISA(X, unit) X(unit, scalar)
#endif
#define TD_DECLARE_KERNEL(unit, isa) extern const td_kernel td_kernel_##unit##_##isa;
#define TD_DECLARE_STRATEGY(unit)                                                                                                 \
    extern const td_strategy td_strategy_info_##unit;                                                                            \
    TD_EACH_ISA(TD_DECLARE_KERNEL, unit)

#endif
