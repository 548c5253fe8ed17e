/* What the files that play at the broker's desk share: the field of a seat's lane, a fill's terms, and the bookkeeping that does
 * not depend on whose rules are played. sim/broker.c plays profile tapedeck, and backtesting where strategies have targets only, sim/profile_*.c the rest. */
#ifndef TAPEDECK_SIM_SEAT_H
#define TAPEDECK_SIM_SEAT_H

#include "sim/broker.h"
#include "sim/plain.h"

/* Field `name` of the lane at `seat`. */
#define F(name) (seat->field[TD_FIELD_##name * seat->stride])

/* What a fill is charged: fractions of the base price, and the commission rate. */
typedef struct td_terms {
    double factor;         /* price = base * factor */
    double spread, slippage, rate;
    bool market;           /* moves the price by its size */
} td_terms;

/* Counts an order that came to nothing. */
void td_seat_refuse(td_seat *seat, td_refusal why);
/* Ledger lines, hash and observer of a fill whose money has been moved. move: quote currency, beyond the terms. */
void td_seat_note_fill(td_seat *seat, int64_t bar, double units, double base, double price, double commission, const td_terms *terms,
                       double move, td_fill_reason reason);
/* Puts a closed trade into the statistics, but for the time in the market. */
void td_seat_count_trade(td_seat *seat, const td_trade *trade);
/* Nothing protects a position any more: there is none. */
void td_seat_forget_position(td_seat *seat);
/* The set plays no more: there is nothing left; or it failed. */
void td_seat_stop(td_seat *seat);
void td_seat_fail(td_seat *seat, int64_t bar, td_cell_reason reason);

/* Profile vectorbt's part of td_broker_bar(), td_broker_decide() and td_broker_finalize(); and whether it can play a set. */
void td_vectorbt_bar(td_seat *seat, int64_t t);
void td_vectorbt_decide(td_seat *seat, const td_decision *decision, int64_t t);
void td_vectorbt_finalize(td_seat *seat);
td_status td_vectorbt_check(const td_play_def *def, const td_set *set, td_error *error);

/* The same of profile backtesting, for seats with a list of orders. */
void td_backtesting_bar(td_seat *seat, int64_t t);
void td_backtesting_decide(td_seat *seat, const td_decision *decision, int64_t t);
void td_backtesting_finalize(td_seat *seat, const td_decision *decision);
td_status td_backtesting_check(const td_play_def *def, const td_set *set, td_error *error);

#endif
