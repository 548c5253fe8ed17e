/* What protects a position, in the lane algebra: stops that trail or move to the entry price, distances in volatility, an age to leave
 * at. For groups on the protected route (td_route); sim/broker.c says the same for one lane, rule by rule, and the bits agree.
 *
 * One policy only, `stop_first`: prices walk from the open to the stop's side, to the other, and to the close. Every function takes the
 * lanes it is for as a mask and leaves the others untouched. */
#ifndef TAPEDECK_SIM_PROTECTION_H
#define TAPEDECK_SIM_PROTECTION_H

#include "sim/ledger.h"

/* Where a trailing stop is after prices went as far as `low` and `high`. The operations are those of follow() in sim/broker.c. */
typedef struct td_trail {
    td_real best, stop_low, stop_high;
} td_trail;

TD_INLINE td_trail td_trail_to(const td_vector *s, double low, double high) {
    td_mask is_long = s->position > 0, is_short = s->position < 0;
    td_real best = td_select(is_long, td_max(high, s->best_price), td_min(low, s->best_price));
    td_real below = td_max(best * (1 - s->trail_share), best - s->trail_amount);
    td_real above = td_min(best * (1 + s->trail_share), best + s->trail_amount);
    return (td_trail){best, td_select(is_long, td_max(below, s->stop_low), s->stop_low),
                      td_select(is_short, td_min(above, s->stop_high), s->stop_high)};
}

TD_INLINE void td_follow(td_vector *s, td_mask m, td_trail trail) {
    td_mask moves = m & ((trail.stop_low > s->stop_low) | (trail.stop_high < s->stop_high));
    TD_UPDATE(best_price, m, trail.best);
    TD_UPDATE(stop_reason, moves, (double)TD_FILL_REASON_trailing);
    TD_UPDATE(stop_low, m, trail.stop_low);
    TD_UPDATE(stop_high, m, trail.stop_high);
    TD_UPDATE(calm_low, m, td_max(trail.stop_low, s->calm_low));
    TD_UPDATE(calm_high, m, td_min(trail.stop_high, s->calm_high));
}

/* The lowest low and the highest high of bars [begin, end), of which there are some. */
TD_INLINE void td_extremes(const td_kernel_deck *deck, int64_t begin, int64_t end, double *low, double *high) {
    *low = deck->low[begin];
    *high = deck->high[begin];
    if (end - begin > TD_LANES) {
        td_real lows = td_load(deck->low + end - TD_LANES), highs = td_load(deck->high + end - TD_LANES);
        for (; begin < end - TD_LANES; begin += TD_LANES) {
            lows = td_min(td_load(deck->low + begin), lows);
            highs = td_max(td_load(deck->high + begin), highs);
        }
        double least[TD_LANES], greatest[TD_LANES];
        td_store(least, lows);
        td_store(greatest, highs);
        for (int l = 0; l < TD_LANES; l++) {
            *low = least[l] < *low ? least[l] : *low;
            *high = greatest[l] > *high ? greatest[l] : *high;
        }
    } else
        for (; begin < end; begin++) {
            *low = deck->low[begin] < *low ? deck->low[begin] : *low;
            *high = deck->high[begin] > *high ? deck->high[begin] : *high;
        }
}

TD_INLINE td_mask td_trails(const td_vector *s) {
    return (s->position != 0) & ((s->trail_share < TD_INF) | (s->trail_amount < TD_INF));
}

/* Trailing stops follow what they have not followed yet of the bars up to and with t, in which nothing else happened. */
TD_INLINE void td_catch_up(const td_kernel_deck *deck, td_vector *s, int64_t t) {
    int64_t begin = (int64_t)((const double *)&s->followed)[0] + 1;
    td_mask trails = td_trails(s);
    if (begin <= t && td_any(trails)) {
        double low, high;
        td_extremes(deck, begin, t + 1, &low, &high);
        td_follow(s, trails, td_trail_to(s, low, high));
    }
    s->followed = td_splat((double)t);
}

/* Guards of lanes m after bar t, of their calm ones. A trailing stop need not follow every new best price: until prices pass a better one,
 * it cannot be nearer than it would be from there, and until they come as near as that, nobody asks. Half the way is left to each. */
