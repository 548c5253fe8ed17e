/* See klines.h.
 *
 * Each file has a reader, fed with pieces of text by text_source.c. A row takes the fast path when it is plain (no quotes, no
 * spaces, no exponents) and good; the slow path takes the rest, and says what is wrong. The fast path looks at no bounds: every
 * scan stops at the newline at the latest, and PADDING bytes beyond it are readable. */
#include "data/klines.h"

#include <assert.h>
#include <math.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "base/sorted.h"
#include "data/kline_columns.h"
#include "data/number.h"
#include "data/text_source.h"

enum { COOKIE = 0x4b4c494e, PADDING = 64, LINE_MAX_BYTES = 1 << 20 };

static const struct {
    const char *name, *expected;
} faults[] = {
#define FAULT_TEXT(id, text, wanted) [id] = {text, wanted},
    TD_KLINE_FAULTS(FAULT_TEXT)
#undef FAULT_TEXT
};

const char *td_kline_fault_name(td_kline_fault fault) { return faults[fault].name; }
const char *td_kline_fault_expected(td_kline_fault fault) { return faults[fault].expected; }

td_klines_def td_default_klines_def(void) {
    return (td_klines_def){.threads = 1, .unpack_max = TD_DECOMPRESSED_MAX, .cookie = COOKIE};
}

/* How a text writes times: decided by its first row. */
typedef enum time_kind { TIME_UNKNOWN, TIME_ISO, TIME_WHOLE } time_kind;

typedef struct time_unit {
    int64_t from;      /* numbers from here on to the next unit's are of this unit */
    int64_t low, high; /* low <= value < high is a time in this unit that nanoseconds can hold */
    int64_t scale;     /* nanoseconds */
    const char *name;
} time_unit;

static const time_unit time_units[] = {
    {INT64_MIN, INT64_MIN / 1000000000 + 1, INT64_MAX / 1000000000, 1000000000, "seconds"},
    {100000000000, 100000000000, INT64_MAX / 1000000, 1000000, "milliseconds"},
    {100000000000000, 100000000000000, INT64_MAX / 1000, 1000, "microseconds"},
    {100000000000000000, 100000000000000000, INT64_MAX, 1, "nanoseconds"},
};

/* A field the fast path reads: how many delimiters to pass before it, and which it is. */
typedef struct step {
    int pass, field;
} step;

typedef struct reader {
    const td_klines_def *def;
    td_klines *out;      /* of this file; its bars are in file order */
    char name[1024];     /* path or path:member */
    int64_t line;        /* lines of this text so far */
    int64_t size_hint, rows_before;
    int64_t previous_ns; /* of the last kept row of this text */
    bool started;        /* is the layout known? */
    td_layout layout;
    step steps[TD_FIELDS];
    int step_count, columns_after; /* delimiters that follow the last step's field */
    bool usual_order;    /* are the columns time, open, high, low, close, volume, and then what we do not read? */
    time_kind time;
    const time_unit *unit; /* of TIME_WHOLE */
    char *carry;         /* an unfinished line, PADDING readable bytes behind it */
    size_t carry_used, carry_room;
    td_error *error;
} reader;

/* ---- keeping a row ---- */

/* One row, as the paths hand it over; fields without a column are NaN. */
typedef struct row {
    int64_t time_ns;
    double value[TD_BAR_COLUMNS];
} row;

static inline td_status keep(reader *r, const row *x) {
    td_bars *bars = &r->out->bars;
    if (bars->count == bars->room) TD_TRY(td_bars_reserve(bars, bars->room + bars->room / 2 + 1024, r->error));
    int64_t t = bars->count++;
    bars->time_ns[t] = x->time_ns;
    for (int i = 0; i < TD_BAR_PLAIN; i++) bars->column[i][t] = x->value[i];
    for (int i = TD_BAR_PLAIN; i < bars->column_count; i++) bars->column[i][t] = x->value[i];
    r->out->rows++;
    r->out->out_of_order += x->time_ns < r->previous_ns;
    r->previous_ns = x->time_ns;
    return TD_OK;
}

static bool is_price(double x) { return x > 0 && x < INFINITY; }

/* ---- the fast path ---- */

