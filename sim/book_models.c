/* See book_models.h. */
#include "sim/book_models.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/math.h"

/* ---- queues ---- */

static const char *const queue_names[TD_QUEUE_KIND_COUNT] = {"risk_adverse", "power", "power2", "power3", "log", "log2", "l3_fifo"};
#define QUEUE_NAMES "risk_adverse, power(n), power2(n), power3(n), log, log2 or l3_fifo"
static bool has_exponent(td_queue_kind kind) { return kind == TD_QUEUE_POWER || kind == TD_QUEUE_POWER2 || kind == TD_QUEUE_POWER3; }

/* The exponent is kept in thousandths, so that every code is a whole number. */
double td_queue_code(td_queue_kind kind, double n) { return (double)kind * 1e6 + (has_exponent(kind) ? rint(n * 1000) : 0); }
td_queue_kind td_queue_kind_of(double code) { return (td_queue_kind)(code / 1e6); }
double td_queue_exponent_of(double code) { return (code - floor(code / 1e6) * 1e6) / 1000; }

const char *td_queue_name(double code, char *text) {
    td_queue_kind kind = td_queue_kind_of(code);
    if (kind >= TD_QUEUE_KIND_COUNT)
        snprintf(text, 32, "unknown");
    else if (has_exponent(kind))
        snprintf(text, 32, "%s(%g)", queue_names[kind], td_queue_exponent_of(code));
    else
        snprintf(text, 32, "%s", queue_names[kind]);
    return text;
}

td_status td_queue_parse(const char *text, double *code, td_error *error) {
    for (int kind = 0; kind < TD_QUEUE_KIND_COUNT; kind++) {
        size_t length = strlen(queue_names[kind]);
        if (strncmp(text, queue_names[kind], length)) continue;
        const char *rest = text + length;
        if (!has_exponent((td_queue_kind)kind)) {
            if (*rest) continue;
            *code = td_queue_code((td_queue_kind)kind, 0);
            return TD_OK;
        }
        if (*rest && *rest != '(') continue; /* power2 begins as power does */
        char *end = NULL;
        double n = *rest ? strtod(rest + 1, &end) : NAN;
        if (!*rest || end == rest + 1 || strcmp(end, ")"))
            return td_fail(error, TD_BAD_ARG, "queue model %s wants an exponent, as in %s(2); found '%s'", queue_names[kind], queue_names[kind], text);
        if (!(n >= 0.001 && n <= 999) || fabs(n * 1000 - rint(n * 1000)) > 1e-6)
            return td_fail(error, TD_BAD_ARG, "the exponent of queue model '%s' must be 0.001 to 999, with at most three decimals", text);
        *code = td_queue_code((td_queue_kind)kind, n);
        return TD_OK;
    }
    return td_fail(error, TD_BAD_ARG, "unknown queue model '%s', must be " QUEUE_NAMES, text);
}

void td_queue_trade(double code, td_queue *queue, int64_t lots) {
    queue->front -= (double)lots;
    if (td_queue_kind_of(code) != TD_QUEUE_RISK_ADVERSE) queue->traded += (double)lots;
}

/* x to the n. What is behind an order may be less than nothing (a level that was cleared away): whole powers exist there. */
static double power(double x, double n) {
    if (n != floor(n) || n > 64) return td_pow(x, n);
    double result = 1;
    for (int left = (int)n; left; left >>= 1, x *= x)
        if (left & 1) result *= x;
    return result;
}

/* The chance that a cancel was behind the order, of so much ahead and behind. */
static double chance_behind(double code, double lot, double front, double back) {
    double n = td_queue_exponent_of(code);
    switch (td_queue_kind_of(code)) {
    case TD_QUEUE_POWER: {
        double behind = power(back, n);
        return behind / (behind + power(front, n));
    }
    case TD_QUEUE_POWER2: return power(back, n) / power(back + front, n);
    case TD_QUEUE_POWER3: return 1 - power(front / (front + back), n);
    case TD_QUEUE_LOG: {
        double behind = td_log(1 + back * lot);
        return behind / (behind + td_log(1 + front * lot));
    }
    case TD_QUEUE_LOG2: return td_log(1 + back * lot) / td_log(1 + (back + front) * lot);
    default: return 1;
    }
}