TD_INLINE void td_guard_trails(const td_kernel_deck *deck, td_vector *s, td_mask m, int64_t t) {
    td_mask trails = td_trails(s), is_long = trails & (s->position > 0), is_short = trails & (s->position < 0);
    double close = deck->close[t];
    td_real room = 0.5 * td_max(td_select(is_long, close - s->stop_low, s->stop_high - close), 0);
    td_real best = td_select(is_long, s->best_price + room, s->best_price - room);
    td_real below = td_max(best * (1 - s->trail_share), best - s->trail_amount);
    td_real above = td_min(best * (1 + s->trail_share), best + s->trail_amount);
    TD_UPDATE(guard_low, m, td_max(td_select(is_long, below, td_select(is_short, best, -TD_INF)), s->calm_low));
    TD_UPDATE(guard_high, m, td_min(td_select(is_short, above, td_select(is_long, best, TD_INF)), s->calm_high));
}

/* When to look again after bar t: the nearest levels on both sides, and the bar to leave on. */
TD_INLINE void td_set_guards(const td_kernel_deck *deck, td_vector *s, td_mask m, int64_t t) {
    td_mask is_long = s->position > 0, is_short = s->position < 0;
    td_real zero = -s->cash / s->position; /* where equity is */
    td_real low = td_select(s->cash > 0, -TD_INF, TD_INF), high = td_splat(TD_INF); /* flat: with nothing left the next mark must look */
    low = td_select(is_long, td_max(s->stop_low, zero * (1 + 0x1p-40)), td_select(is_short, td_max(s->even_price, s->stop_low), low));
    high = td_select(is_long, td_min(s->even_price, s->stop_high), td_select(is_short, td_min(s->stop_high, zero * (1 - 0x1p-40)), high));
    TD_UPDATE(calm_low, m, low);
    TD_UPDATE(calm_high, m, high);
    TD_UPDATE(wake, m, td_select(is_long | is_short, s->leave_bar, TD_INF));
    td_guard_trails(deck, s, m, t);
}

/* Where stop and target of lanes that entered on `bar` are: the nearest of all that are asked for, measured from the price paid. */
TD_INLINE void td_protect(td_vector *s, td_mask m, int64_t bar, td_real volatility) {
    td_real price = s->entry_price, side = td_select(s->position > 0, 1, -1);
    td_mask is_long = s->position > 0;
    td_real amount = td_select(s->trailing_amount > 0, s->trailing_amount, TD_INF);
    amount = td_select(s->trailing_volatility > 0, td_min(s->trailing_volatility * volatility, amount), amount);
    td_real share = td_select(s->trailing > 0, s->trailing, TD_INF);
    /* td_enter() put them where fractions of the price say; as seen by who holds a long, losses are below */
    td_real stop = side * td_select(is_long, s->stop_low, s->stop_high), target = side * td_select(is_long, s->stop_high, s->stop_low);
    stop = td_select(s->stop_volatility > 0, td_max(side * (price - side * s->stop_volatility * volatility), stop), stop);
    target = td_select(s->target_volatility > 0, td_min(side * (price + side * s->target_volatility * volatility), target), target);
    td_real trail = td_max(side * (price * (1 - side * share)), side * (price - side * amount));
    TD_UPDATE(stop_reason, m, td_select(trail > stop, TD_FILL_REASON_trailing, TD_FILL_REASON_stop));
    stop = side * td_max(trail, stop);
    target = side * target;
    TD_UPDATE(stop_low, m, td_select(is_long, stop, target));
    TD_UPDATE(stop_high, m, td_select(is_long, target, stop));
    TD_UPDATE(trail_share, m, share);
    TD_UPDATE(trail_amount, m, amount);
    TD_UPDATE(best_price, m, price);
    TD_UPDATE(even_price, m, td_select(s->break_even > 0, price * (1 + side * s->break_even), __builtin_nan("")));
    TD_UPDATE(leave_bar, m, td_select(s->time_stop > 0, (double)bar + s->time_stop, TD_INF));
}

/* A stop, the nearer to the market the higher: shorts are seen upside down. */
typedef struct td_stop {
    td_real level, reason;
} td_stop;

TD_INLINE void td_tighten(td_stop *stop, td_mask m, td_real level, td_fill_reason reason) {
    td_mask moves = m & (level > stop->level);
    stop->level = td_select(moves, level, stop->level);
    stop->reason = td_select(moves, (double)reason, stop->reason);
}