/* One bit for each of the 64 bytes at p: is it c; is it no digit? */
#ifdef __SSE2__
static uint64_t where_equal(const char *p, char c) {
    uint64_t bits = 0;
    for (int i = 0; i < 4; i++) {
        __m128i bytes = _mm_loadu_si128((const __m128i *)(p + 16 * i));
        bits |= (uint64_t)(unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(bytes, _mm_set1_epi8(c))) << (16 * i);
    }
    return bits;
}

/* Is a newline among the 64 bytes at p? */
static bool has_newline(const char *p) {
    __m128i any = _mm_setzero_si128();
    for (int i = 0; i < 4; i++)
        any = _mm_or_si128(any, _mm_cmpeq_epi8(_mm_loadu_si128((const __m128i *)(p + 16 * i)), _mm_set1_epi8('\n')));
    return _mm_movemask_epi8(any) != 0;
}

static uint64_t where_no_digit(const char *p) {
    uint64_t bits = 0;
    for (int i = 0; i < 4; i++) {
        /* '0'..'9' become the ten smallest signed bytes */
        __m128i moved = _mm_add_epi8(_mm_loadu_si128((const __m128i *)(p + 16 * i)), _mm_set1_epi8((char)(-128 - '0')));
        bits |= (uint64_t)(unsigned)_mm_movemask_epi8(_mm_cmpgt_epi8(moved, _mm_set1_epi8(-128 + 9))) << (16 * i);
    }
    return bits;
}
#else
static uint64_t where_equal(const char *p, char c) {
    uint64_t bits = 0;
    for (int i = 0; i < 64; i++) bits |= (uint64_t)(p[i] == c) << i;
    return bits;
}

static bool has_newline(const char *p) { return where_equal(p, '\n') != 0; }

static uint64_t where_no_digit(const char *p) {
    uint64_t bits = 0;
    for (int i = 0; i < 64; i++) bits |= (uint64_t)!td_is_digit(p[i]) << i;
    return bits;
}
#endif

/* Walks a line from one byte that is no digit to the next; what is passed between is digits, and needs no other check. A
 * newline is no digit, so the walk reads at most 63 bytes beyond it. */
typedef struct marks {
    const char *block;
    uint64_t left; /* of the block's bytes that are no digits, those not yet visited */
} marks;

static inline const char *next_mark(marks *m) {
    while (!m->left) {
        m->block += 64;
        m->left = where_no_digit(m->block);
    }
    const char *p = m->block + __builtin_ctzll(m->left);
    m->left &= m->left - 1;
    return p;
}

/* Passes to the newline, counting delimiters. 64 bytes at a time, because how many blocks a line has is easy to predict. */
static inline const char *count_to_newline(const char *p, char delimiter, int *count) {
    for (;; p += 64) {
        uint64_t found = where_equal(p, delimiter);
        if (has_newline(p)) {
            uint64_t ends = where_equal(p, '\n');
            *count += __builtin_popcountll(found & (ends - 1) & ~ends);
            return p + __builtin_ctzll(ends);
        }
        *count += __builtin_popcountll(found);
    }
}

/* The fast readers take the field at p and return where it ends, or NULL. */
static inline const char *fast_number(marks *m, const char *p, double *value) {
    const char *point = next_mark(m), *end = point;
    int64_t whole = point - p;
    if (*point == '.') {
        end = next_mark(m);
        int64_t decimals = end - point - 1;
        /* 1 to 7 and 1 to 8 digits: as unsigned numbers, 0 - 1 is large */
        if ((uint64_t)(whole - 1) < 7 && (uint64_t)(decimals - 1) < 8) {
            *value = td_hundred_millions(p, whole, decimals) / 1e8;
            return end;
        }
    }
    return td_number_parse(p, end - p, value) && *value < INFINITY ? end : NULL;
}

/* 17 to 19 digits between p and end. */
static bool long_whole_time(const reader *r, const char *p, const char *end, int64_t *time_ns) {
    int64_t value = 0;
    for (; p < end; p++)
        if (__builtin_mul_overflow(value, 10, &value) || __builtin_add_overflow(value, *p - '0', &value)) return false;
    if (value < r->unit->low || value >= r->unit->high) return false;
    *time_ns = value * r->unit->scale;
    return true;
}

