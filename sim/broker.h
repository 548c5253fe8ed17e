/* The broker: orders, fills and the account of one set, in plain scalar C.
 *
 * It is the written meaning of docs/bar-rules.md. The reference engine plays with it on every bar; the lanes engine asks it for the
 * lanes to which something happens, whenever a group of sets uses more than market orders and what protects a position. Those alone
 * are played in vectors (sim/ledger.h, sim/protection.h); tests hold the two to the same bits.
 *
 * A set's numbers are fields of a vector of lanes (kernel.h); a *seat* says which lane. What vectors do not carry (working orders,
 * charges, risk limits) is the set's *account*, touched by events only.
 *
 * Inside a bar, prices walk from the open to one extreme, to the other, and to the close; the intrabar policy says which extreme
 * comes first. Where the deck has finer bars they walk through each of those in a bar. Orders fill where the walk meets them. Profile
 * backtesting has the rules of that package instead, with a list of orders of its own for strategies that place orders
 * (sim/profile_backtesting.c), and profile vectorbt its own file (sim/profile_vectorbt.c). */
#ifndef TAPEDECK_SIM_BROKER_H
#define TAPEDECK_SIM_BROKER_H

#include "sim/order.h"

enum { TD_ORDERS_MAX = 16 }; /* working orders of a set */

typedef struct td_account {
    /* the set's numbers: never change */
    double maker, taker;     /* commission rates; where the deck has tiers, those of tier_day */
    double per_unit;         /* commission per unit */
    double ticks;            /* slippage, quote */
    double volume_share, impact;
    double leverage, maintenance;
    double pyramiding, position_value;
    double daily_loss, drawdown, cool_down;
    double funding, borrow;
    int64_t funding_ns;
    td_intrabar intrabar;
    bool moves_price;        /* any of ticks, volume_share, impact */
    bool liquidates;

    /* the position */
    int64_t entries;
    double carry;            /* funding and borrow paid for it so far */
    int64_t armed_bar;       /* profile vectorbt: the first on which its stops act; */
    int64_t acted_bar;       /* the last that had an order */

    /* where the deck has tiers: what was traded, quote currency */
    int64_t tier_day;        /* UTC day since 1970 of the last order that was filled or tried; */
    double traded_today;     /* on it, */
    double traded[TD_TIER_DAYS_MAX]; /* and on the tier_days days before, day d at d modulo tier_days */

    /* orders, oldest first */
    int order_count;
    int64_t filled_group;    /* of the order of a group that filled last */
    td_order orders[TD_ORDERS_MAX + 1]; /* a place more, for what a risk limit closes */

    /* risk */
    double day_equity;       /* at the end of the UTC day before */
    int64_t day_end, funding_bar, borrow_bar; /* the next bars on which something is due; INT64_MAX never */
    int64_t day_off_until, cool_until; /* no entries on bars before these, for a day's loss and for a losing trade */
    bool halted;             /* the drawdown limit was reached */

    /* ledger lines and counts that vectors do not keep */
    double funding_paid, borrow_paid;
    double refused[TD_REFUSAL_COUNT];
} td_account;

/* Orders and open trades of a set in profile backtesting, where several trades stand at once (sim/profile_backtesting.c). */
typedef struct td_order_list td_order_list;
/* Bytes of one, 0 where sets of the def need none; and its state before bar 0. */
size_t td_order_list_bytes(const td_play_def *def);
void td_order_list_start(td_order_list *list);

/* One lane at the broker's desk. */
typedef struct td_seat {
    const td_kernel_deck *deck;
    double *field;           /* field f of the lane is field[f * stride] */
    int stride;
    td_account *account;
    td_order_list *list;     /* NULL where the def needs none */
    int64_t sample;          /* the next sample */
    int64_t finer;           /* the finer bar that prices are in, while something happens */
    bool thorough;           /* looks at every finer bar, also where guards say that nothing happens: what they are tested with */
    const td_observer *observer; /* NULL in sweeps */
    td_fill_reason entry_reason; /* of the open position, for the observer ... */
    int64_t entry_ns;            /* ... and when it was entered */
} td_seat;

/* How the lanes engine plays the set, if the strategy places no orders of its own. */
td_route td_route_of(const td_play_def *def, const td_set *set);
/* A new account. Returns the first bar at which the broker wants to be asked: the lane's `wake`. */
double td_account_start(const td_kernel_deck *deck, const td_set *set, td_account *account);

/* Everything that happens to the lane in bar t up to its close. Nothing does where the bar reaches neither guard_low nor guard_high and
 * comes before `wake`. */
void td_broker_bar(td_seat *seat, int64_t t);
/* Carries out what was decided on bar t, after its close was marked. */
void td_broker_decide(td_seat *seat, const td_decision *decision, int64_t t);
/* The end of the last bar where `finalize` is set, before its close is marked. decision: of the last bar; profile backtesting only. */
void td_broker_finalize(td_seat *seat, const td_decision *decision);

#endif
