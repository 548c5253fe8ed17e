/* Orders, and what a strategy decides: the words between strategies, the lanes engine and the broker. */
#ifndef TAPEDECK_SIM_ORDER_H
#define TAPEDECK_SIM_ORDER_H

#include "sim/kernel.h"

/* A working order of one set, or one it asks for. */
typedef struct td_order {
    td_order_kind kind;
    bool exit;             /* reduces the position, never opens one; `scale` is a fraction of the position then */
    bool target;           /* of target(): keeps a position that already stands that way (rule R05) ... */
    bool resize;           /* ... but one of rebalance() brings it to its size (rule R80) */
    int64_t group;         /* orders of one group other than 0 cancel each other; as requested: among those of the same bar */
    double side;           /* +1 buys, -1 sells; of a request to rebalance: the fraction, with its sign */
    double scale;          /* of what sizing allows, (0, 1] */
    double limit, stop;    /* levels; which of them depends on kind */
    double stop_loss, take_profit, trail; /* levels, and a distance, for the position it opens; NaN: none */
    double volatility;     /* at the deciding bar, for stops and sizes in multiples of it */
    int64_t due;           /* market: the bar it fills on */
    int64_t expires;       /* the last bar it works on */
    double bars;           /* it works from the decision on; +inf: until cancelled */
    td_fill_reason reason; /* market */
} td_order;

/* What one set wants after a bar. */
typedef struct td_decision {
    bool wants;              /* a target? */
    double target, volatility;
    int request_count;       /* more than TD_REQUESTS_MAX: too many */
    const td_order *requests; /* with `bars`, not yet `expires` */
} td_decision;

/* An order as a strategy asks for it, in lanes. */
typedef struct td_request {
    td_order_kind kind;
    bool exit;
    int group;
    td_mask where;
    td_real bars; /* it works; +inf: until cancelled */
    td_real side, scale, limit, stop, stop_loss, take_profit, trail;
} td_request;

/* What the lanes of a vector want after a bar. */
typedef struct td_wish {
    td_real target;
    td_mask where; /* has a target */
    td_real volatility;
    int request_count;
    const td_request *requests;
} td_wish;

/* What one of them wants; its orders go into orders (TD_REQUESTS_MAX). */
TD_INLINE td_decision td_decision_of(const td_wish *wish, int lane, td_order *orders) {
#define TD_AT(vector) (((const double *)&(vector))[lane])
    td_decision decision = {.wants = td_mask_word(wish->where) >> lane & 1, .target = TD_AT(wish->target),
                            .volatility = TD_AT(wish->volatility), .requests = orders};
    if (wish->request_count > TD_REQUESTS_MAX) {
        decision.request_count = wish->request_count;
        return decision;
    }
    for (int i = 0; i < wish->request_count; i++) {
        const td_request *request = &wish->requests[i];
        if (!(td_mask_word(request->where) >> lane & 1)) continue;
        orders[decision.request_count++] =
            (td_order){.kind = request->kind, .exit = request->exit, .group = request->group, .bars = TD_AT(request->bars),
                       .side = TD_AT(request->side), .scale = TD_AT(request->scale), .limit = TD_AT(request->limit),
                       .stop = TD_AT(request->stop), .stop_loss = TD_AT(request->stop_loss), .take_profit = TD_AT(request->take_profit),
                       .trail = TD_AT(request->trail)};
    }
#undef TD_AT
    return decision;
}

#endif