/* Seconds to microseconds have 9 to 16 digits, in two runs; nanoseconds have more. */
static inline const char *fast_whole_time(const reader *r, marks *m, const char *p, int64_t *time_ns) {
    const char *end = next_mark(m);
    int64_t rest = end - p - 8;
    if (rest < 1 || rest > 8) return rest > 8 && long_whole_time(r, p, end, time_ns) ? end : NULL;
    int64_t value = (int64_t)td_long_digits(p, end - p);
    if (value < r->unit->low || value >= r->unit->high) return NULL;
    *time_ns = value * r->unit->scale;
    return end;
}

static const char *fast_text_time(const reader *r, marks *m, const char *p, int64_t *time_ns) {
    const char *end;
    do end = next_mark(m);
    while (*end != r->layout.delimiter && *end != '\n');
    return td_time_parse(p, end - p, time_ns) ? end : NULL;
}

/* Nothing odd about the prices: 0 < low <= open, close <= high < infinity. */
static inline bool is_usual(const double *v) {
    double low = v[TD_LOW], high = v[TD_HIGH], open = v[TD_OPEN], close = v[TD_CLOSE];
    return low > 0 && low <= open && open <= high && low <= close && close <= high && high < INFINITY;
}

static inline __attribute__((always_inline)) const char *fast_time(const reader *r, marks *m, const char *p, int64_t *time_ns) {
    if (__builtin_expect(r->time == TIME_WHOLE, 1)) return fast_whole_time(r, m, p, time_ns);
    return fast_text_time(r, m, p, time_ns);
}

/* The fields of a row whose columns begin with time, open, high, low, close, volume, as most do; returns where the last ends. */
static inline const char *usual_fields(const reader *r, marks *m, const char *p, row *x) {
    p = fast_time(r, m, p, &x->time_ns);
    for (int field = TD_OPEN; p && field <= TD_VOLUME; field++)
        p = *p == r->layout.delimiter ? fast_number(m, p + 1, &x->value[field]) : NULL;
    return p;
}

/* The fields of a row in any order. */
static const char *planned_fields(const reader *r, marks *m, const char *p, row *x) {
    const char delimiter = r->layout.delimiter;
    for (int i = 0; i < r->step_count; i++) {
        for (int pass = r->steps[i].pass; pass > 0; pass--) {
            do p = next_mark(m);
            while (*p != delimiter && *p != '\n');
            if (*p++ == '\n') return NULL;
        }
        int field = r->steps[i].field;
        p = field == TD_FIELD_TIME ? fast_time(r, m, p, &x->time_ns) : fast_number(m, p, &x->value[field]);
        if (!p) return NULL;
        if (i < r->step_count - 1 && *p++ != delimiter) return NULL;
    }
    return p;
}

/* Takes a plain, usual row at p and returns the start of the next line, or NULL for the slow path to look. */
static inline const char *fast_row(const reader *r, const char *p, row *x) {
    marks m = {p, where_no_digit(p)};
    p = r->usual_order ? usual_fields(r, &m, p, x) : planned_fields(r, &m, p, x);
    if (!p || (*p != r->layout.delimiter && *p != '\n' && !(*p == '\r' && p[1] == '\n'))) return NULL;
    int after = 0;
    p = count_to_newline(p, r->layout.delimiter, &after);
    return after == r->columns_after && is_usual(x->value) ? p + 1 : NULL;
}

/* ---- the slow path ---- */

static void put_piece(char *to, size_t room, td_piece piece) {
    int64_t length = piece.length < (int64_t)room - 1 ? piece.length : (int64_t)room - 1;
    for (int64_t i = 0; i < length; i++) to[i] = (unsigned char)piece.text[i] < ' ' ? '?' : piece.text[i];
    to[length] = 0;
}

/* Counts a broken row and keeps the first ones. column is an index, -1 for the whole row. */
static void report(reader *r, td_kline_fault fault, int column, const char *field, td_piece found, const char *expected) {
    td_klines *out = r->out;
    out->rows++;
    out->broken++;
    out->faults[fault]++;
    if (out->problem_count == TD_KLINE_PROBLEMS_MAX) return;
    td_kline_problem *problem = &out->problems[out->problem_count++];
    size_t length = strlen(r->name), cut = length < sizeof problem->file ? 0 : length - sizeof problem->file + 1;
    problem->fault = fault;
    problem->line = r->line;
    problem->column = column + 1;
    strcpy(problem->file, r->name + cut);
    snprintf(problem->field, sizeof problem->field, "%s", field);
    put_piece(problem->found, sizeof problem->found, found);
    snprintf(problem->expected, sizeof problem->expected, "%s", expected);
}

