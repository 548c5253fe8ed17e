/* See kline_columns.h. */
#include "data/kline_columns.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "data/number.h"

enum { NAME_MAX_BYTES = 64, BINANCE_COLUMNS = 12 };

/* Names of each field, best first: lower case, with spaces, dots and dashes as underscores. */
static const char *const synonyms[TD_FIELDS][13] = {
    [TD_OPEN] = {"open", "o", "open_price", "price_open", "first"},
    [TD_HIGH] = {"high", "h", "high_price", "price_high", "max"},
    [TD_LOW] = {"low", "l", "low_price", "price_low", "min"},
    [TD_CLOSE] = {"close", "c", "close_price", "price_close", "last"},
    [TD_VOLUME] = {"volume", "vol", "v", "base_volume", "volume_base", "base_asset_volume"},
    [TD_QUOTE_VOLUME] = {"quote_volume", "quote_asset_volume", "volume_quote", "turnover"},
    [TD_TRADES] = {"trades", "count", "number_of_trades", "num_trades", "trade_count", "tradecount"},
    [TD_TAKER_VOLUME] = {"taker_buy_volume", "taker_buy_base_asset_volume", "taker_buy_base_volume", "taker_base_vol"},
    [TD_TAKER_QUOTE_VOLUME] = {"taker_buy_quote_volume", "taker_buy_quote_asset_volume", "taker_quote_vol"},
    [TD_FIELD_TIME] = {"open_time", "opentime", "timestamp", "datetime", "date_time", "start_time", "start", "unix", "ts",
                       "gmt_time", "date", "time"},
};

/* The layout of Binance's archive; the 7th column is the close time, the 12th is unused. */
static const int binance[TD_FIELDS] = {
    [TD_FIELD_TIME] = 0, [TD_OPEN] = 1,   [TD_HIGH] = 2,         [TD_LOW] = 3,          [TD_CLOSE] = 4,
    [TD_VOLUME] = 5,     [TD_QUOTE_VOLUME] = 7, [TD_TRADES] = 8, [TD_TAKER_VOLUME] = 9, [TD_TAKER_QUOTE_VOLUME] = 10,
};

const char *td_field_name(int field) { return field == TD_FIELD_TIME ? "time" : td_bar_column_name((td_bar_column)field); }

static td_piece trimmed(const char *text, const char *end) {
    while (text < end && (*text == ' ' || *text == '\t')) text++;
    while (end > text && (end[-1] == ' ' || end[-1] == '\t' || end[-1] == '\r')) end--;
    if (end - text >= 2 && *text == '"' && end[-1] == '"') {
        text++;
        end--;
    }
    return (td_piece){text, end - text};
}

int td_split_line(const char *line, int64_t length, char delimiter, td_piece *pieces, int room) {
    const char *start = line, *end = line + length;
    int count = 0;
    bool quoted = false;
    for (const char *p = line;; p++) {
        if (p < end && *p == '"') quoted = !quoted;
        if (p < end && (*p != delimiter || quoted)) continue;
        if (count < room) pieces[count] = trimmed(start, p);
        count++;
        if (p == end) return count;
        start = p + 1;
    }
}

static bool is_value(td_piece piece) {
    double number;
    int64_t time;
    return td_number_parse(piece.text, piece.length, &number) || td_time_parse(piece.text, piece.length, &time);
}

static void normal_name(td_piece piece, char name[NAME_MAX_BYTES]) {
    int64_t length = piece.length < NAME_MAX_BYTES - 1 ? piece.length : NAME_MAX_BYTES - 1;
    for (int64_t i = 0; i < length; i++) {
        char c = piece.text[i];
        name[i] = (char)(c == ' ' || c == '-' || c == '.' ? '_' : tolower((unsigned char)c));
    }
    name[length] = 0;
}

/* The most frequent of the usual delimiters outside quotes; the comma where none occurs. */
static char find_delimiter(const char *line, int64_t length) {
    static const char candidates[] = ",;\t|";
    char best = ',';
    int most = 1;
    for (const char *c = candidates; *c; c++) {
        int count = td_split_line(line, length, *c, NULL, 0);
        if (count > most) {
            most = count;
            best = *c;
        }
    }
    return best;
}

