/* Binding a play def to a tape: calendar, samples, blocks, the market's own returns. */
#include "sim/deck.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/math.h"
#include "base/sorted.h"
#include "data/calendar.h"
#include "sim/portfolio.h"
#include "sim/tape_kind.h"
#include "sim/seat.h"

#define DAY_SECONDS 86400.0

/* Median of the last (at most) 99 distances between bars, ns: what backtesting.py calls the period of the data. */
static int64_t median_period(const int64_t *time, int64_t bars) {
    int64_t steps[99], count = bars - 1 < 99 ? bars - 1 : 99;
    if (count < 1) return 0;
    for (int64_t i = 0; i < count; i++) steps[i] = time[bars - count + i] - time[bars - count + i - 1];
    qsort(steps, (size_t)count, sizeof *steps, td_compare_int64);
    return count % 2 ? steps[count / 2] : (steps[count / 2 - 1] + steps[count / 2]) / 2;
}

/* More than 60 % of the weekend share of an all-week market: 2/7 of the rows would fall on Saturday and Sunday. */
static bool trades_on_weekends(const int64_t *time, int64_t bars) {
    int64_t weekend = 0;
    for (int64_t t = 0; t < bars; t++) weekend += td_weekday_of(td_day_of(time[t])) >= 5;
    return (double)weekend / (double)bars > 2.0 / 7 * .6;
}

enum grouping { EACH_BAR, BY_COUNT, BY_DAY, BY_WEEK, BY_MONTH, BY_YEAR };

/* The period a bar belongs to. */
static int64_t group_of(enum grouping grouping, int64_t time_ns, int64_t bar, int64_t count) {
    int64_t day = td_day_of(time_ns);
    switch (grouping) {
    case EACH_BAR: return bar;
    case BY_COUNT: return bar / count;
    case BY_DAY: return day;
    case BY_WEEK: return td_monday_of(day); /* weeks end on Sunday */
    case BY_MONTH: return td_month_of(day);
    case BY_YEAR: return td_month_of(day) / 12;
    }
    return bar;
}

/* Bars in a year: the calendar for a day and longer; below, bars on a usual day times the days. */
static double bars_in_year(const int64_t *time, int64_t bars, int64_t interval, bool weekends) {
    double days = weekends ? 365 : 252;
    if (interval >= 360 * TD_NS_PER_DAY) return 1;
    if (interval >= 28 * TD_NS_PER_DAY) return 12.0 * 30 * TD_NS_PER_DAY / (double)interval;
    if (interval >= 7 * TD_NS_PER_DAY) return 52.0 * 7 * TD_NS_PER_DAY / (double)interval;
    if (interval >= TD_NS_PER_DAY) return days * TD_NS_PER_DAY / (double)interval;
    if (weekends) return 365.0 * TD_NS_PER_DAY / (double)interval;
    int64_t trading_days = 1;
    for (int64_t t = 1; t < bars; t++) trading_days += td_day_of(time[t]) != td_day_of(time[t - 1]);
    return days * (double)bars / (double)trading_days;
}

/* How returns are sampled, and how many samples make a year. */
static enum grouping choose_samples(const td_play_def *def, const int64_t *time, int64_t bars, int64_t interval, int64_t *count,
                                    double *per_year) {
    bool weekends = trades_on_weekends(time, bars);
    double days = weekends ? 365 : 252;
    *count = 1;
    double bars_per_year = bars_in_year(time, bars, interval, weekends);
    if (def->profile == TD_PROFILE_VECTORBT) {
        *per_year = 365.0 * TD_NS_PER_DAY / (double)interval;
        return EACH_BAR;
    }
    if (def->profile == TD_PROFILE_BACKTESTING) {
        int64_t period_days = median_period(time, bars) / TD_NS_PER_DAY;
        enum grouping grouping = period_days == 7 ? BY_WEEK : period_days == 31 ? BY_MONTH : period_days == 365 ? BY_YEAR : BY_DAY;
        *per_year = grouping == BY_WEEK ? 52 : grouping == BY_MONTH ? 12 : grouping == BY_YEAR ? 1 : days;
        return grouping;
    }
    if (def->sample_bars == 0 && interval < TD_NS_PER_DAY) {
        *per_year = days;
        return BY_DAY;
    }
    if (def->sample_bars <= 1) {
        *per_year = bars_per_year;
        return EACH_BAR;
    }
    *count = def->sample_bars;
    *per_year = bars_per_year / (double)*count;
    return BY_COUNT;
}