static bool is_word(td_piece piece, const char *word) {
    return piece.length == (int64_t)strlen(word) && strncasecmp(piece.text, word, (size_t)piece.length) == 0;
}

static bool is_missing(td_piece piece) {
    return piece.length == 0 || is_word(piece, "nan") || is_word(piece, "null") || is_word(piece, "none") || is_word(piece, "na") ||
           is_word(piece, "n/a");
}

/* A whole number, perhaps with a fraction (".0" is usual), in the unit; value and fraction apart so that nothing is lost. */
static bool split_whole(td_piece piece, int64_t *whole, double *fraction) {
    const char *p = piece.text, *end = p + piece.length;
    bool negative = p < end && *p == '-';
    p += negative;
    const char *start = p;
    *whole = 0;
    for (; p < end && td_is_digit(*p); p++)
        if (__builtin_mul_overflow(*whole, 10, whole) || __builtin_add_overflow(*whole, *p - '0', whole)) return false;
    if (p == start) return false;
    *fraction = 0;
    if (p < end && (*p != '.' || !td_number_parse(p, end - p, fraction))) return p + 1 == end && *p == '.';
    if (negative) {
        *whole = -*whole;
        *fraction = -*fraction;
    }
    return true;
}

/* The first row decides: whole numbers by their size, else ISO text. Eight digits are a date, 20240131. */
static void decide_time(reader *r, td_piece piece) {
    int64_t whole, time;
    double fraction;
    if (td_time_parse(piece.text, piece.length, &time)) {
        r->time = TIME_ISO;
    } else if (split_whole(piece, &whole, &fraction)) {
        r->time = TIME_WHOLE;
        for (r->unit = time_units; r->unit < time_units + 3 && whole >= r->unit[1].from; r->unit++) continue;
    }
}

static bool slow_time(reader *r, td_piece piece, int64_t *time_ns) {
    if (r->time == TIME_UNKNOWN) decide_time(r, piece);
    if (r->time != TIME_WHOLE) return td_time_parse(piece.text, piece.length, time_ns);
    int64_t whole, scale;
    double fraction;
    if (!split_whole(piece, &whole, &fraction) || whole < r->unit->low || whole >= r->unit->high) return false;
    scale = r->unit->scale;
    *time_ns = whole * scale + (int64_t)floor(fraction * (double)scale + 0.5);
    return true;
}

static bool time_field(reader *r, const td_piece *pieces, row *x) {
    int column = r->layout.column[TD_FIELD_TIME];
    if (slow_time(r, pieces[column], &x->time_ns)) return true;
    char expected[64];
    if (r->time == TIME_WHOLE)
        snprintf(expected, sizeof expected, "a whole number of %s since 1970", r->unit->name);
    else
        snprintf(expected, sizeof expected, "a time as 2024-01-31 or 2024-01-31T09:30:00Z");
    report(r, TD_FAULT_TIME, column, "time", pieces[column], expected);
    return false;
}

static bool price_field(reader *r, const td_piece *pieces, int field, row *x) {
    int column = r->layout.column[field];
    td_piece piece = pieces[column];
    td_kline_fault fault;
    if (is_missing(piece))
        fault = TD_FAULT_MISSING;
    else if (!td_number_parse(piece.text, piece.length, &x->value[field]))
        fault = TD_FAULT_NUMBER;
    else if (!is_price(x->value[field]))
        fault = TD_FAULT_PRICE;
    else
        return true;
    report(r, fault, column, td_field_name(field), piece, faults[fault].expected);
    return false;
}

/* Volume and extras: missing is NaN. */
static bool amount_field(reader *r, const td_piece *pieces, int field, row *x) {
    int column = r->layout.column[field];
    x->value[field] = NAN;
    if (column < 0 || is_missing(pieces[column])) return true;
    td_kline_fault fault = TD_FAULT_VOLUME;
    if (!td_number_parse(pieces[column].text, pieces[column].length, &x->value[field]))
        fault = TD_FAULT_NUMBER;
    else if (x->value[field] >= 0 && x->value[field] < INFINITY)
        return true;
    report(r, fault, column, td_field_name(field), pieces[column], faults[fault].expected);
    return false;
}