void td_queue_depth(double code, double lot, td_queue *queue, int64_t before, int64_t after) {
    double front = queue->front, level = (double)after;
    double estimate = front;
    if (td_queue_kind_of(code) != TD_QUEUE_RISK_ADVERSE) {
        double cancelled = (double)(before - after) - queue->traded;
        queue->traded = 0;
        if (cancelled >= 0) {
            double back = (double)before - front, behind = chance_behind(code, lot, front, back);
            if (isinf(behind)) behind = 1;
            double beyond = back - behind * cancelled; /* below 0: more was cancelled behind than there was */
            estimate = front - (1 - behind) * cancelled + (beyond < 0 ? beyond : 0);
        }
    }
    queue->front = estimate < level ? estimate : level; /* no number: the level */
}

int64_t td_queue_take(td_queue *queue) {
    int64_t lots = (int64_t)round(-queue->front);
    if (lots <= 0) return 0;
    queue->front = 0;
    return lots;
}

/* ---- latencies ---- */

const char *td_latency_name(td_latency_kind kind) {
    static const char *const names[TD_LATENCY_KIND_COUNT] = {"constant", "feed", "rows"};
    return names[kind];
}

static int64_t between(int64_t x, int64_t x1, int64_t y1, int64_t x2, int64_t y2) {
    return (int64_t)((double)(y2 - y1) / (double)(x2 - x1) * (double)(x - x1)) + y1;
}

static bool arrived(const td_latency_row *row) { return row->exchange_ns > 0; }

/* How many rows were sent by then. */
static int64_t sent_by(const td_latency_row *rows, int64_t count, int64_t ns) {
    int64_t low = 0, high = count;
    while (low < high) {
        int64_t middle = low + (high - low) / 2;
        if (rows[middle].request_ns <= ns)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

int64_t td_latency_entry_at(const td_latency_row *rows, int64_t count, int64_t offset_ns, int64_t request_ns) {
    int64_t sent = sent_by(rows, count, request_ns);
    const td_latency_row *a = &rows[sent ? sent - 1 : 0], *b = sent > 0 && sent < count ? a + 1 : a;
    bool rejected = !arrived(a) || !arrived(b);
    int64_t from = rejected ? a->response_ns - a->request_ns + 2 * offset_ns : a->exchange_ns - a->request_ns + offset_ns;
    int64_t to = rejected ? b->response_ns - b->request_ns + 2 * offset_ns : b->exchange_ns - b->request_ns + offset_ns;
    int64_t latency = a == b ? from : between(request_ns, a->request_ns, from, b->request_ns, to);
    return rejected ? -latency : latency;
}

int64_t td_latency_response_at(const td_latency_row *rows, int64_t count, int64_t offset_ns, int64_t exchange_ns) {
    /* of the orders sent by then the last that had arrived, and the next that did: rejected ones say nothing about the way back */
    int64_t first = sent_by(rows, count, exchange_ns) - 1;
    while (first >= 0 && !(arrived(&rows[first]) && rows[first].exchange_ns + offset_ns <= exchange_ns)) first--;
    int64_t second = first + 1;
    while (second < count && !arrived(&rows[second])) second++;
    if (first < 0 && second == count) return 0;
    const td_latency_row *a = &rows[first < 0 ? second : first], *b = &rows[first < 0 || second == count ? a - rows : second];
    int64_t from = a->response_ns - a->exchange_ns + offset_ns, to = b->response_ns - b->exchange_ns + offset_ns;
    return a == b ? from : between(exchange_ns, a->exchange_ns + offset_ns, from, b->exchange_ns + offset_ns, to);
}

/* ---- fees and contracts ---- */

const char *td_fee_name(td_fee_kind kind) {
    static const char *const names[TD_FEE_KIND_COUNT] = {"value", "quantity", "flat"};
    return names[kind];
}

const char *td_exchange_name(td_exchange_kind kind) {
    static const char *const names[TD_EXCHANGE_KIND_COUNT] = {"no_partial_fill", "partial_fill"};
    return names[kind];
}

double td_contract_value(const td_instrument *instrument, double price, double quantity) {
    double size = instrument->multiplier * quantity;
    return instrument->contract == TD_CONTRACT_INVERSE ? size / price : size * price;
}

double td_contract_equity(const td_instrument *instrument, double balance, double position, double fee, double price) {
    double value = td_contract_value(instrument, price, position);
    return instrument->contract == TD_CONTRACT_INVERSE ? -balance - value - fee : balance + value - fee;
}

double td_fee(const td_fees *fees, td_side side, bool maker, double value, double quantity) {
    double rate = maker ? fees->maker : fees->taker, of_side = (side == TD_BUY ? fees->buyer : fees->seller) * value;
    switch (fees->kind) {
    case TD_FEE_QUANTITY: return rate * quantity + of_side;
    case TD_FEE_FLAT: return rate + of_side;
    default: return rate * value + of_side;
    }
}
