/* data/dbn.h, data/books/databento.c: DBN files made by hand, and the samples. */
#include "tests/support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/dbn.h"
#include "tests/book_import.h"

static td_error error;
static td_test_import in;

static int begin(void **state) {
    (void)state;
    in = td_test_import_begin();
    return 0;
}

static int end(void **state) {
    (void)state;
    td_test_import_end(&in);
    return 0;
}

#define COUNT(name) ((int)in.report.counts[TD_FEED_COUNT_##name])
#define ORIGIN INT64_C(1700000000000000000)
#define LAST TD_DBN_LAST
enum { NOBODY = 0 };

/* ---- files by hand ---- */

static uint8_t bytes[1 << 16];
static size_t used;

static void put(const void *p, size_t size) {
    assert_true(used + size <= sizeof bytes);
    memcpy(bytes + used, p, size);
    used += size;
}
static void put8(uint8_t v) { put(&v, 1); }
static void put16(uint16_t v) { put(&v, 2); }
static void put32(uint32_t v) { put(&v, 4); }
static void put64(uint64_t v) { put(&v, 8); }
static void put_zeros(size_t size) { memset(bytes + used, 0, size), used += size; }
static void put_symbol(const char *text, int version) {
    size_t length = version == 1 ? 22 : 71;
    memset(bytes + used, 0, length);
    memcpy(bytes + used, text, strlen(text));
    used += length;
}

/* Metadata of a file of one schema, with instruments 7 = "X" and 8 = "Y". */
static void head(int version, int schema) {
    used = 0;
    put("DBN", 3);
    put8((uint8_t)version);
    put32(0);
    put("GLBX.MDP3\0\0\0\0\0\0", 16);
    put16((uint16_t)schema);
    put_zeros(24);
    if (version == 1) put_zeros(8);
    put8(1); /* raw symbols in */
    put8(0); /* numbers out */
    put8(0);
    if (version > 1) put16(71);
    put_zeros(version == 1 ? 47 : 53);
    put32(0);
    put32(2);
    put_symbol("X", version);
    put_symbol("Y", version);
    put32(0);
    put32(0);
    put32(2);
    for (int i = 0; i < 2; i++) {
        put_symbol(i ? "Y" : "X", version);
        put32(1);
        put32(20231114);
        put32(20231115);
        put_symbol(i ? "8" : "7", version);
    }
    uint32_t size = (uint32_t)(used - 8);
    memcpy(bytes + 4, &size, 4);
}

static void record_head(int type, size_t size, uint32_t instrument, int64_t event) {
    put8((uint8_t)(size / 4));
    put8((uint8_t)type);
    put16(1);
    put32(instrument);
    put64((uint64_t)(ORIGIN + event));
}

/* An order of instrument 7: action, side, price in half points, size, id, times. */
static void order_of(uint32_t instrument, char action, char side, int64_t half_points, uint32_t size, uint64_t id, int64_t event, int64_t received,
                     int flags) {
    record_head(TD_DBN_MBO, 56, instrument, event);
    put64(id);
    put64(half_points < 0 ? (uint64_t)TD_DBN_NO_PRICE : (uint64_t)half_points * 500000000);
    put32(size);
    put8((uint8_t)flags);
    put8(0);
    put8((uint8_t)action);
    put8((uint8_t)side);
    put64((uint64_t)(ORIGIN + received));
    put32(0);
    put32(3);
}
static void order(char action, char side, int64_t half_points, uint32_t size, uint64_t id, int64_t event, int64_t received, int flags) {
    order_of(7, action, side, half_points, size, id, event, received, flags);
}