td_status td_check_tiers(const td_play_def *def, int *tier, td_error *error) {
    *tier = -1;
    if (def->tier_count < 0 || def->tier_count > TD_TIERS_MAX)
        return td_fail(error, TD_BAD_ARG, "costs.tiers has %d tiers, may have at most %d", (int)def->tier_count, TD_TIERS_MAX);
    if (def->tier_days < 1 || def->tier_days > TD_TIER_DAYS_MAX)
        return td_fail(error, TD_BAD_ARG, "costs.tier_days is %d, must be 1 to %d", (int)def->tier_days, TD_TIER_DAYS_MAX);
    for (int i = 0; i < def->tier_count; i++) {
        const td_knob_info *info = &td_knob_infos[TD_KNOB_commission];
        double volume = def->tiers[i].volume, before = i ? def->tiers[i - 1].volume : 0;
        const double rates[] = {def->tiers[i].commission, def->tiers[i].maker};
        *tier = i;
        if (i == 0 ? volume != 0 : !(volume > before && volume < INFINITY))
            return i == 0 ? td_fail(error, TD_BAD_ARG, "the first of costs.tiers has volume %g, must have 0: it is for those who have "
                                    "not traded yet", volume)
                          : td_fail(error, TD_BAD_ARG, "costs.tiers: volume %g stands after %g, must be more", volume, before);
        for (int k = 0; k < 2; k++)
            if (!(rates[k] >= info->minimum && rates[k] <= info->maximum))
                return td_fail(error, TD_BAD_ARG, "costs.tiers: the %s of volume %g is %g, must be %g to %g", k ? "maker" : "commission",
                               volume, rates[k], info->minimum, info->maximum);
    }
    *tier = -1;
    if (def->tier_count > 0 && def->profile != TD_PROFILE_TAPEDECK)
        return td_fail(error, TD_BAD_ARG, "costs.tiers are of profile tapedeck: the others know one commission");
    return TD_OK;
}

static td_status check_def(const td_tape *tape, const td_play_def *def, td_error *error) {
    assert(def->cookie == TD_PLAY_DEF_COOKIE && "start from td_default_play_def()");
    if (!def->strategy) return td_fail(error, TD_BAD_ARG, "no strategy is named");
    int tier;
    TD_TRY(td_check_tiers(def, &tier, error));
    if (def->first_bar < 0 || def->first_bar >= tape->bars)
        return td_fail(error, TD_BAD_ARG, "first bar %lld is outside the tape of %lld bars", (long long)def->first_bar,
                       (long long)tape->bars);
    if (def->bars < 0 || def->bars > tape->bars - def->first_bar)
        return td_fail(error, TD_BAD_ARG, "%lld bars from bar %lld on pass the end of the tape of %lld bars", (long long)def->bars,
                       (long long)def->first_bar, (long long)tape->bars);
    if (def->blocks < 1 || def->blocks > TD_BLOCKS_MAX)
        return td_fail(error, TD_BAD_ARG, "metrics.blocks is %lld, must be 1 to %d", (long long)def->blocks, TD_BLOCKS_MAX);
    if (def->sample_bars < 0) return td_fail(error, TD_BAD_ARG, "metrics.sample is %lld bars, must be at least 1", (long long)def->sample_bars);
    if (!(def->periods_per_year >= 0 && def->periods_per_year < 1e9))
        return td_fail(error, TD_BAD_ARG, "metrics.periods_per_year is %g, must be positive", def->periods_per_year);
    if (!(def->row_scale > 0 && def->row_scale < INFINITY))
        return td_fail(error, TD_BAD_ARG, "row_scale is %g, must be above 0", def->row_scale);
    if (!(def->risk_free > -1 && def->risk_free < 10))
        return td_fail(error, TD_BAD_ARG, "metrics.risk_free is %g, must be a fraction per year above -1", def->risk_free);
    if (!(def->required_return > -1 && def->required_return < 10))
        return td_fail(error, TD_BAD_ARG, "metrics.required_return is %g, must be a fraction above -1", def->required_return);
    if (!(def->vectorbt.min_size >= 0 && def->vectorbt.min_size < INFINITY))
        return td_fail(error, TD_BAD_ARG, "vectorbt.min_size is %g, must be units, at least 0", def->vectorbt.min_size);
    if (!(def->vectorbt.max_size > 0))
        return td_fail(error, TD_BAD_ARG, "vectorbt.max_size is %g, must be units, above 0", def->vectorbt.max_size);
    if (def->row_scale != 1 && def->volatility != TD_VOLATILITY_NONE)
        return td_fail(error, TD_BAD_ARG, "row_scale is %g, but distances in multiples of volatility need rows of real prices", def->row_scale);
    if (def->execution_ns != 0 && def->profile != TD_PROFILE_TAPEDECK)
        return td_fail(error, TD_BAD_ARG, "finer bars inside a bar are walked through in profile tapedeck only");
    if (def->execution_ns != 0 && (!tape->finer || tape->finer->interval_ns != def->execution_ns))
        return td_fail(error, TD_BAD_ARG, "the tape has no finer bars of the length to walk through");
    if (def->fill_delay < 0) return td_fail(error, TD_BAD_ARG, "fill.delay is %lld, must be at least 0", (long long)def->fill_delay);
    if (tape->symbols != 1)
        return td_fail(error, TD_BAD_ARG, "the tape holds %lld symbols; a deck plays one", (long long)tape->symbols);
    return TD_OK;
}

