/* See poison.h. */
#include "sweeps/poison.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "base/random.h"
#include "base/sorted.h"
#include "sim/order.h"

enum { COLUMNS = 5 };
#define REPLAY_BUDGET 1e7 /* bars per poison that are replayed when the caller leaves it open: a second or two */

const char *td_poison_name(td_poison poison) {
#define TD_POISON_STRING(name, text) #name,
    static const char *const names[] = {TD_POISONS(TD_POISON_STRING)};
#undef TD_POISON_STRING
    return names[poison];
}

const char *td_poison_text(td_poison poison) {
#define TD_POISON_STRING(name, text) text,
    static const char *const texts[] = {TD_POISONS(TD_POISON_STRING)};
#undef TD_POISON_STRING
    return texts[poison];
}

/* ---- events ---- */

typedef enum event_kind { DECISION, FILL, BAR } event_kind;

typedef struct event {
    int32_t kind;   /* event_kind */
    int32_t reason; /* of a fill */
    int64_t bar;
    double first, second; /* target; units and price; equity and position */
    int32_t orders;       /* of a decision: how many besides the target ... */
    uint64_t digest;      /* ... and a number over everything that it says of them */
} event;

static bool same_event(const event *a, const event *b) {
    return a->kind == b->kind && a->reason == b->reason && a->bar == b->bar && memcmp(&a->first, &b->first, sizeof a->first) == 0 &&
           memcmp(&a->second, &b->second, sizeof a->second) == 0 && a->orders == b->orders && a->digest == b->digest;
}

static void describe_event(const event *event, char *text, size_t size) {
    switch (event->kind) {
    case DECISION:
        if (!event->orders)
            snprintf(text, size, "decided %.17g", event->first);
        else if (isnan(event->first))
            snprintf(text, size, "asked for %d order%s", event->orders, event->orders > 1 ? "s" : "");
        else
            snprintf(text, size, "decided %.17g and asked for %d order%s", event->first, event->orders, event->orders > 1 ? "s" : "");
        return;
    case FILL:
        snprintf(text, size, "%s %.17g at %.17g (%s)", event->first > 0 ? "bought" : "sold", fabs(event->first), event->second,
                 td_fill_reason_name((td_fill_reason)event->reason));
        return;
    default: snprintf(text, size, "equity %.17g, position %.17g", event->first, event->second);
    }
}

/* What the true play did. */
typedef struct history {
    event *events;
    int64_t count, room;
    bool full; /* memory ran out */
} history;

/* The bars of a tape, and what becomes of them. */
typedef struct layer {
    const td_tape *truth;
    td_tape tape;             /* the poisoned one; columns are `columns` */
    double *columns[COLUMNS]; /* (T, N) each; NULL where the tape has none */
    double *future[COLUMNS];  /* the poison itself */
} layer;

/* One poison's memory, and what is under way in it. */
typedef struct witness {
    layer bars, finer;                /* finer.truth is NULL where the tape has no finer bars */
    const td_play_def *def;
    const td_set *set;
    const history *history;
    td_poison poison;
    int64_t cut;                      /* the play under way: events up to here are compared ... */
    int64_t next;                     /* ... and the next one is this one of history */
    bool over, differs;
    td_leak leak;                     /* of the play under way */
    int64_t revealed;                 /* bars of the tape that are true */
    int64_t bars_replayed;
    td_leak first;                    /* of all plays */
    bool leaks, inconclusive;
    bool *leaking;                    /* (cuts) */
} witness;

static void note(history *history, event event) {
    if (history->count == history->room) {
        int64_t room = 2 * history->room + 1024;
        struct event *grown = realloc(history->events, (size_t)room * sizeof *grown);
        if (!grown) {
            history->full = true;
            return;
        }
        history->events = grown;
        history->room = room;
    }
    history->events[history->count++] = event;
}