/* Reads a row with all care; false when it is broken, which is then reported. */
static bool slow_row(reader *r, const char *line, int64_t length, row *x) {
    td_piece pieces[TD_TEXT_COLUMNS_MAX];
    int count = td_split_line(line, length, r->layout.delimiter, pieces, TD_TEXT_COLUMNS_MAX);
    if (count != r->layout.columns) {
        char expected[64];
        snprintf(expected, sizeof expected, "%d columns, found %d", r->layout.columns, count);
        report(r, TD_FAULT_COLUMNS, -1, "", (td_piece){line, length}, expected);
        return false;
    }
    if (!time_field(r, pieces, x)) return false;
    for (int field = TD_OPEN; field <= TD_CLOSE; field++)
        if (!price_field(r, pieces, field, x)) return false;
    for (int field = TD_VOLUME; field < TD_BAR_COLUMNS; field++)
        if (!amount_field(r, pieces, field, x)) return false;
    if (x->value[TD_HIGH] < x->value[TD_LOW]) {
        int column = r->layout.column[TD_HIGH];
        char expected[64];
        snprintf(expected, sizeof expected, "a high not below the low %.10g", x->value[TD_LOW]);
        report(r, TD_FAULT_RANGE, column, "high", pieces[column], expected);
        return false;
    }
    return true;
}

/* ---- lines ---- */

/* The steps of the fast path, in the order of the columns. */
static void plan_steps(reader *r) {
    int field_at[TD_TEXT_COLUMNS_MAX], previous = -1;
    for (int i = 0; i < r->layout.columns; i++) field_at[i] = -1;
    for (int field = 0; field < TD_FIELDS; field++)
        if (r->layout.column[field] >= 0) field_at[r->layout.column[field]] = field;
    r->step_count = 0;
    for (int i = 0; i < r->layout.columns; i++) {
        if (field_at[i] < 0) continue;
        r->steps[r->step_count++] = (step){.pass = i - previous - 1, .field = field_at[i]};
        previous = i;
    }
    r->columns_after = r->layout.columns - 1 - previous;
    r->usual_order = r->step_count == 1 + TD_BAR_PLAIN && previous == TD_BAR_PLAIN && field_at[0] == TD_FIELD_TIME;
    for (int i = 0; i < TD_BAR_PLAIN; i++) r->usual_order &= r->layout.column[i] == i + 1;
}

static td_status start(reader *r, const char *line, int64_t length) {
    TD_TRY(td_layout_find(r->name, r->line, line, length, r->def->columns, r->def->extras, &r->layout, r->error));
    r->started = true;
    plan_steps(r);
    /* rows are about as long as the first line, and longer than a header; what is not used is never touched */
    int64_t row_length = r->layout.header ? length + 8 : length, guess = r->size_hint / row_length * 17 / 16 + 16;
    return td_bars_reserve(&r->out->bars, r->out->bars.count + guess, r->error);
}

static bool is_blank(const char *line, int64_t length) {
    for (int64_t i = 0; i < length; i++)
        if (line[i] != ' ' && line[i] != '\t' && line[i] != '\r') return false;
    return true;
}

/* A line of any kind: blank, the first one, or a row that is not plain. */
static td_status take_line(reader *r, const char *line, int64_t length, row *x) {
    if (is_blank(line, length)) return TD_OK;
    if (!r->started) {
        if (length >= 3 && memcmp(line, "\xef\xbb\xbf", 3) == 0) {
            line += 3;
            length -= 3;
        }
        TD_TRY(start(r, line, length));
        if (r->layout.header) return TD_OK;
    }
    if (!slow_row(r, line, length, x)) return TD_OK;
    r->out->outside += !is_usual(x->value);
    return keep(r, x);
}

/* Complete lines from p to end; PADDING bytes beyond end are readable. */
static td_status take_lines(reader *r, const char *p, const char *end) {
    row x;
    for (int i = 0; i < TD_BAR_COLUMNS; i++) x.value[i] = NAN;
    while (p < end) {
        /* the hardware stops reading ahead at every page */
        for (int ahead = 1024; ahead < 1024 + 192; ahead += 64) __builtin_prefetch(p + ahead);
        r->line++;
        const char *next = r->started && r->time != TIME_UNKNOWN ? fast_row(r, p, &x) : NULL;
        if (next) {
            TD_TRY(keep(r, &x));
        } else {
            next = (const char *)memchr(p, '\n', (size_t)(end - p)) + 1;
            TD_TRY(take_line(r, p, next - 1 - p, &x));
        }
        p = next;
    }
    return TD_OK;
}