/* Where the finer bars of each bar are. first: (bars + 1) out. A finer bar is that of the bar in which it opens. */
static td_status find_finer(const td_tape *tape, int64_t first_bar, int64_t bars, int64_t *first, td_error *error) {
    const td_tape *finer = tape->finer;
    const int64_t *time = tape->time_ns + first_bar;
    int64_t at = 0;
    for (int64_t t = 0; t < bars; t++) {
        while (at < finer->bars && finer->time_ns[at] < time[t]) at++;
        char when[32];
        if (t > 0 && at != first[t])
            return td_fail(error, TD_BAD_DATA, "the finer bar of %s at %s is in no bar", tape->symbol,
                           td_time_text(finer->time_ns[first[t]], when));
        first[t] = at;
        while (at < finer->bars && finer->time_ns[at] < time[t] + tape->interval_ns) at++;
        first[t + 1] = at;
        if (first[t] == at)
            return td_fail(error, TD_BAD_DATA, "the bar of %s at %s has no finer bar in it", tape->symbol, td_time_text(time[t], when));
    }
    return TD_OK;
}

td_status td_deck_make(const td_tape *tape, const td_play_def *def, td_deck **made, td_error *error) {
    if (def->strategy && def->strategy->book)
        return td_fail(error, TD_BAD_ARG, "strategy %s plays order books, and the tape is of bars", def->strategy->name);
    static const td_tape *const none[2];
    return td_deck_make_leg(tape, def, none, 0, made, error);
}

