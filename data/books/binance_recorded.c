/* Binance's web-socket streams as recorders keep them: a line is the local time (nanoseconds or microseconds since 1970), a blank, and
 * the JSON text as it came: {"stream": .., "data": {..}} of combined streams, the message alone of single ones, the answer to a REST
 * request for the book, or what the server says to a subscription. Spot, USD-M and COIN-M.
 *
 * The JSON is walked once, member by member; a member is where its value stands, nothing is copied and nothing allocated. Only what
 * these messages can hold is understood: anything else is a broken line, counted and passed over. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#ifdef __SSE4_1__
#include <smmintrin.h>
#endif

#include "data/book_feed.h"
#include "data/number.h"
#include "data/text_source.h"

enum {
    LINE_MAX_BYTES = 64 << 20,
    BROKEN_LEAST = 10,      /* so many broken lines are suffered in any file, ... */
    BROKEN_SHARE = 1000,    /* ... and of more, one in so many lines */
    FIRST_LINES = 100       /* of which some must be readable */
};

/* A value: where its text begins (behind the quote of a string) and ends. */
typedef struct value {
    const char *begin, *end;
} value;

/* Members of a message. Those of one letter have that letter's place; others one below 'A'. */
enum { KEY_PREVIOUS = 1, KEY_LAST_UPDATE, KEY_BIDS, KEY_ASKS, KEY_SYMBOL, KEY_STREAM, KEY_ANSWER, KEYS = 128 };
typedef struct members {
    uint64_t present[2];
    value of[KEYS];
    bool enveloped; /* "data" was there: the members are those inside it and those around it */
} members;

typedef struct reader {
    td_book_feed *feed;
    const char *wanted; /* NULL: the first symbol met */
    char symbol[TD_SYMBOL_MAX], other[TD_SYMBOL_MAX];
    const char *file;
    int64_t line, file_lines, good, broken;
    int64_t nameless_snapshots;
    char first_broken[96];
    char trade_kind; /* 't' or 'a': the stream of trades that is used, the first met */
    bool has_rule;
    td_funding funding; /* that the venue foretells; time_ns 0: none yet */
    int64_t last_event_ns;
    char *carry; /* the beginning of a line whose end is in the next piece */
    size_t carried, room;
} reader;

static bool has(const members *m, int key) { return m->present[key >> 6] >> (key & 63) & 1; }

/* ---- JSON ---- */

static const char *skip_blanks(const char *p, const char *end) {
    while (p < end && (*p == ' ' || *p == '\t' || *p == '\r')) p++;
    return p;
}

/* The quote that ends the string whose first character is at p; NULL when it has none. */
static const char *string_end(const char *p, const char *end) {
#ifdef __SSE4_1__
    if (end - p >= 16) { /* most are short, and have no backslash */
        __m128i text = _mm_loadu_si128((const __m128i *)p);
        unsigned quotes = (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(text, _mm_set1_epi8('"')));
        unsigned slashes = (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(text, _mm_set1_epi8('\\')));
        if (quotes && !(slashes & (quotes - 1))) return p + __builtin_ctz(quotes);
    }
#endif
    for (; p < end; p++) {
        if (*p == '"') return p;
        if (*p == '\\') p++;
    }
    return NULL;
}

/* Behind the first "]]". */
static const char *levels_end(const char *p, const char *end) {
#ifdef __SSE4_1__
    const __m128i bracket = _mm_set1_epi8(']');
    for (; end - p >= 17; p += 16) {
        __m128i first = _mm_cmpeq_epi8(_mm_loadu_si128((const __m128i *)p), bracket);
        __m128i second = _mm_cmpeq_epi8(_mm_loadu_si128((const __m128i *)(p + 1)), bracket);
        unsigned both = (unsigned)_mm_movemask_epi8(_mm_and_si128(first, second));
        if (both) return p + __builtin_ctz(both) + 2;
    }
#endif
    const char *found = memmem(p, (size_t)(end - p), "]]", 2);
    return found ? found + 2 : NULL;
}

/* Behind the array or object that begins at p. */
static const char *nested_end(const char *p, const char *end) {
    int depth = 0;
    if (end - p > 2 && p[0] == '[' && p[1] == '[') return levels_end(p, end); /* nothing in them looks like an end */
    for (; p < end; p++) {
        if (*p == '"') {
            p = string_end(p + 1, end);
            if (!p) return NULL;
        } else if (*p == '[' || *p == '{') {
            depth++;
        } else if ((*p == ']' || *p == '}') && --depth == 0) {
            return p + 1;
        }
    }
    return NULL;
}