/* A trade or an event of levels: then come (bid, its size, ask, its size) for each. */
static void event(int type, char action, char side, int64_t half_points, uint32_t size, int64_t time, int flags, int levels, const int64_t *level) {
    record_head(type, 48 + 32 * (size_t)levels, 7, time);
    put64((uint64_t)half_points * 500000000);
    put32(size);
    put8((uint8_t)action);
    put8((uint8_t)side);
    put8((uint8_t)flags);
    put8(0);
    put64((uint64_t)(ORIGIN + time + 1));
    put32(0);
    put32(3);
    for (int i = 0; i < levels; i++, level += 4) {
        put64(level[0] < 0 ? (uint64_t)TD_DBN_NO_PRICE : (uint64_t)level[0] * 500000000);
        put64(level[2] < 0 ? (uint64_t)TD_DBN_NO_PRICE : (uint64_t)level[2] * 500000000);
        put32((uint32_t)level[1]);
        put32((uint32_t)level[3]);
        put32(1);
        put32(1);
    }
}

static td_status import_as(const char *symbol, const char *name) {
    const char *path = td_test_path("%s", name);
    td_test_write_bytes(path, bytes, used);
    return td_test_import_files(&in, "databento", symbol, 1, &path, &error);
}
static td_status import(void) { return import_as("X", "x.dbn"); }
static const char *tape(void) { return td_test_tape_text(&in.book, ORIGIN, 1); }

/* ---- orders ---- */

/* Up to the last record is one message, at that record's times; orders of a snapshot count when they were received. */
static void orders(int version) {
    head(version, 0);
    order('R', 'N', -1, 0, 0, 5, 100, 40);
    order('A', 'B', 20, 5, 11, 1, 100, 40);
    order('A', 'A', 22, 6, 12, 2, 100, 168);
    order('T', 'B', 22, 2, 0, 110, 120, 0);
    order('F', 'A', 22, 2, 12, 110, 120, 0);
    order('C', 'A', 22, 2, 12, 111, 121, LAST);
    order('M', 'B', 19, 7, 11, 130, 140, LAST);
    order('T', 'N', 21, 1, 0, 150, 160, LAST);
    order('N', 'N', 21, 1, 0, 151, 161, LAST);
}

static void all_versions(void **state) {
    (void)state;
    for (int version = 1; version <= 3; version++) {
        orders(version);
        assert_ok(import());
        assert_string_equal(tape(), "O100@100+0x0r1+20x5a11-22x6a12 O111@121+22x2t0-22x2f12-22x2c12 O130@140+19x7m11");
        assert_int_equal(COUNT(other), 2);
        assert_int_equal(in.book.sequence[0], 3);
    }
}

/* Parity, row by row: a message for each time, and a snapshot behind a clear is at the time of its receipt; without one it is not. */
static void parity(void **state) {
    (void)state;
    in.def.parity = true;
    orders(1);
    assert_ok(import());
    assert_string_equal(tape(), "O100@100+0x0r1+20x5a11-22x6a12 O110@120+22x2t0-22x2f12 O111@121-22x2c12 O130@140+19x7m11");
    head(1, 0);
    order('A', 'B', 20, 5, 11, 1, 100, 40);
    order('A', 'A', 22, 6, 12, 2, 100, 168);
    assert_ok(import());
    assert_string_equal(tape(), "O1@100+20x5a11 O2@100-22x6a12");
}

/* A snapshot whose end is not marked ends where other records begin. */
static void a_snapshot_without_end(void **state) {
    (void)state;
    head(1, 0);
    order('A', 'B', 20, 5, 11, 1, 100, 40);
    order('A', 'A', 22, 6, 12, 101, 102, 0);
    order('A', 'A', 23, 6, 13, 101, 102, LAST);
    assert_ok(import());
    assert_string_equal(tape(), "O100@100+20x5a11 O101@102-22x6a12-23x6a13");
}