static td_status carry(reader *r, const char *data, size_t size) {
    size_t needed = r->carry_used + size + 1 + PADDING;
    if (r->carry_used + size > LINE_MAX_BYTES + PADDING)
        return td_fail(r->error, TD_BAD_DATA, "%s:%lld: is longer than %d bytes, expected a line of CSV text", r->name,
                       (long long)r->line + 1, LINE_MAX_BYTES);
    if (needed > r->carry_room) {
        char *grown = realloc(r->carry, needed * 2);
        if (!grown) return td_fail(r->error, TD_NO_MEMORY, "%s: no memory for a line", r->name);
        r->carry = grown;
        r->carry_room = needed * 2;
    }
    memcpy(r->carry + r->carry_used, data, size);
    r->carry_used += size;
    memset(r->carry + r->carry_used, 0, 1 + PADDING);
    return TD_OK;
}

static td_status take_carry(reader *r) {
    size_t used = r->carry_used;
    r->carry_used = 0;
    return take_lines(r, r->carry, r->carry + used);
}

/* ---- the sink of text_source.c ---- */

static td_status begin_text(void *user, const char *name, int64_t size_hint, td_error *error) {
    reader *r = user;
    snprintf(r->name, sizeof r->name, "%s", name);
    r->line = 0;
    r->rows_before = r->out->rows;
    r->size_hint = size_hint;
    r->previous_ns = INT64_MIN;
    r->started = false;
    r->time = TIME_UNKNOWN;
    r->carry_used = 0;
    r->error = error;
    return TD_OK;
}

static td_status feed_text(void *user, const char *data, size_t size, td_error *error) {
    reader *r = user;
    (void)error;
    const char *end = data + size;
    /* finish the line that the last piece left open */
    if (r->carry_used) {
        const char *newline = memchr(data, '\n', size);
        const char *stop = newline ? newline + 1 : end;
        TD_TRY(carry(r, data, (size_t)(stop - data)));
        if (!newline) return TD_OK;
        TD_TRY(take_carry(r));
        data = stop;
    }
    /* lines that have their padding inside this piece are read in place; the rest waits */
    const char *padded = end - data > PADDING ? memrchr(data, '\n', (size_t)(end - data - PADDING)) : NULL;
    if (padded) {
        TD_TRY(take_lines(r, data, padded + 1));
        data = padded + 1;
    }
    if (data == end) return TD_OK;
    TD_TRY(carry(r, data, (size_t)(end - data)));
    const char *last = memrchr(r->carry, '\n', r->carry_used);
    if (!last) return TD_OK;
    /* the carried bytes have padding: take their complete lines, keep what follows */
    size_t complete = (size_t)(last + 1 - r->carry), rest = r->carry_used - complete;
    TD_TRY(take_lines(r, r->carry, r->carry + complete));
    memmove(r->carry, r->carry + complete, rest + 1 + PADDING);
    r->carry_used = rest;
    return TD_OK;
}

static td_status end_text(void *user, td_error *error) {
    reader *r = user;
    if (r->carry_used) {
        TD_TRY(carry(r, "\n", 1));
        TD_TRY(take_carry(r));
    }
    if (!r->started) return td_fail(error, TD_BAD_DATA, "%s: is empty, expected a header and rows", r->name);
    if (r->out->rows == r->rows_before)
        return td_fail(error, TD_BAD_DATA, "%s: has a header in line %lld and no rows", r->name, (long long)r->line);
    return TD_OK;
}

static td_status read_file(const td_klines_def *def, const char *path, td_klines *out, td_error *error) {
    reader r = {.def = def, .out = out, .error = error};
    const td_text_sink sink = {&r, begin_text, feed_text, end_text};
    td_status status = td_text_read(path, def->unpack_max, &sink, error);
    free(r.carry);
    return status;
}

/* ---- merging ---- */

static void add_counts(td_klines *total, const td_klines *part) {
    total->rows += part->rows;
    total->broken += part->broken;
    for (int i = 0; i < TD_FAULT_COUNT; i++) total->faults[i] += part->faults[i];
    total->out_of_order += part->out_of_order;
    total->outside += part->outside;
    for (int i = 0; i < part->problem_count && total->problem_count < TD_KLINE_PROBLEMS_MAX; i++)
        total->problems[total->problem_count++] = part->problems[i];
}