static bool is_word(const char *p, size_t length, const char *word) { return strlen(word) == length && memcmp(p, word, length) == 0; }

/* The place of a member; 0: not of interest. */
static int key_of(const char *p, size_t length) {
    if (length == 1) return (unsigned char)*p < KEYS ? *p : 0;
    if (length == 2) return p[0] == 'p' && p[1] == 'u' ? KEY_PREVIOUS : 0;
    if (is_word(p, length, "lastUpdateId")) return KEY_LAST_UPDATE;
    if (is_word(p, length, "bids")) return KEY_BIDS;
    if (is_word(p, length, "asks")) return KEY_ASKS;
    if (is_word(p, length, "symbol")) return KEY_SYMBOL;
    if (is_word(p, length, "stream")) return KEY_STREAM;
    if (is_word(p, length, "result") || is_word(p, length, "code") || is_word(p, length, "error")) return KEY_ANSWER;
    return 0;
}

/* The members of the object at p; returns what is behind it, NULL when it is none. */
static const char *read_members(const char *p, const char *end, members *m, bool inside) {
    if (p == end || *p++ != '{') return NULL;
    p = skip_blanks(p, end);
    if (p < end && *p == '}') return p + 1;
    for (;;) {
        if (p == end || *p++ != '"') return NULL;
        const char *name = p;
        p = string_end(p, end);
        if (!p) return NULL;
        size_t length = (size_t)(p - name);
        p = skip_blanks(p + 1, end);
        if (p == end || *p++ != ':') return NULL;
        p = skip_blanks(p, end);
        if (p == end) return NULL;
        int key = key_of(name, length);
        value v = {p, p};
        if (*p == '"') {
            v.begin = p + 1;
            v.end = string_end(p + 1, end);
            if (!v.end) return NULL;
            p = v.end + 1;
        } else if (*p == '{' && !inside && !m->enveloped && is_word(name, length, "data")) {
            m->enveloped = true;
            p = read_members(p, end, m, true);
            if (!p) return NULL;
            key = 0;
        } else if (*p == '[' || *p == '{') {
            v.end = p = nested_end(p, end);
            if (!p) return NULL;
        } else {
            while (p < end && *p != ',' && *p != '}' && *p != ' ') p++;
            v.end = p;
            if (v.begin == v.end) return NULL;
        }
        if (key) {
            if (has(m, key)) return NULL; /* twice: which one is meant? */
            m->present[key >> 6] |= 1ull << (key & 63);
            m->of[key] = v;
        }
        p = skip_blanks(p, end);
        if (p == end) return NULL;
        if (*p == '}') return p + 1;
        if (*p++ != ',') return NULL;
        p = skip_blanks(p, end);
    }
}

static bool is_text(const members *m, int key, const char *word) {
    return has(m, key) && is_word(m->of[key].begin, (size_t)(m->of[key].end - m->of[key].begin), word);
}

static bool read_digits(const char *p, const char *end, int64_t *number) {
    if (p == end || end - p > 18) {
        if (end - p != 19 || *p > '8') return false; /* 19 digits below 9e18 are times in nanoseconds */
    }
    int64_t n = 0;
    for (; p < end; p++) {
        if (!td_is_digit(*p)) return false;
        n = n * 10 + (*p - '0');
    }
    *number = n;
    return true;
}

static bool read_whole(const members *m, int key, int64_t *number) {
    return has(m, key) && read_digits(m->of[key].begin, m->of[key].end, number);
}

/* Times come in milliseconds, microseconds or nanoseconds since 1970: the years 1973 to 2255 tell which. */
static bool scale_time(int64_t number, int64_t *ns) {
    static const int64_t early = 100000000000, late = 9000000000000; /* milliseconds */
    for (int64_t unit = 1000000; unit >= 1; unit /= 1000) {
        int64_t of_unit = 1000000 / unit;
        if (number < early * of_unit) return false;
        if (number < late * of_unit) {
            *ns = number * unit;
            return true;
        }
    }
    return false;
}

static bool read_time(const members *m, int key, int64_t *ns) {
    int64_t number;
    return read_whole(m, key, &number) && scale_time(number, ns);
}