td_status td_deck_make_leg(const td_tape *tape, const td_play_def *def, const td_tape *const legs[2], double leg, td_deck **made,
                           td_error *error) {
    *made = NULL;
    TD_TRY(check_def(tape, def, error));
    if (!legs[0] && td_strategy_plays_pairs(def->strategy))
        return td_fail(error, TD_BAD_ARG, "strategy %s plays pairs of symbols, with one account: it needs a portfolio of them", def->strategy->name);
    int64_t first = def->first_bar, bars = def->bars ? def->bars : tape->bars - first;
    const int64_t *time = tape->time_ns + first;
    bool backtesting = def->profile == TD_PROFILE_BACKTESTING;

    td_deck *deck = calloc(1, sizeof *deck);
    /* seconds, market_log, sample_market, sample_bar (bars each), scaled prices where there are any, block_end, finer_first */
    bool scaled = def->row_scale != 1;
    int64_t firsts = def->execution_ns ? bars + 1 : 0;
    char *memory = malloc((size_t)bars * (scaled ? 8 : 4) * sizeof(double) + (size_t)(def->blocks + firsts) * sizeof(int64_t));
    if (!deck || !memory) {
        free(deck);
        free(memory);
        return td_fail(error, TD_NO_MEMORY, "no memory for a deck of %lld bars", (long long)bars);
    }
    double *seconds = (double *)memory, *market_log = seconds + bars, *sample_market = market_log + bars;
    double *prices = sample_market + bars;
    int64_t *sample_bar = (int64_t *)(prices + (scaled ? 4 * bars : 0)), *block_end = sample_bar + bars,
            *finer_first = block_end + def->blocks;
    const double *close = tape->close + first;

    deck->def = *def;
    deck->memory = memory;
    deck->first_bar = first;
    deck->columns[TD_COLUMN_open] = tape->open + first;
    deck->columns[TD_COLUMN_high] = tape->high + first;
    deck->columns[TD_COLUMN_low] = tape->low + first;
    deck->columns[TD_COLUMN_close] = close;
    deck->columns[TD_COLUMN_volume] = tape->volume ? tape->volume + first : NULL;
    for (int c = TD_COLUMN_open; scaled && c <= TD_COLUMN_close; c++) {
        for (int64_t t = 0; t < bars; t++) prices[c * bars + t] = deck->columns[c][t] * def->row_scale;
        deck->columns[c] = prices + c * bars;
    }
    deck->time_ns = time;
    if (def->execution_ns) {
        td_status status = find_finer(tape, first, bars, finer_first, error);
        if (status != TD_OK) {
            td_deck_free(deck);
            return status;
        }
    }
    deck->interval_ns = tape->interval_ns;
    memcpy(deck->legs, legs, sizeof deck->legs);
    deck->view.bars = bars;
    deck->view.leg = leg;
    for (int r = 0, row; r < def->strategy->row_count; r++) {
        td_status status = td_deck_add_row(deck, &def->strategy->rows[r], &row, error);
        if (status != TD_OK) {
            td_deck_free(deck);
            return status;
        }
    }

    deck->view.volatility_row = -1;
    if (def->volatility != TD_VOLATILITY_NONE) {
        td_row_info info = {.name = "stops.volatility", .kind = def->volatility == TD_VOLATILITY_ATR ? "atr" : "volatility",
                            .column = TD_COLUMN_close, .arguments = {{.from = TD_FROM_KNOB, .index = TD_KNOB_volatility_window}}};
        td_status status = td_deck_add_row(deck, &info, &deck->view.volatility_row, error);
        if (status != TD_OK) {
            td_deck_free(deck);
            return status;
        }
    }

    /* the calendar */
    int64_t count;
    enum grouping grouping = choose_samples(def, time, bars, tape->interval_ns, &count, &deck->periods_per_year);
    if (def->periods_per_year > 0 && !backtesting) deck->periods_per_year = def->periods_per_year;
    int64_t samples = 0;
    for (int64_t t = 0; t < bars; t++) {
        /* profile vectorbt counts bars, whatever lies between them */
        seconds[t] = (def->profile == TD_PROFILE_VECTORBT ? (double)t * (double)tape->interval_ns : (double)(time[t] - time[0])) / 1e9;
        if (t + 1 == bars || group_of(grouping, time[t], t, count) != group_of(grouping, time[t + 1], t + 1, count))
            sample_bar[samples++] = t;
    }
    deck->years = (double)(time[bars - 1] - time[0]) / 1e9 / DAY_SECONDS / 365.25;
    int64_t period = median_period(time, bars);
    deck->duration_unit = period % TD_NS_PER_DAY == 0                       ? DAY_SECONDS
                          : period % (3600 * TD_NS_PER_SECOND) == 0         ? 3600
                          : period % (60 * TD_NS_PER_SECOND) == 0           ? 60
                                                                            : 1;

    /* the market's returns, and what beta needs of them */
    for (int64_t k = 0; k < samples; k++)
        sample_market[k] = close[sample_bar[k]] / close[k ? sample_bar[k - 1] : 0] - 1;
    if (backtesting) {
        for (int64_t t = 0; t < bars; t++) market_log[t] = t ? td_log(close[t] / close[t - 1]) : 0;
        for (int64_t t = 1; t < bars; t++) {
            deck->market_sum += market_log[t];
            deck->market_sum2 += market_log[t] * market_log[t];
        }
    } else {
        for (int64_t k = 0; k < samples; k++) {
            deck->market_sum += sample_market[k];
            deck->market_sum2 += sample_market[k] * sample_market[k];
        }
    }
    deck->returns = backtesting ? samples - 1 : samples;

    int64_t blocks = def->blocks < bars ? def->blocks : bars;
    for (int64_t b = 0; b < blocks; b++) block_end[b] = bars * (b + 1) / blocks - 1;

    /* what prices walk through */
    const td_tape *walked = def->execution_ns ? tape->finer : tape;
    int64_t offset = def->execution_ns ? 0 : first;
    deck->view = (td_kernel_deck){
        .bars = bars, .open = tape->open + first, .high = tape->high + first, .low = tape->low + first, .close = close,
        .volume = deck->columns[TD_COLUMN_volume], .row_scale = def->row_scale, .leg = leg, .seconds = seconds,
        .market_log = backtesting ? market_log : NULL, .samples = samples, .sample_bar = sample_bar, .sample_market = sample_market,
        .blocks = blocks, .block_end = block_end, .profile = def->profile, .fill_at = def->fill_at,
        .fill_delay = def->fill_delay, .intrabar = def->intrabar, .sizing = def->sizing, .direction = def->direction,
        .maker_rate = def->maker_rate, .tiers = deck->def.tiers, .tier_count = def->tier_count, .tier_days = def->tier_days,
        .vectorbt = &deck->def.vectorbt, .required = def->profile == TD_PROFILE_VECTORBT ? def->required_return : 0,
        .hours_from = def->hours_from, .hours_to = def->hours_to, .time_ns = time,
        .finer_first = def->execution_ns ? finer_first : NULL, .finer_open = walked->open + offset, .finer_high = walked->high + offset,
        .finer_low = walked->low + offset, .finer_close = walked->close + offset,
        .finer_volume = walked->volume ? walked->volume + offset : NULL, .finer_time_ns = walked->time_ns + offset,
        /* what sizes are made of must not know the calendar of bars to come: a market without weekends */
        .bars_per_year = bars_in_year(time, bars, tape->interval_ns, true), .volatility_row = deck->view.volatility_row,
        .finalize = def->finalize, .every_bar = grouping == EACH_BAR && !backtesting, .start_bar = backtesting ? 1 : 0,
        .touch = backtesting ? 0 : 0x1p-1074};
    memcpy(deck->view.seen, deck->columns, sizeof deck->view.seen);
    *made = deck;
    return TD_OK;
}