static td_status join(int count, td_klines *parts, td_klines *total, td_error *error) {
    int64_t bars = 0;
    for (int i = 0; i < count; i++) {
        add_counts(total, &parts[i]);
        bars += parts[i].bars.count;
    }
    if (count == 1) {
        total->bars = parts[0].bars;
        parts[0].bars = (td_bars){0};
        return TD_OK;
    }
    TD_TRY(td_bars_reserve(&total->bars, bars, error));
    for (int i = 0; i < count; i++) {
        TD_TRY(td_bars_append(&total->bars, &parts[i].bars, 0, parts[i].bars.count, error));
        td_bars_free(&parts[i].bars);
    }
    return TD_OK;
}

static int by_time_then_place(const void *a, const void *b, void *argument) {
    const int64_t *time = argument, i = *(const int64_t *)a, j = *(const int64_t *)b;
    if (time[i] != time[j]) return time[i] < time[j] ? -1 : 1;
    return i < j ? -1 : i > j;
}

static bool is_increasing(const td_bars *bars) {
    for (int64_t t = 1; t < bars->count; t++)
        if (bars->time_ns[t] <= bars->time_ns[t - 1]) return false;
    return true;
}

static bool same_values(const td_bars *bars, int64_t a, int64_t b) {
    for (int i = 0; i < bars->column_count; i++) {
        double x = bars->column[i][a], y = bars->column[i][b];
        if (x != y && !(isnan(x) && isnan(y))) return false;
    }
    return true;
}

/* Of rows with one time the last in `order` stays. Returns how many stay. */
static int64_t drop_duplicates(td_klines *klines, int64_t *order) {
    const td_bars *bars = &klines->bars;
    int64_t kept = 0;
    for (int64_t i = 0, last; i < bars->count; i = last + 1) {
        for (last = i; last + 1 < bars->count && bars->time_ns[order[last + 1]] == bars->time_ns[order[i]];) last++;
        klines->duplicates += last - i;
        for (int64_t k = i; k < last; k++) klines->contradicting += !same_values(bars, order[k], order[last]);
        order[kept++] = order[last];
    }
    return kept;
}

/* Puts 8-byte values into the given order. */
static void gather(uint64_t *values, uint64_t *scratch, const int64_t *order, int64_t count) {
    for (int64_t i = 0; i < count; i++) scratch[i] = values[order[i]];
    memcpy(values, scratch, (size_t)count * sizeof *values);
}

/* Sorts by time, stable, and drops duplicates. Most input is in order already and is left as it is. */
static td_status sort_bars(td_klines *klines, td_error *error) {
    td_bars *bars = &klines->bars;
    if (is_increasing(bars)) return TD_OK;
    int64_t *order = malloc((size_t)bars->count * sizeof *order);
    uint64_t *scratch = malloc((size_t)bars->count * sizeof *scratch);
    td_status status = TD_OK;
    if (!order || !scratch) {
        status = td_fail(error, TD_NO_MEMORY, "no memory to sort %lld bars", (long long)bars->count);
    } else {
        for (int64_t i = 0; i < bars->count; i++) order[i] = i;
        qsort_r(order, (size_t)bars->count, sizeof *order, by_time_then_place, bars->time_ns);
        int64_t kept = drop_duplicates(klines, order);
        gather((uint64_t *)bars->time_ns, scratch, order, kept);
        for (int i = 0; i < bars->column_count; i++) gather((uint64_t *)bars->column[i], scratch, order, kept);
        bars->count = kept;
    }
    free(order);
    free(scratch);
    return status;
}

char *td_kline_problem_text(const td_kline_problem *problem, char *buffer, size_t size) {
    if (problem->column)
        snprintf(buffer, size, "%s:%lld: column %d (%s): found \"%s\", expected %s", problem->file, (long long)problem->line,
                 problem->column, problem->field, problem->found, problem->expected);
    else
        snprintf(buffer, size, "%s:%lld: expected %s: \"%s\"", problem->file, (long long)problem->line, problem->expected,
                 problem->found);
    return buffer;
}

