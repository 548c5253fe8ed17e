/* See ladder.h. */
#include "data/ladder.h"

#include <stdlib.h>
#include <string.h>

enum { WORDS = TD_LADDER_TICKS / 64, MARGIN = TD_LADDER_TICKS / 8, FAR_ROOM = 256 };
#define NONE TD_NO_BID

/* A level outside the window, or of too many lots for a cell. One without lots is only a place that probing passes. */
typedef struct td_ladder_far {
    int32_t key; /* NONE: never used */
    int64_t lots;
} td_ladder_far;

/* ---- what lies far away ---- */

static td_ladder_far *far_place(td_ladder_far *far, int64_t room, int32_t key) {
    uint64_t at = ((uint32_t)key * 0x9e3779b97f4a7c15ull) >> 32;
    for (;; at++) {
        td_ladder_far *place = &far[at & (uint64_t)(room - 1)];
        if (place->key == key || place->key == NONE) return place;
    }
}

static td_ladder_far *far_alloc(int64_t room) {
    td_ladder_far *far = malloc((size_t)room * sizeof *far);
    if (!far) abort(); /* some bytes a level; there is no going on without */
    for (int64_t i = 0; i < room; i++) far[i] = (td_ladder_far){.key = NONE};
    return far;
}

/* Makes room, leaving out places whose level is gone. */
static void far_grow(td_ladder_side *side) {
    int64_t live = 0;
    for (int64_t i = 0; i < side->far_room; i++) live += side->far[i].lots != 0;
    int64_t room = FAR_ROOM;
    while (room < live * 4) room *= 2;
    td_ladder_far *far = far_alloc(room);
    for (int64_t i = 0; i < side->far_room; i++)
        if (side->far[i].lots) *far_place(far, room, side->far[i].key) = side->far[i];
    free(side->far);
    side->far = far;
    side->far_room = room;
    side->far_used = live;
}

static int64_t far_set(td_ladder_side *side, int32_t key, int64_t lots) {
    td_ladder_far *place = far_place(side->far, side->far_room, key);
    int64_t before = place->lots;
    if (place->key == NONE) {
        if (!lots) return 0;
        if (side->far_used * 2 >= side->far_room) {
            far_grow(side);
            place = far_place(side->far, side->far_room, key);
        }
        side->far_used++;
    }
    *place = (td_ladder_far){.key = key, .lots = lots};
    return before;
}

/* ---- the window ---- */

static bool inside(const td_ladder_side *side, int32_t key) { return (uint32_t)key - (uint32_t)side->first < TD_LADDER_TICKS; }

/* Puts a level, wherever it belongs; says nothing of the best. */
static int64_t put(td_ladder_side *side, int32_t key, int64_t lots) {
    if (!inside(side, key)) return far_set(side, key, lots);
    uint32_t cell = (uint32_t)key - (uint32_t)side->first;
    int64_t before = side->lots[cell] == TD_LOTS_WIDE ? far_set(side, key, 0) : (int64_t)side->lots[cell];
    if (lots >= (int64_t)TD_LOTS_WIDE) far_set(side, key, lots);
    side->lots[cell] = lots >= (int64_t)TD_LOTS_WIDE ? TD_LOTS_WIDE : (uint32_t)lots;
    uint64_t bit = 1ull << (cell % 64);
    side->bits[cell / 64] = (side->bits[cell / 64] & ~bit) | (lots ? bit : 0);
    return before;
}

static void empty_window(td_ladder_side *side) {
    for (int w = 0; w < WORDS; w++) {
        if (!side->bits[w]) continue;
        side->bits[w] = 0;
        memset(side->lots + w * 64, 0, 64 * sizeof *side->lots);
    }
}

/* Puts `key` in the middle of the window. */
static void move_window(td_ladder_side *side, int32_t key) {
    for (int w = 0; w < WORDS; w++)
        for (uint64_t bits = side->bits[w]; bits; bits &= bits - 1) {
            int cell = w * 64 + __builtin_ctzll(bits);
            if (side->lots[cell] != TD_LOTS_WIDE) far_set(side, side->first + cell, side->lots[cell]);
        }
    empty_window(side);
    side->first = key - TD_LADDER_TICKS / 2;
    for (int64_t i = 0; i < side->far_room; i++) {
        td_ladder_far *far = &side->far[i];
        if (!far->lots || !inside(side, far->key)) continue;
        uint32_t cell = (uint32_t)far->key - (uint32_t)side->first;
        side->bits[cell / 64] |= 1ull << (cell % 64);
        side->lots[cell] = far->lots >= (int64_t)TD_LOTS_WIDE ? TD_LOTS_WIDE : (uint32_t)far->lots;
        if (side->lots[cell] != TD_LOTS_WIDE) far->lots = 0;
    }
}