/* What a layout is being made from. */
typedef struct first_line {
    const char *name; /* of the file */
    int64_t number;
    td_piece pieces[TD_TEXT_COLUMNS_MAX];
    int count;
    td_layout *layout;
    td_error *error;
} first_line;

/* The columns found, as text for messages. */
static const char *found_columns(const first_line *f, char buffer[200]) {
    size_t used = 0;
    buffer[0] = 0;
    for (int i = 0; i < f->count && used < 150; i++) {
        td_piece piece = f->pieces[i].length ? f->pieces[i] : (td_piece){"(no name)", 9};
        used += (size_t)snprintf(buffer + used, 200 - used, "%s%.*s", i ? ", " : "", (int)(piece.length > 40 ? 40 : piece.length),
                                 piece.text);
    }
    return buffer;
}

static td_status wrong_columns(const first_line *f, const char *what, const char *detail) {
    char found[200];
    return td_fail(f->error, TD_BAD_DATA,
                   "%s:%lld: %s%s; found %d columns: %s; say which is what with --columns time=...,open=...,...", f->name,
                   (long long)f->number, what, detail, f->count, found_columns(f, found));
}

/* The column a user's mapping names: by name, by name in any case, or by number. */
static int named_column(const first_line *f, const char *text, int64_t length) {
    for (int i = 0; f->layout->header && i < f->count; i++)
        if (f->pieces[i].length == length && memcmp(f->pieces[i].text, text, (size_t)length) == 0) return i;
    for (int i = 0; f->layout->header && i < f->count; i++)
        if (f->pieces[i].length == length && strncasecmp(f->pieces[i].text, text, (size_t)length) == 0) return i;
    double number;
    if (td_number_parse(text, length, &number) && number >= 1 && number <= f->count && number == (int)number)
        return (int)number - 1;
    return -1;
}

static td_status map_one(first_line *f, const char *entry, int64_t length, bool mapped[TD_FIELDS]) {
    const char *equals = memchr(entry, '=', (size_t)length);
    int field = -1;
    for (int i = 0; equals && i < TD_FIELDS; i++) {
        const char *name = td_field_name(i);
        if (equals - entry == (int64_t)strlen(name) && strncasecmp(entry, name, strlen(name)) == 0) field = i;
    }
    if (field < 0)
        return td_fail(
            f->error, TD_BAD_ARG,
            "--columns: \"%.*s\" is no FIELD=COLUMN; fields are time, open, high, low, close, volume, quote_volume, trades, "
            "taker_buy_volume, taker_buy_quote_volume",
            (int)length, entry);
    int64_t rest = length - (equals + 1 - entry);
    mapped[field] = true;
    f->layout->column[field] = rest ? named_column(f, equals + 1, rest) : -1;
    if (rest && f->layout->column[field] < 0) {
        char what[128];
        snprintf(what, sizeof what, "no column \"%.*s\", which --columns names for ", (int)(rest > 60 ? 60 : rest), equals + 1);
        return wrong_columns(f, what, td_field_name(field));
    }
    return TD_OK;
}

static td_status map_all(first_line *f, const char *mapping, bool mapped[TD_FIELDS]) {
    for (const char *p = mapping; *p;) {
        int64_t length = (int64_t)strcspn(p, ",");
        if (length) TD_TRY(map_one(f, p, length, mapped));
        p += length + (p[length] == ',');
    }
    return TD_OK;
}

/* The column with the best of a field's names; -1 for none, an error for two of the same name. */
static td_status find_by_name(first_line *f, int field) {
    for (int s = 0; s < 13 && synonyms[field][s]; s++) {
        int found = -1;
        for (int i = 0; i < f->count; i++) {
            char name[NAME_MAX_BYTES];
            normal_name(f->pieces[i], name);
            if (strcmp(name, synonyms[field][s]) != 0) continue;
            if (found >= 0) return wrong_columns(f, "two columns are named ", synonyms[field][s]);
            found = i;
        }
        if (found >= 0) {
            f->layout->column[field] = found;
            return TD_OK;
        }
    }
    return TD_OK;
}