void td_deck_free(td_deck *deck) {
    if (!deck) return;
    if (deck->portfolio) {
        td_portfolio_free(deck->portfolio);
        return;
    }
    if (deck->book)
        td_book_deck_free(deck->book);
    else
        td_deck_free_rows(deck);
    free(deck->memory);
    free(deck);
}

td_status td_deck_make_book(const td_play_def *def, td_deck **made, td_error *error) {
    *made = NULL;
    assert(def->cookie == TD_PLAY_DEF_COOKIE && "start from td_default_play_def()");
    td_deck *deck = calloc(1, sizeof *deck);
    if (!deck) return td_fail(error, TD_NO_MEMORY, "no memory for a deck");
    td_status status = td_book_deck_make(def, &deck->book, error);
    if (status != TD_OK) {
        free(deck);
        return status;
    }
    deck->def = *def;
    deck->view.blocks = deck->book->blocks;
    deck->periods_per_year = deck->book->periods_per_year;
    *made = deck;
    return TD_OK;
}

const td_book_deck *td_deck_book(const td_deck *deck) { return deck->book; }

/* Rows of the messages that are played. */
static int64_t book_rows(const td_book_deck *book) {
    int64_t rows = 0;
    for (int v = 0; v < book->venues; v++) rows += td_book_row_begin(book->def.book.venues[v].book, book->messages[v]);
    return rows;
}