/* The largest occupied key below `key`, NONE when there is none. */
static int32_t next_below(const td_ladder_side *side, int32_t key) {
    int64_t cell = (int64_t)key - side->first - 1;
    if (cell >= TD_LADDER_TICKS) cell = TD_LADDER_TICKS - 1;
    int32_t found = NONE;
    if (cell >= 0) {
        int64_t w = cell / 64;
        uint64_t bits = side->bits[w] & (~0ull >> (63 - cell % 64));
        while (!bits && w > 0) bits = side->bits[--w];
        if (bits) found = side->first + (int32_t)(w * 64 + 63 - __builtin_clzll(bits));
    }
    if (found != NONE && key - 1 < side->first + TD_LADDER_TICKS) return found; /* nothing that is far lies between */
    for (int64_t i = 0; i < side->far_room; i++)
        if (side->far[i].lots && side->far[i].key < key && side->far[i].key > found) found = side->far[i].key;
    return found;
}

/* Gives the side its best key, and the window its place. */
static void set_best(td_ladder_side *side, int32_t best) {
    side->best = best;
    if (best == NONE) return;
    int64_t cell = (int64_t)best - side->first;
    if (cell < MARGIN || cell >= TD_LADDER_TICKS - MARGIN) move_window(side, best);
}

void td_ladder_settle(td_ladder_side *side, int32_t key, bool there) { set_best(side, there ? key : next_below(side, key)); }

int64_t td_ladder_set_elsewhere(td_ladder_side *side, int32_t key, int64_t lots) {
    int64_t before = put(side, key, lots);
    if (lots ? key > side->best : key == side->best) td_ladder_settle(side, key, lots != 0);
    return before;
}

int64_t td_ladder_lots_elsewhere(const td_ladder_side *side, int32_t key) {
    return key == NONE ? 0 : far_place(side->far, side->far_room, key)->lots;
}

/* ---- both sides ---- */

td_status td_ladder_open(td_ladder **out, td_error *error) {
    td_ladder *ladder = calloc(1, sizeof *ladder);
    bool bad = !ladder;
    for (int s = 0; !bad && s < 2; s++) {
        td_ladder_side *side = &ladder->side[s];
        *side = (td_ladder_side){.best = NONE, .lots = calloc(TD_LADDER_TICKS, sizeof *side->lots), .bits = calloc(WORDS, sizeof *side->bits),
                                 .far = far_alloc(FAR_ROOM), .far_room = FAR_ROOM};
        bad = !side->lots || !side->bits;
    }
    *out = bad ? NULL : ladder;
    if (!bad) return TD_OK;
    td_ladder_close(ladder);
    return td_fail(error, TD_NO_MEMORY, "memory ran out");
}

void td_ladder_close(td_ladder *ladder) {
    if (!ladder) return;
    for (int s = 0; s < 2; s++) {
        free(ladder->side[s].lots);
        free(ladder->side[s].bits);
        free(ladder->side[s].far);
    }
    free(ladder);
}

void td_ladder_reset(td_ladder *ladder) {
    for (int s = 0; s < 2; s++) td_ladder_clear(ladder, (td_side)s);
}

int64_t td_ladder_levels(const td_ladder *ladder, td_side s) {
    const td_ladder_side *side = &ladder->side[s];
    int64_t levels = 0;
    for (int w = 0; w < WORDS; w++) levels += __builtin_popcountll(side->bits[w]);
    for (int64_t i = 0; i < side->far_room; i++) levels += side->far[i].lots && !inside(side, side->far[i].key);
    return levels;
}

int32_t td_ladder_next(const td_ladder *ladder, td_side side, int32_t tick) {
    return td_ladder_key(side, next_below(&ladder->side[side], td_ladder_key(side, tick)));
}

int64_t td_ladder_uncross(td_ladder *ladder, td_side side, int32_t tick) {
    td_ladder_side *other = &ladder->side[!side];
    int32_t last = td_ladder_key((td_side)!side, tick);
    int64_t removed = 0;
    for (; other->best != NONE && other->best >= last; removed++) {
        put(other, other->best, 0);
        td_ladder_settle(other, other->best, false);
    }
    return removed;
}

void td_ladder_step_back(td_ladder *ladder, td_side side, int32_t tick) {
    td_ladder_side *other = &ladder->side[!side];
    int32_t last = td_ladder_key((td_side)!side, tick);
    if (tick == td_ladder_best(ladder, side) && other->best >= last) set_best(other, next_below(other, last));
}

void td_ladder_clear_to(td_ladder *ladder, td_side s, int32_t tick) {
    td_ladder_side *side = &ladder->side[s];
    int32_t last = td_ladder_key(s, tick);
    for (int32_t key = side->best; key != NONE && key >= last; key = next_below(side, key)) put(side, key, 0);
    set_best(side, next_below(side, last));
}

void td_ladder_clear(td_ladder *ladder, td_side s) {
    td_ladder_side *side = &ladder->side[s];
    empty_window(side);
    for (int64_t i = 0; i < side->far_room; i++) side->far[i] = (td_ladder_far){.key = NONE};
    side->far_used = 0;
    side->best = NONE;
}