/* Prices that are none, and records that say that messages are missing: nothing until the next clear. */
static void gaps(void **state) {
    (void)state;
    head(1, 0);
    order('A', 'B', 20, 5, 11, 1, 2, LAST);
    order('A', 'B', -1, 5, 12, 3, 4, LAST);
    order('A', 'B', 20, 5, 13, 5, 6, LAST);
    order('R', 'N', -1, 0, 0, 7, 8, LAST);
    order('A', 'A', 22, 5, 14, 9, 10, LAST);
    order('A', 'A', 22, 5, 15, 11, 12, LAST | TD_DBN_MAYBE_BAD_BOOK);
    order('R', 'N', -1, 0, 0, 13, 14, LAST);
    order('A', 'A', 22, 5, 16, 15, 16, LAST);
    order('A', 'Q', 22, 5, 17, 17, 18, LAST);
    assert_ok(import());
    assert_string_equal(tape(), "O1@2+20x5a11 G3@4 O7@8+0x0r1 O9@10-22x5a14 G11@12 O13@14+0x0r1 O15@16-22x5a16 G17@18");
    assert_int_equal(COUNT(not_numbers), 1);
    assert_int_equal(COUNT(gaps), 3);
    assert_int_equal(COUNT(broken), 1);
    assert_non_null(strstr(in.report.first[TD_FEED_COUNT_broken], "x.dbn:9: action 'A' (65), side 'Q' (81)"));
}

/* ---- levels and trades ---- */

/* What differs from the levels told last: what is no longer among them is gone; a trade comes before the change it made. */
static void levels(void **state) {
    (void)state;
    head(1, 1);
    event(TD_DBN_MBP1, 'A', 'B', 20, 5, 1, LAST, 1, (const int64_t[]){20, 5, 22, 6});
    event(TD_DBN_MBP1, 'T', 'A', 20, 5, 3, NOBODY, 1, (const int64_t[]){20, 5, 22, 6});
    event(TD_DBN_MBP1, 'C', 'B', 20, 5, 3, LAST, 1, (const int64_t[]){19, 8, 22, 6});
    event(TD_DBN_MBP1, 'A', 'A', 21, 5, 5, LAST, 1, (const int64_t[]){19, 8, 21, 5});
    event(TD_DBN_MBP1, 'A', 'A', 30, 5, 7, LAST, 1, (const int64_t[]){19, 8, 21, 5});
    event(TD_DBN_MBP1, 'C', 'A', 30, 5, 9, LAST, 1, (const int64_t[]){19, 8, -1, 0});
    event(TD_DBN_MBP1, 'R', 'N', 0, 0, 11, LAST, 1, (const int64_t[]){18, 1, 23, 2});
    assert_ok(import());
    assert_string_equal(tape(), "S1@2+20x5-22x6 T3@4-20x5 D3@4+20x0+19x8 D5@6-22x0-21x5 D9@10-21x0 S11@12+18x1-23x2");
}

static void ten_levels(void **state) {
    (void)state;
    int64_t level[40];
    for (int i = 0; i < 10; i++) {
        level[4 * i] = 40 - i;
        level[4 * i + 1] = i + 1;
        level[4 * i + 2] = i < 5 ? 41 + i : -1;
        level[4 * i + 3] = i < 5 ? i + 1 : 0;
    }
    head(3, 2);
    event(TD_DBN_MBP10, 'A', 'B', 20, 5, 1, LAST, 10, level);
    level[1] = 9;
    level[4 * 5 + 2] = 50;
    level[4 * 5 + 3] = 7;
    event(TD_DBN_MBP10, 'A', 'B', 20, 5, 3, LAST, 10, level);
    assert_ok(import());
    assert_string_equal(tape(), "S1@2+40x1+39x2+38x3+37x4+36x5+35x6+34x7+33x8+32x9+31x10-41x1-42x2-43x3-44x4-45x5 D3@4+40x9-50x7");
}

static void trades_and_tops(void **state) {
    (void)state;
    head(2, TD_DBN_SCHEMA_TBBO);
    event(TD_DBN_MBP1, 'T', 'B', 22, 1, 1, LAST, 1, (const int64_t[]){20, 5, 22, 6});
    event(TD_DBN_MBP1, 'T', 'A', 20, 2, 3, LAST, 1, (const int64_t[]){20, 5, 22, 5});
    assert_ok(import());
    assert_string_equal(tape(), "S1@2+20x5-22x6 T1@2+22x1 D3@4-22x5 T3@4-20x2");
    head(2, 4);
    event(TD_DBN_TRADE, 'T', 'B', 22, 1, 1, NOBODY, 0, NULL);
    event(TD_DBN_TRADE, 'T', 'N', 22, 1, 2, NOBODY, 0, NULL);
    assert_ok(import());
    assert_string_equal(tape(), "T1@2+22x1");
    assert_int_equal(COUNT(other), 1);
}

