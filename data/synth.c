/* See synth.h and docs/synthetic-tape.md, whose section numbers the comments below name. */
#include "data/synth.h"

#include <assert.h>
#include <math.h>

#include "base/math.h"
#include "base/random.h"
#include "data/calendar.h"

enum { COOKIE = 0x53594e54 };

/* streams of TD_PURPOSE_SYNTH, STREAMS of them for each symbol; the counter is the number of the bar */
enum { VOLATILITY_STREAM, RETURN_STREAM, JUMP_STREAM, GAP_STREAM, RANGE_STREAM, VOLUME_STREAM, OUTAGE_STREAM, HALT_STREAM, STREAMS };
enum { LEADER = 0, SYMBOLS_MAX = 1000 };

static const double YEAR_NS = 365.0 * 86400e9, DAY_NS = 86400e9, MINUTE_NS = 60e9;

td_synth_def td_default_synth_def(void) {
    return (td_synth_def){.bars = 525600,
                          .interval = "1m",
                          .seed = 1,
                          .start_ns = 1672531200LL * TD_NS_PER_SECOND,
                          .price = 30000,
                          .volatility = 0.6,
                          .ticks_per_unit = 100,
                          .cookie = COOKIE};
}

td_status td_check_synth_def(const td_synth_def *def, td_error *error) {
    assert(def->cookie == COOKIE);
    int64_t interval = td_interval_ns(def->interval);
    if (def->bars < 1 || def->bars > 1LL << 31)
        return td_fail(error, TD_BAD_ARG, "bars is %lld, must be from 1 to 2^31", (long long)def->bars);
    if (!interval)
        return td_fail(error, TD_BAD_ARG, "interval is \"%s\", expected a number and s, m, h, d, w or mo, as in 1m", def->interval);
    if (!(def->price >= 1 && def->price <= 1e9))
        return td_fail(error, TD_BAD_ARG, "price is %g, must be from 1 to 1e9", def->price);
    if (!(def->volatility >= 0.01 && def->volatility <= 5))
        return td_fail(error, TD_BAD_ARG, "volatility is %g a year, must be from 0.01 to 5", def->volatility);
    if (def->symbol < 0 || def->symbol >= SYMBOLS_MAX)
        return td_fail(error, TD_BAD_ARG, "symbol is %d, must be from 0 to %d", def->symbol, SYMBOLS_MAX - 1);
    if (def->ticks_per_unit < 1 || def->ticks_per_unit > 100000000)
        return td_fail(error, TD_BAD_ARG, "ticks_per_unit is %d, must be from 1 to 1e8", def->ticks_per_unit);
    /* outages lengthen the tape by less than a tenth */
    int64_t end;
    if (__builtin_mul_overflow(def->bars + def->bars / 10, interval, &end) || __builtin_add_overflow(end, def->start_ns, &end))
        return td_fail(error, TD_BAD_ARG, "%lld bars of %s would end after the year 2262", (long long)def->bars, def->interval);
    return TD_OK;
}

/* What does not change from bar to bar. */
typedef struct market {
    const td_synth_def *def;
    double sigma;                      /* standard deviation of a log return over one interval */
    double slow_keep, slow_shock;      /* AR(1) of slow log-volatility */
    double fast_keep, fast_shock;      /* AR(1) of fast log-volatility */
    double pull;                       /* share of the distance to the long-run level that one bar closes */
    double jump_chance, outage_chance, halt_chance; /* per bar */
    double log_level;
    double ticks_per_unit;
    bool intraday;
} market;

/* What does. */
typedef struct state {
    int64_t time_ns;
    double slow, fast; /* log-volatility */
    double close;      /* of the previous bar */
    int64_t missing;   /* bars lost between the previous bar and this one */
    int64_t halted;    /* bars from here on that are not recorded */
} state;

static const double SLOW_SPREAD = 0.45, FAST_SPREAD = 0.35; /* stationary standard deviations of the log-volatilities */

/* A draw of a symbol's own. */
static double uniform_of(const market *m, int symbol, int stream, uint64_t counter) {
    return td_random_uniform(m->def->seed, TD_PURPOSE_SYNTH, (uint64_t)(symbol * STREAMS + stream), counter);
}

static double uniform(const market *m, int stream, uint64_t counter) { return uniform_of(m, m->def->symbol, stream, counter); }