/* Everything that happens in bar t up to its close, to lanes m. */
TD_INLINE void td_guard_protected(const td_kernel_deck *deck, td_vector *s, td_mask m, int64_t t, int64_t sample) {
    const td_mask is_short = s->position < 0, held = m & (s->position != 0);
    if (td_any(held)) {
        /* shorts upside down: what is adverse is below, for everyone. Turning a sign rounds nothing */
        const td_real side = td_select(is_short, -1, 1), open = side * deck->open[t], close = side * deck->close[t];
        const td_real worst = td_select(is_short, -deck->high[t], deck->low[t]), better = td_select(is_short, -deck->low[t], deck->high[t]);
        const td_real target = side * td_select(is_short, s->stop_low, s->stop_high), entry = side * s->entry_price;
        const td_real keep = 1 - side * s->trail_share;
        td_stop stop = {side * td_select(is_short, s->stop_high, s->stop_low), s->stop_reason};
        td_real best = side * s->best_price, even = side * s->even_price, base = open, reason;
        td_mask leaves = held & (td_splat((double)t) >= s->leave_bar), at_open = td_no_lane(), at_close = leaves;
        if (deck->fill_at == TD_FILL_NEXT_OPEN) at_open = leaves, at_close = td_no_lane();
#define TRAIL(price) td_max((price) * keep, (price) - s->trail_amount)

        /* what the open is at or beyond, the stop before the target; a trailing stop has followed to the open by then */
        best = td_max(open, best);
        td_tighten(&stop, held, TRAIL(best), TD_FILL_REASON_trailing);
        td_mask stopped = held & (stop.level >= open), rests = held & td_not(stopped) & (target <= open);
        const td_mask either = stopped & (target <= open);
        td_mask evens = held & td_not(stopped | rests) & (even <= open);
        td_tighten(&stop, evens, entry, TD_FILL_REASON_break_even);
        even = td_select(evens, __builtin_nan(""), even);
        stopped = stopped | (evens & (stop.level >= open));
        reason = td_select(stop.reason == (double)TD_FILL_REASON_stop, TD_FILL_REASON_stop_gap, stop.reason);
        reason = td_select(stopped, reason, td_select(rests, TD_FILL_REASON_target_gap, TD_FILL_REASON_time_stop));
        td_mask left = stopped | rests | at_open, walks = held & td_not(left);

        /* to the stop's side */
        const td_stop first = stop;
        td_mask early = walks & (stop.level >= worst) & ((worst < open) | is_short);
        /* to the other side, past the level that moves the stop to the entry price, and the target */
        evens = walks & (even <= better) & (even < target);
        td_tighten(&stop, evens, TRAIL(td_max(even, best)), TD_FILL_REASON_trailing);
        td_tighten(&stop, evens, entry, TD_FILL_REASON_break_even);
        td_mask at_even = evens & (stop.level >= even), meets = walks & (target <= better) & td_not(at_even);
        best = td_max(better, best);
        td_tighten(&stop, walks & td_not(at_even), TRAIL(best), TD_FILL_REASON_trailing);
        /* and back: to the close; or, had prices come here first, to the stop's side */
        const td_real level = td_min(better, stop.level);
        td_mask late = (stop.level >= close) & ((close < better) | is_short), dips = (stop.level >= worst) & ((worst < better) | is_short);
        td_mask out = at_even | meets, stays = walks & td_not(early | out);
        td_mask differ = either | (early & (out | (level != first.level))) | (stays & ((late & td_not(dips)) | (dips & td_not(late))));
        TD_UPDATE(ambiguous, differ, s->ambiguous + 1);

        /* what comes first of it */
        late = late & stays;
        meets = meets & td_not(early);
        base = td_select(early, first.level, td_select(at_even, even, td_select(meets, target, td_select(late, level, base))));
        reason = td_select(early, first.reason, td_select(meets, TD_FILL_REASON_target, td_select(walks, stop.reason, reason)));
        rests = rests | meets;
        left = left | early | (out & td_not(early)) | late;
        at_close = at_close & td_not(left);
        base = td_select(at_close, close, base);
        reason = td_select(at_close, TD_FILL_REASON_time_stop, reason);
        left = left | at_close;
#undef TRAIL

        TD_UPDATE(best_price, held, side * best);
        TD_UPDATE(even_price, held, td_select(evens, __builtin_nan(""), side * even));
        TD_UPDATE(stop_reason, held, stop.reason);
        TD_UPDATE(stop_low, held & td_not(is_short), stop.level);
        TD_UPDATE(stop_high, held & is_short, -stop.level);
        if (td_any(left)) td_exit(deck, s, left, t, side * base, rests, reason);
    }
    td_look_for_ruin(deck, s, t, sample);
    td_set_guards(deck, s, m, t);
}

#endif