/* ---- symbols, and what is wrong ---- */

static void instruments(void **state) {
    (void)state;
    head(1, 0);
    order_of(7, 'A', 'B', 20, 5, 11, 1, 2, LAST);
    order_of(8, 'A', 'B', 30, 5, 12, 3, 4, LAST);
    assert_ok(import());
    assert_string_equal(tape(), "O1@2+20x5a11");
    assert_ok(import_as("8", "x.dbn"));
    assert_string_equal(tape(), "O3@4+30x5a12");
    assert_fails(import_as(NULL, "x.dbn"), TD_BAD_DATA, "x.dbn: record 2: instrument Y (8) after records of X (7)");
    assert_fails(import_as("Z", "x.dbn"), TD_BAD_DATA, "no record is of Z; there are records of Y");
}

/* The next file has the symbol under another number: what was resting there is gone. And a file split anywhere is the same tape. */
static void several_files(void **state) {
    (void)state;
    const char *files[2] = {strdup(td_test_path("1.dbn")), strdup(td_test_path("2.dbn"))};
    head(1, 0);
    order('A', 'B', 20, 5, 11, 1, 2, LAST);
    order('A', 'B', 21, 5, 12, 3, 4, 0);
    td_test_write_bytes(files[0], bytes, used);
    head(1, 0);
    order('A', 'B', 22, 5, 13, 3, 4, LAST);
    td_test_write_bytes(files[1], bytes, used);
    assert_ok(td_test_import_files(&in, "databento", "X", 2, files, &error));
    assert_string_equal(tape(), "O1@2+20x5a11 O3@4+21x5a12+22x5a13");
    head(1, 0);
    order_of(9, 'A', 'B', 22, 5, 13, 5, 6, LAST);
    memcpy(bytes + used - 56 - 22, "9", 1); /* the last mapping, of Y, made one of X to 9 */
    memcpy(bytes + used - 56 - 22 - 12 - 22, "X", 1);
    td_test_write_bytes(files[1], bytes, used);
    assert_ok(td_test_import_files(&in, "databento", "X", 2, files, &error));
    assert_string_equal(tape(), "O1@2+20x5a11 O3@4+21x5a12 C5@6 O5@6+22x5a13");
    free((char *)files[0]);
    free((char *)files[1]);
}

static void what_is_wrong(void **state) {
    (void)state;
    orders(1);
    size_t whole = used;
    bytes[3] = 4;
    assert_fails(import(), TD_BAD_DATA, "x.dbn: is DBN version 4, expected 1, 2 or 3");
    bytes[3] = 1;
    memcpy(bytes, "DBZ", 3);
    assert_fails(import(), TD_BAD_DATA, "does not begin with \"DBN\"");
    memcpy(bytes, "DBN", 3);
    used = whole - 20;
    assert_fails(import(), TD_BAD_DATA, "x.dbn: ends inside record 9");
    used = whole - 50;
    assert_fails(import(), TD_BAD_DATA, "x.dbn: ends inside record 9");
    used = 60;
    assert_fails(import(), TD_BAD_DATA, "metadata are damaged: the file ends inside them");
    uint32_t size;
    memcpy(&size, bytes + 4, 4);
    used = whole;
    bytes[8 + size] = 3; /* the first record's length */
    assert_fails(import(), TD_BAD_DATA, "record 1 has 12 bytes, expected 56 at least for its type 160");
    orders(1);
    event(TD_DBN_TRADE, 'T', 'B', 22, 1, 200, NOBODY, 0, NULL);
    assert_fails(import(), TD_BAD_DATA, "record 10: trades after MBO");
    head(1, 9);
    record_head(0x13, 16, 7, 1);
    assert_fails(import(), TD_BAD_DATA, "has no MBO, MBP-1, MBP-10, TBBO or trade records");
    assert_int_equal(used, size + 8 + 16);
    /* compressed, whole and cut */
    orders(1);
    const char *path = td_test_path("x.dbn.zst");
    td_test_pack(path, "zst", 1, (const char *const[]){"x"}, (const void *const[]){bytes}, (const size_t[]){used});
    assert_ok(td_test_import_files(&in, "databento", "X", 1, &path, &error));
    assert_int_equal(in.book.messages, 3);
    char *packed = td_test_read(path);
    td_test_write_bytes(path, packed, 200);
    free(packed);
    assert_fails(td_test_import_files(&in, "databento", "X", 1, &path, &error), TD_BAD_DATA, "cannot be unpacked");
}