/* A date column beside a time column is two halves of a time, which we do not join. */
static td_status refuse_halves(first_line *f) {
    int column = f->layout->column[TD_FIELD_TIME];
    char name[NAME_MAX_BYTES];
    if (column < 0) return TD_OK;
    normal_name(f->pieces[column], name);
    for (int i = 0; strcmp(name, "date") == 0 && i < f->count; i++) {
        char other[NAME_MAX_BYTES];
        normal_name(f->pieces[i], other);
        if (strcmp(other, "time") == 0) return wrong_columns(f, "date and time are two columns, expected one", "");
    }
    return TD_OK;
}

static td_status layout_by_header(first_line *f, const bool mapped[TD_FIELDS]) {
    int *column = f->layout->column;
    for (int field = 0; field < TD_FIELDS; field++)
        if (!mapped[field]) TD_TRY(find_by_name(f, field));
    if (!mapped[TD_FIELD_TIME]) {
        TD_TRY(refuse_halves(f));
        if (column[TD_FIELD_TIME] < 0 && f->pieces[0].length == 0) column[TD_FIELD_TIME] = 0;
    }
    return TD_OK;
}

static td_status check_layout(first_line *f) {
    static const int needed[] = {TD_FIELD_TIME, TD_OPEN, TD_HIGH, TD_LOW, TD_CLOSE};
    const int *column = f->layout->column;
    for (size_t i = 0; i < sizeof needed / sizeof *needed; i++)
        if (column[needed[i]] < 0) return wrong_columns(f, "no column for ", td_field_name(needed[i]));
    for (int a = 0; a < TD_FIELDS; a++)
        for (int b = 0; b < a; b++)
            if (column[a] >= 0 && column[a] == column[b])
                return wrong_columns(f, "one column is to be two fields, one of them ", td_field_name(a));
    return TD_OK;
}

td_status td_layout_find(const char *name, int64_t line_number, const char *line, int64_t length, const char *mapping, bool extras,
                         td_layout *layout, td_error *error) {
    first_line f = {.name = name, .number = line_number, .layout = layout, .error = error};
    if (memchr(line, 0, (size_t)length))
        return td_fail(error, TD_BAD_DATA, "%s:%lld: holds a zero byte, expected CSV text", name, (long long)line_number);
    if (*line == '[' || *line == '{')
        return td_fail(error, TD_BAD_DATA, "%s:%lld: begins with %c, as JSON does; expected CSV text", name, (long long)line_number,
                       *line);
    layout->delimiter = find_delimiter(line, length);
    f.count = td_split_line(line, length, layout->delimiter, f.pieces, TD_TEXT_COLUMNS_MAX);
    if (f.count > TD_TEXT_COLUMNS_MAX)
        return td_fail(error, TD_BAD_DATA, "%s:%lld: has %d columns, expected at most %d", name, (long long)line_number, f.count,
                       TD_TEXT_COLUMNS_MAX);
    layout->columns = f.count;
    layout->header = true;
    for (int i = 0; i < f.count; i++) layout->header &= !is_value(f.pieces[i]);
    for (int field = 0; field < TD_FIELDS; field++) layout->column[field] = -1;

    bool mapped[TD_FIELDS] = {false};
    if (mapping) TD_TRY(map_all(&f, mapping, mapped));
    if (layout->header)
        TD_TRY(layout_by_header(&f, mapped));
    else if (!mapping && f.count == BINANCE_COLUMNS)
        memcpy(layout->column, binance, sizeof binance);
    else if (!mapping)
        return td_fail(error, TD_BAD_DATA,
                       "%s:%lld: %d columns and no header; expected a header, the %d columns of a Binance kline file, or "
                       "--columns time=1,open=2,... with numbers",
                       name, (long long)line_number, f.count, BINANCE_COLUMNS);
    for (int field = TD_BAR_PLAIN; !extras && field < TD_BAR_COLUMNS; field++) layout->column[field] = -1;
    return check_layout(&f);
}