/* The play is at `found`: is that what the true play did next? */
static void compare(witness *witness, event found) {
    if (witness->over) return;
    const history *history = witness->history;
    const event *expected = witness->next < history->count ? &history->events[witness->next] : NULL;
    bool due = expected && expected->bar <= witness->cut, came = found.bar <= witness->cut;
    if (!due && !came) {
        witness->over = true;
        return;
    }
    if (due && came && same_event(expected, &found)) {
        witness->next++;
        return;
    }
    witness->over = witness->differs = true;
    td_leak *leak = &witness->leak;
    *leak = (td_leak){.bar = due && (!came || expected->bar < found.bar) ? expected->bar : found.bar, .cut = witness->cut,
                      .poison = witness->poison};
    /* an event that only one of the two had: the other one is already at something else */
    const event *true_one = due && expected->bar == leak->bar ? expected : NULL, *own = came && found.bar == leak->bar ? &found : NULL;
    if (true_one && own && true_one->kind != own->kind) {
        if (true_one->kind < own->kind)
            own = NULL;
        else
            true_one = NULL;
    }
    const char *none = (true_one ? true_one : own)->kind == DECISION ? "no decision" : "no fill";
    snprintf(leak->truth, sizeof leak->truth, "%s", none);
    snprintf(leak->poisoned, sizeof leak->poisoned, "%s", none);
    if (true_one) describe_event(true_one, leak->truth, sizeof leak->truth);
    if (own) describe_event(own, leak->poisoned, sizeof leak->poisoned);
}

static event event_of_fill(const td_fill *fill) {
    return (event){.kind = FILL, .reason = (int32_t)fill->reason, .bar = fill->bar, .first = fill->units, .second = fill->price};
}
static event event_of_bar(int64_t bar, double equity, double position) {
    return (event){.kind = BAR, .bar = bar, .first = equity, .second = position};
}

static uint64_t mixed(uint64_t digest, double value) {
    digest = (digest ^ td_bits_of(value)) * 0x9E3779B97F4A7C15ull; /* Fibonacci hashing */
    return digest ^ digest >> 29;
}
static event event_of_decision(int64_t bar, const td_decision *decision) {
    event event = {.kind = DECISION, .bar = bar, .first = decision->wants ? decision->target : NAN, .orders = decision->request_count,
                   .digest = mixed(0, decision->volatility)};
    for (int i = 0; i < decision->request_count; i++) {
        const td_order *order = &decision->requests[i];
        const double said[] = {order->kind,  order->exit,  order->group, order->side, order->scale, order->limit,
                               order->stop,  order->stop_loss, order->take_profit, order->trail, (double)order->expires};
        for (size_t k = 0; k < sizeof said / sizeof *said; k++) event.digest = mixed(event.digest, said[k]);
    }
    return event;
}

static void note_fill(void *context, const td_fill *fill) { note(context, event_of_fill(fill)); }
static void note_bar(void *context, int64_t bar, double equity, double position) { note(context, event_of_bar(bar, equity, position)); }
static void note_decision(void *context, int64_t bar, const td_decision *decision) { note(context, event_of_decision(bar, decision)); }

static void compare_fill(void *context, const td_fill *fill) { compare(context, event_of_fill(fill)); }
static void compare_bar(void *context, int64_t bar, double equity, double position) {
    compare(context, event_of_bar(bar, equity, position));
}
static void compare_decision(void *context, int64_t bar, const td_decision *decision) {
    compare(context, event_of_decision(bar, decision));
}

/* ---- poison ---- */

static const double *column_of(const td_tape *tape, int column) {
    const double *const columns[COLUMNS] = {tape->open, tape->high, tape->low, tape->close, tape->volume};
    return columns[column];
}