/* T or else E; false only when one is there that is no time. */
static bool read_optional_time(const members *m, int64_t *ns) {
    *ns = 0;
    return (!has(m, 'T') && !has(m, 'E')) || read_time(m, has(m, 'T') ? 'T' : 'E', ns);
}

/* ---- levels ---- */

#ifdef __SSE4_1__
/* A number of 1 to 7 digits, a point and 1 to 8 digits, and a quote, in the 17 bytes at p: 10^8 times it, and where the quote is. False
 * when it is anything else. */
static inline bool read_plain(const char *p, int64_t *hundred_millions, const char **quote) {
    __m128i text = _mm_loadu_si128((const __m128i *)p);
    unsigned points = (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(text, _mm_set1_epi8('.')));
    /* bytes above '9' or below '0', as unsigned numbers */
    __m128i digit = _mm_sub_epi8(text, _mm_set1_epi8('0'));
    unsigned others = (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(_mm_min_epu8(digit, _mm_set1_epi8(10)), _mm_set1_epi8(10)));
    unsigned ends = others & ~points;
    if (!points) return false;
    int whole = __builtin_ctz(points), length = __builtin_ctz(ends | 1u << 16), decimals = length - whole - 1;
    bool one_point = !(points & (points - 1) & ((1u << length) - 1));
    if (whole < 1 || whole > 7 || decimals < 1 || decimals > 8 || p[length] != '"' || !one_point) return false;
    *hundred_millions = (int64_t)td_hundred_millions(p, whole, decimals);
    *quote = p + length;
    return true;
}
#endif

/* Pushes [["price","quantity"],...]; false when it is anything else. */
static bool push_levels(td_book_feed *feed, td_side side, value v) {
    const char *p = v.begin, *end = v.end;
    if (end - p < 2 || *p++ != '[') return false;
    if (*p == ']') return p + 1 == end;
    for (;;) {
#ifdef __SSE4_1__
        /* what nearly all are like; 17 bytes behind either quote are still in the line */
        int64_t price_e8, quantity_e8;
        const char *price_quote, *quantity_quote;
        if (end - p > 48 && p[0] == '[' && p[1] == '"' && read_plain(p + 2, &price_e8, &price_quote) && price_quote[1] == ',' &&
            price_quote[2] == '"' && read_plain(price_quote + 3, &quantity_e8, &quantity_quote) && quantity_quote[1] == ']' &&
            quantity_quote[2] == ',') {
            td_feed_row_nano(feed, side, price_e8 * 10, quantity_e8 * 10);
            p = quantity_quote + 3;
            continue;
        }
#endif
        /* the shortest is ["1","1"] and what follows it */
        if (end - p < 10 || p[0] != '[' || p[1] != '"') return false;
        const char *price = p + 2, *price_end = price;
        while (price_end < end && *price_end != '"') price_end++;
        if (end - price_end < 6 || price_end[1] != ',' || price_end[2] != '"') return false;
        const char *quantity = price_end + 3, *quantity_end = quantity;
        while (quantity_end < end && *quantity_end != '"') quantity_end++;
        if (end - quantity_end < 3 || quantity_end[1] != ']') return false;
        td_feed_row_text(feed, side, price, (size_t)(price_end - price), quantity, (size_t)(quantity_end - quantity));
        p = quantity_end + 3;
        if (quantity_end[2] == ']') return p == end;
        if (quantity_end[2] != ',') return false;
    }
}

/* ---- messages ---- */

static td_status broken(reader *r, const char *why) {
    td_feed_count_one(r->feed, TD_FEED_COUNT_broken, why);
    if (r->broken++ == 0) snprintf(r->first_broken, sizeof r->first_broken, "%s", why);
    return TD_OK;
}

static td_status other(reader *r, const char *what) {
    td_feed_count_one(r->feed, TD_FEED_COUNT_other, what);
    td_feed_count_one(r->feed, TD_FEED_COUNT_messages, NULL);
    r->good++;
    return TD_OK;
}