static td_status check_result(const td_klines_def *def, const td_klines *klines, td_error *error) {
    char text[512] = "";
    if (klines->problem_count) td_kline_problem_text(&klines->problems[0], text, sizeof text);
    if (def->strict && klines->broken)
        return td_fail(error, TD_BAD_DATA, "%s (%lld broken of %lld rows; refused by --strict)", text, (long long)klines->broken,
                       (long long)klines->rows);
    if (def->strict && klines->out_of_order)
        return td_fail(error, TD_BAD_DATA,
                       "%lld of %lld rows are out of order: they open before the row above them (refused by --strict)",
                       (long long)klines->out_of_order, (long long)klines->rows);
    if (def->strict && klines->contradicting)
        return td_fail(error, TD_BAD_DATA, "%lld rows have the open time of another row and other values (refused by --strict)",
                       (long long)klines->contradicting);
    if (klines->bars.count == 0)
        return td_fail(error, TD_BAD_DATA, "%s (all %lld rows are broken)", text, (long long)klines->rows);
    return TD_OK;
}

static td_status merge(const td_klines_def *def, int count, td_klines *parts, td_klines *klines, td_error *error) {
    TD_TRY(join(count, parts, klines, error));
    TD_TRY(sort_bars(klines, error));
    return check_result(def, klines, error);
}

td_status td_klines_read(const td_klines_def *def, int file_count, const char *const *files, td_klines *klines, td_error *error) {
    assert(def->cookie == COOKIE && file_count >= 1);
    *klines = (td_klines){0};
    td_bars_init(&klines->bars, def->extras);
    td_klines *parts = calloc((size_t)file_count, sizeof *parts);
    td_error *errors = calloc((size_t)file_count, sizeof *errors);
    td_status *statuses = calloc((size_t)file_count, sizeof *statuses), status = TD_OK;
    if (!parts || !errors || !statuses) {
        status = td_fail(error, TD_NO_MEMORY, "no memory to read %d files", file_count);
    } else {
        int threads = def->threads > 0 ? def->threads : omp_get_max_threads();
#pragma omp parallel for schedule(dynamic, 1) num_threads(threads < file_count ? threads : file_count)
        for (int i = 0; i < file_count; i++) {
            td_bars_init(&parts[i].bars, def->extras);
            statuses[i] = read_file(def, files[i], &parts[i], &errors[i]);
        }
        /* the first file in the order given that failed is the one to tell of */
        for (int i = 0; i < file_count && status == TD_OK; i++)
            if (statuses[i] != TD_OK) status = td_fail(error, statuses[i], "%s", errors[i].message);
        if (status == TD_OK) status = merge(def, file_count, parts, klines, error);
    }
    for (int i = 0; parts && i < file_count; i++) td_bars_free(&parts[i].bars);
    free(parts);
    free(errors);
    free(statuses);
    if (status != TD_OK) td_klines_free(klines);
    return status;
}

void td_klines_free(td_klines *klines) { td_bars_free(&klines->bars); }

/* ---- the step ---- */

/* The longest run of equal steps among sorted ones. */
static int64_t most_frequent(int64_t *steps, int64_t count) {
    qsort(steps, (size_t)count, sizeof *steps, td_compare_int64);
    int64_t best = steps[0], most = 0, run = 0;
    for (int64_t i = 0; i < count; i++) {
        run = i && steps[i] == steps[i - 1] ? run + 1 : 1;
        if (run > most) {
            most = run;
            best = steps[i];
        }
    }
    return best;
}

int64_t td_bars_step(const int64_t *time_ns, int64_t count) {
    if (count < 2) return 0;
    /* a step that more than half the bars have survives this vote (Boyer and Moore 1981) */
    int64_t candidate = 0, votes = 0, found = 0;
    for (int64_t t = 1; t < count; t++) {
        int64_t between = time_ns[t] - time_ns[t - 1];
        if (votes == 0) candidate = between;
        votes += between == candidate ? 1 : -1;
    }
    for (int64_t t = 1; t < count; t++) found += time_ns[t] - time_ns[t - 1] == candidate;
    if (found * 2 > count - 1) return candidate;
    int64_t *steps = malloc((size_t)(count - 1) * sizeof *steps);
    if (!steps) return candidate;
    for (int64_t t = 1; t < count; t++) steps[t - 1] = time_ns[t] - time_ns[t - 1];
    int64_t best = most_frequent(steps, count - 1);
    free(steps);
    return best;
}