/* The future of every bar. Bars stay bars (high at the top, all above 0), but for the first poison. */
static td_status brew(const witness *witness, layer *layer, td_error *error) {
    const td_tape *truth = layer->truth;
    int64_t bars = truth->bars, symbols = truth->symbols;
    /* Fisher and Yates, as Knuth has it: a random order of the bars */
    int64_t *order = malloc((size_t)bars * sizeof *order);
    if (!order) return td_fail(error, TD_NO_MEMORY, "no memory to shuffle %lld bars", (long long)bars);
    for (int64_t t = 0; t < bars; t++) order[t] = t;
    for (int64_t t = bars - 1; t > 0; t--) {
        int64_t other = (int64_t)(td_random_uniform(1, TD_PURPOSE_SUBSAMPLE, 1, (uint64_t)t) * (double)(t + 1)), kept = order[t];
        order[t] = order[other];
        order[other] = kept;
    }
    for (int c = 0; c < COLUMNS; c++) {
        if (!layer->future[c]) continue;
        const double *from = column_of(truth, c), *mirror = column_of(truth, c == 1 ? 2 : c == 2 ? 1 : c);
        for (int64_t t = 0; t < bars; t++)
            for (int64_t s = 0; s < symbols; s++) {
                double *to = &layer->future[c][t * symbols + s], value = from[t * symbols + s], about = witness->bars.truth->close[s];
                switch (witness->poison) {
                case TD_POISON_nan: *to = NAN; break;
                case TD_POISON_thousandfold: *to = value * 1000; break;
                case TD_POISON_mirrored: *to = c == 4 ? value + 1 : about / mirror[t * symbols + s] * about; break;
                default: *to = from[order[t] * symbols + s];
                }
            }
    }
    free(order);
    return TD_OK;
}

static void pour_layer(layer *layer, int64_t from, int64_t to, bool poison) {
    int64_t symbols = layer->truth->symbols;
    for (int c = 0; c < COLUMNS && from < to; c++)
        if (layer->columns[c])
            memcpy(layer->columns[c] + from * symbols,
                   (poison ? layer->future[c] : column_of(layer->truth, c)) + from * symbols,
                   (size_t)((to - from) * symbols) * sizeof(double));
}

/* The first bar of the tape that opens at or after a time. */
static int64_t bar_from(const td_tape *tape, int64_t time_ns) { return td_first_from(tape->time_ns, tape->bars, time_ns); }

/* Bars [from, to) of the tape become true, or poison, and the finer bars in them. */
static void pour(witness *witness, int64_t from, int64_t to, bool poison) {
    const td_tape *truth = witness->bars.truth, *finer = witness->finer.truth;
    if (from >= to) return;
    pour_layer(&witness->bars, from, to, poison);
    if (finer)
        pour_layer(&witness->finer, bar_from(finer, truth->time_ns[from]), bar_from(finer, truth->time_ns[to - 1] + truth->interval_ns),
                   poison);
}

/* ---- plays ---- */

static int64_t bars_of(const td_tape *tape, const td_play_def *def) { return def->bars ? def->bars : tape->bars - def->first_bar; }

static void keep_lowest(td_leak *first, bool *leaks, const td_leak *leak) {
    if (!*leaks || leak->bar < first->bar || (leak->bar == first->bar && leak->poison < first->poison)) *first = *leak;
    *leaks = true;
}

/* A deck made of bars that are true up to the cut and poison after it. The tape is so already up to witness->revealed. */
static td_status replay(witness *witness, int64_t cut, td_error *error) {
    int64_t first = witness->def->first_bar, all = bars_of(witness->bars.truth, witness->def), wanted = first + cut + 1;
    if (witness->revealed > wanted)
        pour(witness, wanted, witness->revealed, true);
    else
        pour(witness, witness->revealed, wanted, false);
    witness->revealed = wanted;

    /* one bar more, so that the cut is not the last bar, which decides in vain; all of them where windows do not fit */
    td_play_def def = *witness->def;
    td_deck *deck = NULL;
    td_status status = TD_OK;
    def.bars = cut + 2;
    for (;;) {
        status = td_deck_make(&witness->bars.tape, &def, &deck, error);
        if (status == TD_OK) status = td_check_set(deck, witness->set, error);
        if (status == TD_OK || def.bars == all) break;
        td_deck_free(deck);
        deck = NULL;
        def.bars = all;
    }
    if (status == TD_OK) {
        td_observer observer = {.on_fill = compare_fill, .on_bar = compare_bar, .on_decision = compare_decision, .context = witness};
        td_cell cell;
        witness->cut = cut;
        witness->next = 0;
        witness->over = witness->differs = false;
        status = td_play_detailed(deck, witness->set, &observer, &cell, NULL, error);
        witness->bars_replayed += def.bars;
        if (witness->differs) keep_lowest(&witness->first, &witness->leaks, &witness->leak);
    }
    td_deck_free(deck);
    return status;
}

