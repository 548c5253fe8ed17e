/* Records of a Databento (DBN) file, pulled one by one: versions 1 to 3, plain or compressed. docs/file-formats-books.md has the layout.
 *
 * Ownership: td_dbn_open() opens the file, td_dbn_close() releases it; a record is borrowed until the next one. */
#ifndef TAPEDECK_DATA_DBN_H
#define TAPEDECK_DATA_DBN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

#define TD_DBN_NO_PRICE INT64_MAX
#define TD_DBN_NO_TIME INT64_MAX /* 2^64 - 1 in the file; times beyond int64 are none either */
#define TD_DBN_NO_SIZE UINT32_MAX

typedef enum td_dbn_type {
    TD_DBN_TRADE = 0x00,
    TD_DBN_MBP1 = 0x01,
    TD_DBN_MBP10 = 0x0a,
    TD_DBN_SYMBOL_MAPPING = 0x16,
    TD_DBN_MBO = 0xa0,
} td_dbn_type;
enum { TD_DBN_SCHEMA_TBBO = 3 };

enum {
    TD_DBN_LAST = 128,          /* the last record of what the venue sent at once */
    TD_DBN_TOP = 64,            /* a best price, no order */
    TD_DBN_SNAPSHOT = 32,
    TD_DBN_AGGREGATED = 16,     /* a level, no order */
    TD_DBN_MAYBE_BAD_BOOK = 4,  /* messages are missing */
};

enum { TD_DBN_LEVELS = 10 };
typedef struct td_dbn_level {
    int64_t price[2]; /* bid, ask; 1e-9, TD_DBN_NO_PRICE: there is none */
    uint32_t size[2];
} td_dbn_level;

typedef struct td_dbn_record {
    int type;
    uint32_t instrument;
    int64_t event_ns, receive_ns; /* receive_ns, and all below, only of the types above but SYMBOL_MAPPING */
    uint64_t order_id;            /* MBO */
    int64_t price;
    uint32_t size, sequence;
    char action, side;
    uint8_t flags;
    int levels;                   /* 0, 1, 10 */
    td_dbn_level level[TD_DBN_LEVELS]; /* after the event */
} td_dbn_record;

typedef struct td_dbn td_dbn;
td_status td_dbn_open(const char *path, td_dbn **dbn, td_error *error);
void td_dbn_close(td_dbn *dbn);
/* *record NULL at the end. TD_BAD_DATA when the file ends inside a record or one cannot be. */
td_status td_dbn_next(td_dbn *dbn, const td_dbn_record **record, td_error *error);
/* Number of the current record, from 1. */
int64_t td_dbn_place(const td_dbn *dbn);
int td_dbn_schema(const td_dbn *dbn);
/* What the file calls an instrument, NULL when it does not say. */
const char *td_dbn_symbol(const td_dbn *dbn, uint32_t instrument);
/* Is the name one that the file gives the instrument, or its number? */
bool td_dbn_is_named(const td_dbn *dbn, uint32_t instrument, const char *name);

#endif