int64_t td_deck_bars(const td_deck *deck) { return deck->view.bars; }
const td_portfolio *td_deck_portfolio(const td_deck *deck) { return deck->portfolio; }
int64_t td_deck_evaluations(const td_deck *deck) {
    if (deck->book) return book_rows(deck->book);
    return deck->portfolio ? td_portfolio_evaluations(deck->portfolio) : deck->view.bars;
}
double td_deck_periods_per_year(const td_deck *deck) { return deck->periods_per_year; }
int64_t td_deck_blocks(const td_deck *deck) { return deck->view.blocks; }
int64_t td_deck_block_start(const td_deck *deck, int64_t block) {
    return deck->first_bar + (block ? deck->view.block_end[block - 1] + 1 : 0);
}

/* Every number is within its range. */
static td_status check_ranges(const td_strategy *strategy, const td_set *set, td_error *error) {
    for (int i = 0; i < strategy->param_count; i++) {
        const td_param_info *info = &strategy->params[i];
        double value = set->param[i];
        if (!(value >= info->minimum && value <= info->maximum))
            return td_fail(error, TD_BAD_ARG, "parameter %s is %g, must be %g to %g", info->name, value, info->minimum, info->maximum);
        if (info->kind != TD_PARAM_NUMBER && value != floor(value))
            return td_fail(error, TD_BAD_ARG, "parameter %s is %g, must be a whole number", info->name, value);
    }
    td_tape_kind kind = td_strategy_tape_kind(strategy);
    for (int i = 0; i < td_tape_kind_infos[kind].knob_count; i++) {
        td_knob knob = td_tape_kind_infos[kind].knobs[i];
        const td_knob_info *info = td_kind_knob(kind, knob);
        double value = set->knob[knob];
        if (!(value >= info->minimum && value <= info->maximum))
            return td_fail(error, TD_BAD_ARG, "%s is %g, must be %g to %g", info->path, value, info->minimum, info->maximum);
        if (value != floor(value) && td_knob_is_whole(knob))
            return td_fail(error, TD_BAD_ARG, "%s is %g, must be a whole number", info->path, value);
    }
    return TD_OK;
}

td_status td_check_set(const td_deck *deck, const td_set *set, td_error *error) {
    const td_strategy *strategy = deck->def.strategy;
    TD_TRY(check_ranges(strategy, set, error));
    if (deck->book) return td_book_check_set(deck->book, set, error);
    double size = set->knob[TD_KNOB_size];
    td_sizing sizing = deck->def.sizing;
    if (td_size_is_fraction(sizing) && !(size > 0 && size <= 1))
        return td_fail(error, TD_BAD_ARG, "account.size is %g, must be above 0 and at most 1: a fraction of the equity", size);
    if (sizing != TD_SIZING_ALL_IN && !(size > 0))
        return td_fail(error, TD_BAD_ARG, "account.size is %g, must be above 0 for sizing %s", size, td_sizing_name(sizing));
    const double *knob = set->knob;
    bool stops = knob[TD_KNOB_stop_loss] > 0 || knob[TD_KNOB_stop_volatility] > 0 || knob[TD_KNOB_trailing] > 0 ||
                 knob[TD_KNOB_trailing_amount] > 0 || knob[TD_KNOB_trailing_volatility] > 0;
    for (int i = 0; i < TD_KNOB_BARS_COUNT; i++)
        if (td_knob_needs_volatility((td_knob)i) && knob[i] != 0 && deck->def.volatility == TD_VOLATILITY_NONE)
            return td_fail(error, TD_BAD_ARG, "%s is %g, but the deck has no volatility", td_knob_infos[i].path, knob[i]);
    if (sizing == TD_SIZING_VOLATILITY && deck->def.volatility == TD_VOLATILITY_NONE)
        return td_fail(error, TD_BAD_ARG, "account.sizing volatility, but the deck has no volatility");
    if (sizing == TD_SIZING_RISK && !stops && !*strategy->orders)
        return td_fail(error, TD_BAD_ARG, "account.sizing risk needs a stop: the size is what loses `account.size` of equity there");
    if (knob[TD_KNOB_slippage_ticks] > 0 && !(knob[TD_KNOB_tick] > 0))
        return td_fail(error, TD_BAD_ARG, "costs.slippage_ticks is %g, but costs.tick, the size of a step, is not given",
                       knob[TD_KNOB_slippage_ticks]);
    if (deck->def.tier_count > 0 && (knob[TD_KNOB_commission] != 0 || deck->def.maker_rate))
        return td_fail(error, TD_BAD_ARG, "costs.tiers say what commission and maker are; they cannot be given beside them");
    if (deck->def.profile == TD_PROFILE_VECTORBT) TD_TRY(td_vectorbt_check(&deck->def, set, error));
    if (deck->def.profile == TD_PROFILE_BACKTESTING) TD_TRY(td_backtesting_check(&deck->def, set, error));
    if (deck->portfolio && (td_route_of(&deck->def, set) != TD_ROUTE_PLAIN || knob[TD_KNOB_pyramiding] != 1))
        return td_fail(error, TD_BAD_ARG, "a portfolio plays market orders with stop_loss and take_profit; other stops, costs beyond "
                       "commission, fixed_commission, spread and slippage, leverage, pyramiding and risk limits it does not");
    if (!(set->knob[TD_KNOB_stop_loss] < 1))
        return td_fail(error, TD_BAD_ARG, "stops.stop_loss is %g, must be below 1: the price would have to fall below 0",
                       set->knob[TD_KNOB_stop_loss]);
    return td_deck_check_rows(deck, set, error);
}