/* Is the message one of the symbol that is wanted? */
static bool is_wanted(reader *r, value name, td_status *status, td_error *error) {
    size_t length = (size_t)(name.end - name.begin);
    if (length >= TD_SYMBOL_MAX) length = TD_SYMBOL_MAX - 1;
    *status = TD_OK;
    if (!r->symbol[0]) {
        bool same = !r->wanted || (strlen(r->wanted) == length && strncasecmp(r->wanted, name.begin, length) == 0);
        char *to = same ? r->symbol : r->other;
        memcpy(to, name.begin, length);
        to[length] = 0;
        return same;
    }
    if (strlen(r->symbol) == length && strncasecmp(r->symbol, name.begin, length) == 0) return true;
    if (!r->other[0]) {
        memcpy(r->other, name.begin, length);
        r->other[length] = 0;
    }
    if (!r->wanted)
        *status = td_fail(error, TD_BAD_DATA, "%s:%lld: a message of %.*s among those of %s; say which with --symbol", r->file,
                          (long long)r->line, (int)length, name.begin, r->symbol);
    return false;
}

static bool ids_of(reader *r, const members *m, int64_t *previous) {
    int64_t first, last;
    *previous = -1;
    if (!read_whole(m, 'U', &first) || !read_whole(m, 'u', &last) || first > last) return false;
    if (has(m, KEY_PREVIOUS) && !read_whole(m, KEY_PREVIOUS, previous)) return false;
    td_feed_ids(r->feed, first, last, *previous);
    return true;
}

static td_status depth(reader *r, const members *m, int64_t local_ns, td_error *error) {
    int64_t time, previous;
    if (!read_time(m, has(m, 'T') ? 'T' : 'E', &time)) return broken(r, "a depthUpdate without a time");
    td_feed_begin(r->feed, TD_BOOK_DEPTH, time, local_ns);
    if (!ids_of(r, m, &previous)) return broken(r, "a depthUpdate without its update ids");
    if (!has(m, 'b') || !has(m, 'a') || !push_levels(r->feed, TD_BUY, m->of['b']) || !push_levels(r->feed, TD_SELL, m->of['a']))
        return broken(r, "a depthUpdate whose levels cannot be read");
    if (!r->has_rule) td_feed_rule(r->feed, previous >= 0 ? TD_SEQUENCE_BINANCE_FUTURES : TD_SEQUENCE_BINANCE_SPOT);
    r->has_rule = true;
    r->good++;
    return td_feed_end(r->feed, error);
}

static td_status snapshot(reader *r, const members *m, int64_t local_ns, td_error *error) {
    int64_t time, last;
    if (m->enveloped) return other(r, "a book of the first levels only");
    if (!read_whole(m, KEY_LAST_UPDATE, &last)) return broken(r, "a snapshot without its lastUpdateId");
    if (!read_optional_time(m, &time)) return broken(r, "a snapshot with a time that is none");
    td_feed_begin(r->feed, TD_BOOK_SNAPSHOT, time, local_ns);
    td_feed_ids(r->feed, last, last, -1);
    if (!has(m, KEY_BIDS) || !has(m, KEY_ASKS) || !push_levels(r->feed, TD_BUY, m->of[KEY_BIDS]) ||
        !push_levels(r->feed, TD_SELL, m->of[KEY_ASKS]))
        return broken(r, "a snapshot whose levels cannot be read");
    r->nameless_snapshots += !has(m, KEY_SYMBOL);
    r->good++;
    return td_feed_end(r->feed, error);
}

static td_status trade(reader *r, const members *m, int id_key, int64_t local_ns, td_error *error) {
    int64_t time, id;
    if (has(m, 'X') && !is_text(m, 'X', "MARKET")) return other(r, "a trade that is none of the market (insurance fund, liquidation)");
    if (r->trade_kind && r->trade_kind != id_key) return other(r, "trades, recorded both one by one and aggregated");
    if (!read_time(m, 'T', &time)) return broken(r, "a trade without a time");
    if (!read_whole(m, id_key, &id) || !has(m, 'p') || !has(m, 'q')) return broken(r, "a trade without id, price or quantity");
    if (!is_text(m, 'm', "true") && !is_text(m, 'm', "false")) return broken(r, "a trade that does not say who was the maker");
    r->trade_kind = (char)id_key;
    const value *p = &m->of['p'], *q = &m->of['q'];
    td_feed_begin(r->feed, TD_BOOK_TRADE, time, local_ns);
    td_feed_trade_id(r->feed, id);
    td_feed_row_text(r->feed, is_text(m, 'm', "true") ? TD_SELL : TD_BUY, p->begin, (size_t)(p->end - p->begin), q->begin,
                     (size_t)(q->end - q->begin));
    r->good++;
    return td_feed_end(r->feed, error);
}