/* ---- the samples ---- */

static td_status import_sample(const char *name, const char *symbol) {
    char path[512];
    const char *shared = td_test_shared(), *file = path;
    if (!shared) skip();
    snprintf(path, sizeof path, "%s/data/nautilus/%s", shared, name);
    in.def.instrument.tick = 0.25;
    return td_test_import_files(&in, "databento", symbol, 1, &file, &error);
}

/* A book of orders as simple as can be: who is there, at what price, how much. */
typedef struct resting {
    uint64_t id;
    int32_t tick_side;
    int64_t lots;
} resting;
enum { SLOTS = 1 << 16 };
static resting table[SLOTS];
static int32_t quantity[2][1 << 16];

static resting *slot_of(uint64_t id) {
    uint64_t at = id * 0x9e3779b97f4a7c15u >> 48;
    while (table[at].id && table[at].id != id) at = (at + 1) % SLOTS; /* ids are not used twice: those gone keep their slot */
    table[at].id = id;
    return &table[at];
}

static void add(resting *o, int64_t lots) {
    o->lots += lots;
    quantity[o->tick_side & 1][o->tick_side >> 1] += (int32_t)lots;
}

static bool is_crossed(void) {
    int32_t bid = (1 << 16) - 1, ask = 0;
    while (bid >= 0 && !quantity[TD_BUY][bid]) bid--;
    while (ask < 1 << 16 && !quantity[TD_SELL][ask]) ask++;
    return bid >= 0 && ask < 1 << 16 && bid > ask;
}

static void es_on_christmas(void **state) {
    (void)state;
    assert_ok(import_sample("esh4-glbx-mdp3-20231225.mbo.dbn.zst", "ESH4"));
    const td_book *b = &in.book;
    int64_t actions[TD_ACTION_COUNT] = {0}, unknown = 0, crossed = 0;
    for (int64_t m = 0; m < b->messages; m++) {
        assert_int_equal(b->kind[m], TD_BOOK_ORDERS);
        for (int64_t r = td_book_row_begin(b, m); r < b->row_end[m]; r++) {
            td_book_action action = b->action[r];
            resting *o = slot_of(b->order_id[r] ? b->order_id[r] : 1);
            actions[action]++;
            if (action == TD_ACTION_CANCEL || action == TD_ACTION_MODIFY || action == TD_ACTION_FILL) unknown += o->lots == 0;
            if (action == TD_ACTION_CANCEL) add(o, -(int64_t)b->row[r].lots);
            if (action == TD_ACTION_MODIFY) add(o, -o->lots);
            if (action == TD_ACTION_ADD || action == TD_ACTION_MODIFY) {
                o->tick_side = b->row[r].tick_side;
                add(o, b->row[r].lots);
            }
        }
        crossed += is_crossed();
    }
    assert_int_equal(actions[TD_ACTION_ADD], 29216);
    assert_int_equal(actions[TD_ACTION_CANCEL], 17999);
    assert_int_equal(actions[TD_ACTION_MODIFY], 12233);
    assert_int_equal(actions[TD_ACTION_TRADE], 2973 - 1); /* of the opening auction: no side */
    assert_int_equal(actions[TD_ACTION_FILL], 6371 - 35);
    assert_int_equal(COUNT(other), 36);
    assert_int_equal(b->rows + COUNT(other), 68792);
    assert_int_equal(b->messages, 47022 + 1); /* last records, and the snapshot, whose end is not marked */
    assert_int_equal(unknown, 0);
    assert_int_equal(COUNT(unknown_orders), 0);
    assert_int_equal(crossed, 891);
    assert_int_equal(COUNT(crossed), 891);
    assert_true(b->exchange_ns[1] == INT64_C(1703541600180087113) && b->local_ns[1] == INT64_C(1703541600181198464));
}