void td_lane_start(const td_deck *deck, const td_set *set, td_lane *lane) {
    const double *knob = set->knob;
    *lane = (td_lane){0};
    double cash = knob[TD_KNOB_cash];
    lane->cash = lane->balance = lane->equity = lane->sample_equity = lane->peak = lane->trough = lane->first_sample = cash;
    lane->record = lane->guard_high = lane->stop_high = lane->wake = lane->leave_bar = INFINITY;
    lane->guard_low = lane->stop_low = -INFINITY;
    lane->trail_share = lane->trail_amount = lane->calm_high = INFINITY;
    lane->calm_low = -INFINITY;
    lane->even_price = NAN;
    lane->best = -INFINITY;
    lane->worst = INFINITY;
    lane->growth = 1;
    lane->worst_ratio = 1;
    lane->covered = -1;
    lane->failed_bar = -1;
    for (int i = 0; i < TD_SIGNALS_MAX; i++) lane->gap[i] = NAN;
    memcpy(lane->param, set->param, sizeof lane->param);

    /* what a buy or a sell pays: half the spread on both sides; backtesting.py takes the whole spread on entry only */
    bool backtesting = deck->def.profile == TD_PROFILE_BACKTESTING;
    double slippage = knob[TD_KNOB_slippage];
    lane->spread_enter = backtesting ? knob[TD_KNOB_spread] : 0.5 * knob[TD_KNOB_spread];
    lane->spread_leave = backtesting ? 0 : lane->spread_enter;
    lane->slippage = slippage;
    lane->enter_buy = 1 + (lane->spread_enter + slippage);
    lane->enter_sell = 1 - (lane->spread_enter + slippage);
    lane->leave_buy = 1 + (lane->spread_leave + slippage);
    lane->leave_sell = 1 - (lane->spread_leave + slippage);
    lane->rate = knob[TD_KNOB_commission];
    lane->maker = deck->def.maker_rate ? knob[TD_KNOB_maker] : lane->rate;
    lane->fixed = knob[TD_KNOB_fixed_commission];
    lane->lot = knob[TD_KNOB_lot];
    lane->size = knob[TD_KNOB_size];
    double stop = knob[TD_KNOB_stop_loss], target = knob[TD_KNOB_take_profit];
    lane->long_low = stop > 0 ? 1 - stop : -INFINITY;
    lane->long_high = target > 0 ? 1 + target : INFINITY;
    lane->short_low = target > 0 ? 1 - target : -INFINITY;
    lane->short_high = stop > 0 ? 1 + stop : INFINITY;
    lane->stop_volatility = knob[TD_KNOB_stop_volatility];
    lane->target_volatility = knob[TD_KNOB_target_volatility];
    lane->trailing = knob[TD_KNOB_trailing];
    lane->trailing_amount = knob[TD_KNOB_trailing_amount];
    lane->trailing_volatility = knob[TD_KNOB_trailing_volatility];
    lane->break_even = knob[TD_KNOB_break_even];
    lane->time_stop = knob[TD_KNOB_time_stop];
}