static td_status ticker(reader *r, const members *m, int64_t local_ns, td_error *error) {
    static const char keys[4] = {'b', 'B', 'a', 'A'};
    const char *text[4];
    size_t length[4];
    int64_t time, id;
    if (!read_whole(m, 'u', &id)) return broken(r, "a bookTicker without its update id");
    if (!read_optional_time(m, &time)) return broken(r, "a bookTicker with a time that is none");
    for (int i = 0; i < 4; i++) {
        if (!has(m, keys[i])) return broken(r, "a bookTicker without all of b, B, a, A");
        text[i] = m->of[(int)keys[i]].begin;
        length[i] = (size_t)(m->of[(int)keys[i]].end - text[i]);
    }
    r->good++;
    return td_feed_ticker_text(r->feed, time, local_ns, id, text, length, error);
}

static td_status pay_funding(reader *r, td_error *error) {
    td_funding due = r->funding;
    r->funding.time_ns = 0;
    return due.time_ns ? td_feed_funding(r->feed, due.time_ns, due.rate, due.mark, error) : TD_OK;
}

/* Says what the funding at its T will be: the last word before T is what is paid. */
static td_status mark_price(reader *r, const members *m, td_error *error) {
    int64_t due, now;
    double rate, mark;
    const value *p = &m->of['r'], *q = &m->of['p'];
    if (has(m, 'r') && p->begin == p->end) return other(r, "a mark price without funding"); /* delivery contracts */
    if (!has(m, 'r') || !has(m, 'p') || !read_time(m, 'T', &due) || !read_time(m, 'E', &now) ||
        !td_number_parse(p->begin, p->end - p->begin, &rate) || !td_number_parse(q->begin, q->end - q->begin, &mark))
        return broken(r, "a markPriceUpdate without E, T, r or p");
    td_feed_count_one(r->feed, TD_FEED_COUNT_messages, NULL);
    r->good++;
    r->last_event_ns = now;
    if (r->funding.time_ns && r->funding.time_ns < due) TD_TRY(pay_funding(r, error));
    r->funding = (td_funding){due, rate, mark};
    return TD_OK;
}

static td_status take_message(reader *r, const members *m, int64_t local_ns, td_error *error) {
    if (has(m, KEY_ANSWER)) return other(r, "an answer of the server");
    bool book = has(m, KEY_LAST_UPDATE), named = has(m, 's') || has(m, KEY_SYMBOL);
    td_status status = TD_OK;
    if (named && !is_wanted(r, m->of[has(m, 's') ? 's' : KEY_SYMBOL], &status, error))
        return status != TD_OK ? status : other(r, "a message of another symbol");
    if (book) return snapshot(r, m, local_ns, error);
    if (is_text(m, 'e', "depthUpdate")) return depth(r, m, local_ns, error);
    if (is_text(m, 'e', "trade")) return trade(r, m, 't', local_ns, error);
    if (is_text(m, 'e', "aggTrade")) return trade(r, m, 'a', local_ns, error);
    bool nameless = !has(m, 'e') && has(m, 'u') && has(m, 'B') && has(m, 'A'); /* spot */
    if (nameless || is_text(m, 'e', "bookTicker")) return ticker(r, m, local_ns, error);
    if (is_text(m, 'e', "markPriceUpdate")) return mark_price(r, m, error);
    return other(r, "an event that is not used");
}

/* ---- lines ---- */

static td_status take_line(reader *r, const char *p, const char *end, td_error *error) {
    r->line++;
    r->file_lines++;
    td_feed_place(r->feed, r->file, r->line);
    if (end > p && end[-1] == '\r') end--;
    if (p == end) return TD_OK;
    const char *digits = p;
    while (p < end && td_is_digit(*p)) p++;
    int64_t number, local_ns;
    if (!read_digits(digits, p, &number) || !scale_time(number, &local_ns) || p == end || *p != ' ')
        return broken(r, "a line that does not begin with a local time and a blank");
    members m;
    m.present[0] = m.present[1] = 0;
    m.enveloped = false;
    p = read_members(skip_blanks(p, end), end, &m, false);
    if (!p || skip_blanks(p, end) != end) return broken(r, "a line whose JSON cannot be read");
    return take_message(r, &m, local_ns, error);
}

