/* The models that play on order books is made of: queues, latencies, fees. Plain functions of numbers, one set of them for all engines.
 * Sources: hftbacktest's models/queue.rs, models/latency.rs, fee.rs and assettype.rs for what modes have in common with it (formulas in
 * docs/book-rules.md). */
#ifndef TAPEDECK_SIM_BOOK_MODELS_H
#define TAPEDECK_SIM_BOOK_MODELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "data/book.h"
#include "data/latency_rows.h"

/* ---- queues ---- */

typedef enum td_queue_kind {
    TD_QUEUE_RISK_ADVERSE,
    TD_QUEUE_POWER,   /* power(n) */
    TD_QUEUE_POWER2,  /* power2(n) */
    TD_QUEUE_POWER3,  /* power3(n) */
    TD_QUEUE_LOG,
    TD_QUEUE_LOG2,
    TD_QUEUE_L3_FIFO, /* tapes with orders only */
    TD_QUEUE_KIND_COUNT
} td_queue_kind;

/* A queue model as the number that knob queue_model holds: kind * 1e6 + n * 1000, n with at most three decimals, 0.001 to 999. */
double td_queue_code(td_queue_kind kind, double n);
td_queue_kind td_queue_kind_of(double code);
double td_queue_exponent_of(double code);
/* "power2(2)"; text holds 32 bytes. And back: TD_BAD_ARG with a sentence that lists the models. */
const char *td_queue_name(double code, char *text);
td_status td_queue_parse(const char *text, double *code, td_error *error);

/* Where an order is in the queue of its level. All in lots; `lot` is for models that depend on the unit (log). */
typedef struct td_queue {
    double front;  /* ahead of it; below 0: that much was more than enough */
    double traded; /* at its price since the last change of the level */
} td_queue;
static inline td_queue td_queue_join(int64_t level) { return (td_queue){.front = (double)level}; }
/* A trade of so many lots at its price; the level's quantity went from before to after. */
void td_queue_trade(double code, td_queue *queue, int64_t lots);
void td_queue_depth(double code, double lot, td_queue *queue, int64_t before, int64_t after);
/* Lots that come to the order now (0: none), asked after a trade. */
int64_t td_queue_take(td_queue *queue);

/* ---- latencies ---- */

typedef enum td_latency_kind { TD_LATENCY_CONSTANT, TD_LATENCY_FEED, TD_LATENCY_ROWS, TD_LATENCY_KIND_COUNT } td_latency_kind;
const char *td_latency_name(td_latency_kind kind);

/* Interpolated, as hftbacktest's IntpOrderLatency does it; an entry below 0: the order is rejected after that time. offset_ns is added
 * to exchange times, twice to response times. */
int64_t td_latency_entry_at(const td_latency_row *rows, int64_t count, int64_t offset_ns, int64_t request_ns);
int64_t td_latency_response_at(const td_latency_row *rows, int64_t count, int64_t offset_ns, int64_t exchange_ns);

/* ---- fees and contracts ---- */

typedef enum td_fee_kind { TD_FEE_VALUE, TD_FEE_QUANTITY, TD_FEE_FLAT, TD_FEE_KIND_COUNT } td_fee_kind;
const char *td_fee_name(td_fee_kind kind);

typedef enum td_exchange_kind { TD_EXCHANGE_NO_PARTIAL_FILL, TD_EXCHANGE_PARTIAL_FILL, TD_EXCHANGE_KIND_COUNT } td_exchange_kind;
const char *td_exchange_name(td_exchange_kind kind);

/* What so much at a price is worth: multiplier * p * q, of inverse contracts multiplier * q / p. */
double td_contract_value(const td_instrument *instrument, double price, double quantity);
/* Equity of a position: balance and value, minus fee; of inverse contracts -balance - value - fee. */
double td_contract_equity(const td_instrument *instrument, double balance, double position, double fee, double price);

typedef struct td_fees {
    td_fee_kind kind;
    double maker, taker;  /* of value, of quantity, or for each execution */
    double buyer, seller; /* of value, beside */
} td_fees;
double td_fee(const td_fees *fees, td_side side, bool maker, double value, double quantity);

#endif