/* Two independent standard normals from the two draws of one counter (Box and Muller 1958). */
static void normal_pair_of(const market *m, int symbol, int stream, uint64_t bar, double *a, double *b) {
    double radius = sqrt(-2 * td_log(uniform_of(m, symbol, stream, 2 * bar)));
    double turn = uniform_of(m, symbol, stream, 2 * bar + 1);
    *a = radius * td_sin_turns(turn);
    *b = radius * td_sin_turns(turn + 0.25);
}

static void normal_pair(const market *m, int stream, uint64_t bar, double *a, double *b) {
    normal_pair_of(m, m->def->symbol, stream, bar, a, b);
}

/* The same, correlated with those of the leading symbol by 0.7, and so by 0.49 among the others. */
static void shared_pair(const market *m, int stream, uint64_t bar, double *a, double *b) {
    normal_pair_of(m, LEADER, stream, bar, a, b);
    if (m->def->symbol == LEADER) return;
    const double with = 0.7, apart = sqrt(1 - 0.7 * 0.7);
    double own_a, own_b;
    normal_pair(m, stream, bar, &own_a, &own_b);
    *a = with * *a + apart * own_a;
    *b = with * *b + apart * own_b;
}

static double level_of(const td_synth_def *def) { return def->price / (1 + def->symbol); }

static market market_of(const td_synth_def *def) {
    double interval = (double)td_interval_ns(def->interval);
    double slow = td_exp(-0.6931471805599453 * interval / (2 * DAY_NS));
    double fast = td_exp(-0.6931471805599453 * interval / (30 * MINUTE_NS));
    market m = {.def = def,
                .sigma = def->volatility * sqrt(interval / YEAR_NS),
                .slow_keep = slow,
                .slow_shock = SLOW_SPREAD * sqrt(1 - slow * slow),
                .fast_keep = fast,
                .fast_shock = FAST_SPREAD * sqrt(1 - fast * fast),
                .pull = 1 - td_exp(-0.6931471805599453 * interval / (2 * YEAR_NS)),
                .jump_chance = 1 - td_exp(-0.5 * interval / DAY_NS),
                .outage_chance = 1 - td_exp(-interval / (20 * DAY_NS)),
                .halt_chance = def->symbol == LEADER ? 0 : 1 - td_exp(-interval / (10 * DAY_NS)),
                .log_level = td_log(level_of(def)),
                .ticks_per_unit = def->ticks_per_unit,
                .intraday = interval < DAY_NS};
    return m;
}

/* 1. Volatility of this bar relative to the average: two mean-reverting log-volatilities, mean square 1. */
static double clustered(const market *m, state *s, uint64_t bar) {
    double a, b;
    shared_pair(m, VOLATILITY_STREAM, bar, &a, &b);
    s->slow = s->slow * m->slow_keep + m->slow_shock * a;
    s->fast = s->fast * m->fast_keep + m->fast_shock * b;
    return td_exp(s->slow + s->fast - (SLOW_SPREAD * SLOW_SPREAD + FAST_SPREAD * FAST_SPREAD));
}

/* 2. The hours of the day (two harmonics, busiest about 15:00 UTC) and the quieter weekend. */
static double season(const market *m, int64_t time_ns) {
    double of_day = (double)td_floor_mod(time_ns, TD_NS_PER_DAY) / DAY_NS;
    double hours = m->intraday ? 0.30 * td_sin_turns(of_day - 9.0 / 24) + 0.12 * td_sin_turns(2 * of_day - 12.0 / 24) : 0;
    return td_exp(hours) * (td_weekday_of(td_day_of(time_ns)) >= 5 ? 0.8 : 1);
}

/* 3. Log return from open to close: diffusion, pull to the long-run level, now and then a jump. */
static double bar_return(const market *m, const state *s, double sigma, uint64_t bar, double *shock) {
    double unused, size;
    shared_pair(m, RETURN_STREAM, bar, shock, &unused);
    double change = sigma * *shock + m->pull * (m->log_level - td_log(s->close)) - 0.5 * sigma * sigma;
    if (uniform(m, JUMP_STREAM, 4 * bar) >= m->jump_chance) return change;
    normal_pair(m, JUMP_STREAM, 2 * bar + 1, &size, &unused);
    return change + 0.012 * size;
}

/* 4. Log return from the previous close to this open: what the lost bars would have done, and a small gap in one bar of three. */
static double opening_gap(const market *m, const state *s, double sigma, uint64_t bar) {
    double a, b;
    if (uniform(m, GAP_STREAM, 4 * bar) >= 1.0 / 3 && s->missing == 0) return 0;
    normal_pair(m, GAP_STREAM, 2 * bar + 1, &a, &b);
    return 0.1 * sigma * a + sqrt((double)s->missing) * m->sigma * b;
}