static void es_in_parity(void **state) {
    (void)state;
    in.def.parity = true;
    assert_ok(import_sample("esh4-glbx-mdp3-20231225.mbo.dbn.zst", "ESH4"));
    assert_true(in.book.exchange_ns[0] == INT64_C(1703422805243925307));
    assert_int_equal(in.book.rows, 68792 - 36);
    assert_int_equal(in.book.messages, 49758);
}

static void es_snapshots(void **state) {
    (void)state;
    assert_ok(import_sample("esh4-glbx-mdp3-20231224.mbo.dbn.zst", "ESH4"));
    assert_int_equal(in.book.messages, 1);
    assert_int_equal(in.book.rows, 8725);
    assert_ok(import_sample("orderbooks_mbo_2024-05-08T00-00-00_2024-05-08T00-00-02.dbn.zst", "ESM4"));
    assert_int_equal(in.book.rows, 13796);
    assert_int_equal(in.book.messages, 185);
    assert_int_equal(in.book.action[0], TD_ACTION_CLEAR);
    assert_int_equal(in.book.row_end[0], 1 + 13600);
    assert_int_equal(COUNT(unknown_orders) + COUNT(crossed), 0);
}

static void es_levels_and_trades(void **state) {
    (void)state;
    assert_ok(import_sample("futures_mbp-1_2024-07-01T23-58_2024-07-02T00-02.dbn.zst", "ESU4"));
    assert_int_equal(COUNT(trades), 120);
    assert_int_equal(COUNT(crossed) + COUNT(locked) + COUNT(unknown_levels), 0);
    assert_string_equal(td_book_report(&in.book) ? "" : "none", "");
    assert_int_equal(in.book.kind[0], TD_BOOK_TRADE);
    assert_int_equal(td_row_tick(in.book.row[0]), 22115);
    assert_int_equal(in.book.kind[1], TD_BOOK_SNAPSHOT);
    int64_t sum = 0;
    for (int64_t m = 0; m < in.book.messages; m++) sum += in.book.kind[m] == TD_BOOK_TRADE ? in.book.row[in.book.row_end[m] - 1].lots : 0;
    assert_ok(import_sample("futures_trades_2024-07-01T23-58_2024-07-02T00-02.dbn.zst", "ESU4"));
    assert_int_equal(in.book.messages, 120);
    for (int64_t r = 0; r < in.book.rows; r++) sum -= in.book.row[r].lots;
    assert_int_equal(sum, 0); /* the same trades */
    assert_fails(import_sample("futures_definition.dbn.zst", "ESU4"), TD_BAD_DATA, "has no MBO");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(all_versions, begin, end), cmocka_unit_test_setup_teardown(parity, begin, end),
        cmocka_unit_test_setup_teardown(a_snapshot_without_end, begin, end), cmocka_unit_test_setup_teardown(gaps, begin, end),
        cmocka_unit_test_setup_teardown(levels, begin, end), cmocka_unit_test_setup_teardown(ten_levels, begin, end),
        cmocka_unit_test_setup_teardown(trades_and_tops, begin, end), cmocka_unit_test_setup_teardown(instruments, begin, end),
        cmocka_unit_test_setup_teardown(several_files, begin, end), cmocka_unit_test_setup_teardown(what_is_wrong, begin, end),
        cmocka_unit_test_setup_teardown(es_on_christmas, begin, end), cmocka_unit_test_setup_teardown(es_in_parity, begin, end),
        cmocka_unit_test_setup_teardown(es_snapshots, begin, end), cmocka_unit_test_setup_teardown(es_levels_and_trades, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