static void reveal_bar(void *context, int64_t bar) {
    witness *witness = context;
    int64_t at = witness->def->first_bar + bar;
    pour(witness, at, at + 1, false);
    witness->revealed = at + 1;
    witness->cut = bar;
}

/* Open and volume of a bar become true. */
static void reveal_open(layer *layer, int64_t at) {
    int64_t symbols = layer->truth->symbols;
    for (int c = 0; c < COLUMNS; c += COLUMNS - 1)
        if (layer->columns[c])
            memcpy(layer->columns[c] + at * symbols, column_of(layer->truth, c) + at * symbols, (size_t)symbols * sizeof(double));
}

/* The order fills at the next open, at costs that may depend on that bar's volume: that much is needed to fill it. */
static void reveal_fill(void *context, int64_t bar, const td_decision *decision) {
    witness *witness = context;
    compare_decision(context, bar, decision);
    int64_t at = witness->def->first_bar + bar + 1;
    const td_tape *truth = witness->bars.truth, *finer = witness->finer.truth;
    if (at == truth->bars) return;
    reveal_open(&witness->bars, at);
    if (finer) reveal_open(&witness->finer, bar_from(finer, truth->time_ns[at]));
}

/* Decisions and fills of the next open come before the next bar is revealed: the cut is the bar of the event. */
static void compare_revealed_fill(void *context, const td_fill *fill) {
    witness *witness = context;
    if (fill->bar > witness->cut) witness->cut = fill->bar;
    compare_fill(context, fill);
}

/* All cuts in one play; then a replay at the first difference, which decides whether it is a leak. */
static td_status reveal(witness *witness, td_error *error) {
    pour(witness, 0, witness->def->first_bar, false);
    pour(witness, witness->def->first_bar, witness->bars.truth->bars, true);
    witness->revealed = witness->def->first_bar;
    td_deck *deck;
    td_cell cell;
    TD_TRY(td_deck_make(&witness->bars.tape, witness->def, &deck, error));
    td_observer observer = {.on_fill = compare_revealed_fill, .on_bar = compare_bar, .on_decision = reveal_fill,
                            .before_bar = reveal_bar, .context = witness};
    witness->cut = -1;
    witness->next = 0;
    witness->over = witness->differs = false;
    td_status status = td_play_detailed(deck, witness->set, &observer, &cell, NULL, error);
    td_deck_free(deck);
    witness->bars_replayed += bars_of(witness->bars.truth, witness->def);
    if (status != TD_OK || !witness->differs) return status;
    int64_t bar = witness->leak.bar, last = bars_of(witness->bars.truth, witness->def) - 1;
    /* the peek shows at the bar that it was made on, or in a fill at the next open */
    for (int64_t cut = bar > 0 ? bar - 1 : 0; cut <= bar && cut < last; cut++) {
        TD_TRY(replay(witness, cut, error));
        if (witness->differs) return TD_OK;
    }
    witness->inconclusive = true;
    return TD_OK;
}

static void release(layer *layer) {
    for (int c = 0; c < COLUMNS; c++) {
        free(layer->columns[c]);
        free(layer->future[c]);
    }
}

static td_status prepare(const witness *witness, layer *layer, td_error *error) {
    const td_tape *truth = layer->truth;
    size_t bytes = (size_t)(truth->bars * truth->symbols) * sizeof(double);
    for (int c = 0; c < COLUMNS; c++) {
        if (!column_of(truth, c)) continue;
        layer->columns[c] = malloc(bytes);
        layer->future[c] = malloc(bytes);
        if (!layer->columns[c] || !layer->future[c])
            return td_fail(error, TD_NO_MEMORY, "no memory for a second tape of %lld bars", (long long)truth->bars);
    }
    layer->tape = *truth;
    layer->tape.open = layer->columns[0];
    layer->tape.high = layer->columns[1];
    layer->tape.low = layer->columns[2];
    layer->tape.close = layer->columns[3];
    layer->tape.volume = layer->columns[4];
    layer->tape.map = NULL; /* whatever else the file holds is not poisoned, so it must not be there */
    layer->tape.finer = NULL;
    return brew(witness, layer, error);
}