/* 5. Prices in whole ticks, at least one. */
static double on_grid(const market *m, double price) {
    double ticks = floor(price * m->ticks_per_unit + 0.5);
    return (ticks < 1 ? 1 : ticks) / m->ticks_per_unit;
}

static double larger(double a, double b) { return a > b ? a : b; }
static double smaller(double a, double b) { return a < b ? a : b; }

/* 6. Volume of a bar: follows volatility and the size of the move; lots of 0.00001. */
static double bar_volume(const market *m, double relative, double shock, uint64_t bar) {
    double noise, unused;
    normal_pair(m, VOLUME_STREAM, bar, &noise, &unused);
    double minutes = (double)td_interval_ns(m->def->interval) / MINUTE_NS;
    double volume = 20 * minutes * relative * (0.5 + 0.6 * fabs(shock)) * td_exp(0.5 * noise - 0.125);
    return (floor(volume * 1e5) + 1) / 1e5;
}

/* 7. Bars of all symbols lost to maintenance after this one: 20 to 240 minutes, about every twenty days. */
static int64_t outage(const market *m, uint64_t bar) {
    if (uniform_of(m, LEADER, OUTAGE_STREAM, 2 * bar) >= m->outage_chance) return 0;
    double minutes = 20 + 220 * uniform_of(m, LEADER, OUTAGE_STREAM, 2 * bar + 1);
    return (int64_t)(minutes * MINUTE_NS / (double)td_interval_ns(m->def->interval));
}

/* 8. Bars of this symbol alone that are not recorded from this one on: 5 to 60 minutes, about every ten days. */
static int64_t halt(const market *m, uint64_t bar) {
    if (m->halt_chance == 0 || uniform(m, HALT_STREAM, 2 * bar) >= m->halt_chance) return 0;
    double minutes = 5 + 55 * uniform(m, HALT_STREAM, 2 * bar + 1);
    return (int64_t)(minutes * MINUTE_NS / (double)td_interval_ns(m->def->interval));
}

/* The next bar, into the row that bars->count counts up to unless trading is halted. */
static void make_bar(const market *m, state *s, td_bars *bars, uint64_t bar) {
    int64_t t = bars->count;
    double relative = clustered(m, s, bar) * season(m, s->time_ns), sigma = m->sigma * relative, shock;
    double change = bar_return(m, s, sigma, bar, &shock);
    double open = s->close * td_exp(opening_gap(m, s, sigma, bar));

    /* extremes of a Brownian bridge between open and close, each by its own distribution */
    double up = uniform(m, RANGE_STREAM, 2 * bar), down = uniform(m, RANGE_STREAM, 2 * bar + 1);
    double above = 0.5 * (change + sqrt(change * change - 2 * sigma * sigma * td_log(up)));
    double below = 0.5 * (change - sqrt(change * change - 2 * sigma * sigma * td_log(down)));

    double opened = on_grid(m, open), closed = on_grid(m, open * td_exp(change));
    double top = on_grid(m, open * td_exp(above)), bottom = on_grid(m, open * td_exp(below));
    bars->time_ns[t] = s->time_ns;
    bars->column[TD_OPEN][t] = opened;
    bars->column[TD_HIGH][t] = larger(top, larger(opened, closed));
    bars->column[TD_LOW][t] = smaller(bottom, smaller(opened, closed));
    bars->column[TD_CLOSE][t] = closed;
    bars->column[TD_VOLUME][t] = bar_volume(m, relative, shock, bar);

    if (s->halted == 0) s->halted = halt(m, bar);
    if (s->halted > 0)
        s->halted--;
    else
        bars->count++;
    s->close = closed;
    s->missing = outage(m, bar);
    s->time_ns += (1 + s->missing) * td_interval_ns(m->def->interval);
}

td_status td_synth(const td_synth_def *def, td_bars *bars, td_error *error) {
    TD_TRY(td_check_synth_def(def, error));
    bars->count = 0;
    TD_TRY(td_bars_reserve(bars, def->bars, error));
    market m = market_of(def);
    state s = {.time_ns = def->start_ns, .close = on_grid(&m, level_of(def))};
    for (int64_t t = 0; t < def->bars; t++) make_bar(&m, &s, bars, (uint64_t)t);
    return TD_OK;
}