static td_status keep(reader *r, const char *data, size_t size, td_error *error) {
    if (r->carried + size > LINE_MAX_BYTES)
        return td_fail(error, TD_BAD_DATA, "%s:%lld: a line longer than %d bytes; expected lines of `local_ns json`", r->file,
                       (long long)r->line + 1, LINE_MAX_BYTES);
    if (r->carried + size > r->room) {
        size_t room = 2 * (r->carried + size);
        char *grown = realloc(r->carry, room);
        if (!grown) return td_fail(error, TD_NO_MEMORY, "%s: no memory for a line of %zu bytes", r->file, r->carried + size);
        r->carry = grown;
        r->room = room;
    }
    memcpy(r->carry + r->carried, data, size);
    r->carried += size;
    return TD_OK;
}

static td_status begin_file(void *user, const char *name, int64_t size_hint, td_error *error) {
    reader *r = user;
    (void)size_hint;
    (void)error;
    r->line = 0;
    r->carried = 0;
    (void)name; /* the path is what stays */
    td_feed_place(r->feed, r->file, 0);
    return TD_OK;
}

static td_status feed_piece(void *user, const char *data, size_t size, td_error *error) {
    reader *r = user;
    const char *end = data + size;
    while (data < end) {
        const char *newline = memchr(data, '\n', (size_t)(end - data));
        if (!newline) return keep(r, data, (size_t)(end - data), error);
        if (r->carried) {
            TD_TRY(keep(r, data, (size_t)(newline - data), error));
            size_t length = r->carried;
            r->carried = 0;
            TD_TRY(take_line(r, r->carry, r->carry + length, error));
        } else {
            TD_TRY(take_line(r, data, newline, error));
        }
        data = newline + 1;
        if (r->file_lines == FIRST_LINES && r->good == 0)
            return td_fail(error, TD_BAD_DATA, "%s: none of the first %d lines is `local_ns json` of a Binance stream (line 1: %s)",
                           r->file, FIRST_LINES, r->first_broken);
    }
    return TD_OK;
}

static td_status end_file(void *user, td_error *error) {
    reader *r = user;
    if (!r->carried) return TD_OK;
    int64_t before = r->broken;
    size_t length = r->carried;
    r->carried = 0;
    TD_TRY(take_line(r, r->carry, r->carry + length, error));
    if (r->broken > before)
        return td_fail(error, TD_BAD_DATA, "%s: ends in the middle of line %lld: the file is truncated", r->file, (long long)r->line);
    return TD_OK;
}

static td_status check_all(const reader *r, td_error *error) {
    if (r->broken > BROKEN_LEAST && r->broken > r->file_lines / BROKEN_SHARE)
        return td_fail(error, TD_BAD_DATA, "%s: %lld of %lld lines cannot be read, the first is %s", r->file, (long long)r->broken,
                       (long long)r->file_lines, r->first_broken);
    if (!r->symbol[0] && r->other[0])
        return td_fail(error, TD_BAD_DATA, "%s: has messages of %s, none of %s", r->file, r->other, r->wanted);
    if (r->nameless_snapshots && r->other[0])
        return td_fail(error, TD_BAD_DATA, "%s: mixes %s and %s, and its snapshots do not say whose they are; give files of one symbol",
                       r->file, r->symbol, r->other);
    return TD_OK;
}

td_status td_book_read_binance_recorded(td_book_feed *feed, const char *symbol, int file_count, const char *const *files,
                                        td_error *error) {
    static const char *const endings[] = {".txt", ".json", ".jsonl", ".log", ".csv", NULL};
    static const td_unpack_kind kind = {endings, ".txt, .json, .jsonl, .log or .csv file",
                                        "lines of `local_ns json` (plain, gzip, zstd, xz, bzip2 or zip)"};
    reader r = {.feed = feed, .wanted = symbol};
    const td_text_sink sink = {&r, begin_file, feed_piece, end_file};
    td_status status = TD_OK;
    for (int i = 0; i < file_count && status == TD_OK; i++) {
        r.file = files[i];
        status = td_text_read_ahead(files[i], &kind, TD_DECOMPRESSED_MAX, &sink, error);
    }
    if (status == TD_OK && r.funding.time_ns && r.funding.time_ns <= r.last_event_ns) status = pay_funding(&r, error);
    free(r.carry);
    return status == TD_OK ? check_all(&r, error) : status;
}