static td_status work(witness *witness, const td_arrow *arrow, td_error *error) {
    TD_TRY(prepare(witness, &witness->bars, error));
    if (witness->finer.truth) {
        TD_TRY(prepare(witness, &witness->finer, error));
        witness->bars.tape.finer = &witness->finer.tape;
    }
    TD_TRY(reveal(witness, error));
    pour(witness, 0, witness->bars.truth->bars, true);
    witness->revealed = 0;
    for (int64_t i = 0; i < arrow->cuts; i++) {
        TD_TRY(replay(witness, i * arrow->every, error));
        witness->leaking[i] = witness->differs;
    }
    return TD_OK;
}

/* As many cuts as fit into the budget; and not at a round number of bars, so that they fall on every hour of the day. */
static int64_t choose_every(int64_t bars) {
    int64_t every = (int64_t)((double)bars * (double)bars / (2 * REPLAY_BUDGET)) + 1;
    while (every > 1 && (every % 2 == 0 || every % 3 == 0 || every % 5 == 0 || every % 7 == 0)) every++;
    return every;
}

td_status td_prove_arrow(const td_tape *tape, const td_play_def *asked, const td_set *set, int64_t every, td_arrow *arrow,
                         td_error *error) {
    td_play_def def = *asked;
    def.finalize = false;
    int64_t bars = bars_of(tape, &def);
    *arrow = (td_arrow){.bars = bars, .every = every ? every : choose_every(bars), .revealed = true};
    arrow->cuts = bars >= 2 ? (bars - 2) / arrow->every + 1 : 0; /* after the last bar there is no future */

    history history = {0};
    td_observer observer = {.on_fill = note_fill, .on_bar = note_bar, .on_decision = note_decision, .context = &history};
    td_deck *deck;
    td_cell cell;
    TD_TRY(td_deck_make(tape, &def, &deck, error));
    td_status status = td_play_detailed(deck, set, &observer, &cell, NULL, error);
    td_deck_free(deck);
    witness witnesses[TD_POISON_COUNT];
    bool *leaking = calloc((size_t)(arrow->cuts * TD_POISON_COUNT) + 1, sizeof *leaking);
    if (status == TD_OK && (history.full || !leaking)) status = td_fail(error, TD_NO_MEMORY, "no memory to keep what the set did");
    if (status != TD_OK) {
        free(history.events);
        free(leaking);
        return status;
    }
    arrow->events = history.count;
    #pragma omp parallel for num_threads(TD_POISON_COUNT) schedule(static, 1)
    for (int p = 0; p < TD_POISON_COUNT; p++) {
        td_error mine = {.message = ""};
        witnesses[p] = (witness){.bars.truth = tape, .finer.truth = tape->finer, .def = &def, .set = set, .history = &history, .poison = (td_poison)p,
                                 .leaking = leaking + p * arrow->cuts};
        td_status end = work(&witnesses[p], arrow, &mine);
        release(&witnesses[p].bars);
        release(&witnesses[p].finer);
        #pragma omp critical(poison_status)
        if (end != TD_OK && status == TD_OK) {
            status = end;
            if (error) *error = mine;
        }
    }
    for (int p = 0; p < TD_POISON_COUNT; p++) {
        const witness *witness = &witnesses[p];
        if (witness->leaks) keep_lowest(&arrow->first, &arrow->leaks, &witness->first);
        arrow->revealed &= !witness->inconclusive;
        arrow->bars_replayed += witness->bars_replayed;
    }
    for (int64_t i = 0; i < arrow->cuts; i++) {
        bool leaks = false;
        for (int p = 0; p < TD_POISON_COUNT; p++) leaks |= leaking[p * arrow->cuts + i];
        arrow->cuts_leaking += leaks;
    }
    free(history.events);
    free(leaking);
    return status;
}
