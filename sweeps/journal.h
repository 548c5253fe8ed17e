/* The journal: what a sweep has finished, on disk, as it finishes. Bytes: docs/file-formats-results.md.
 *
 * An append-only file of frames {magic, length, type, CRC-32C, payload}. The first frame is the head, which says what sweep this
 * is; the others have one size: a finished trial each, or the start of a session. The journal is the authority while a sweep runs;
 * the results file is built from it and renamed into place. A process that dies leaves a torn tail at worst; opening cuts it off.
 *
 * Memory: 8 bytes per trial of the sweep; the cells stay on disk.
 *
 * One writer per file: an exclusive flock() held while it is open for appending (TD_BUSY when another process has it). */
#ifndef TAPEDECK_SWEEPS_JOURNAL_H
#define TAPEDECK_SWEEPS_JOURNAL_H

#include "sim/envelope.h"
#include "sim/tape_kind.h"

enum { TD_JOURNAL_METRICS_ENVELOPED = 3 * TD_METRIC_BARS_COUNT }; /* envelopes are of bars */

typedef struct td_journal_head {
    char config_digest[65]; /* of td_config.resolved */
    char tape_digest[65];
    int64_t trials;         /* of the whole sweep; of several markets, rows (sweeps/markets.h) */
    int64_t blocks;         /* returns per trial */
    td_tape_kind kind;      /* whose metrics they are */
    int64_t metrics;        /* numbers per trial: the kind's when it was written, or TD_JOURNAL_METRICS_ENVELOPED, where the low
                               and the high ones of each trial's envelope follow its metrics */
    char strategy_source[13]; /* of a user's own strategy: the first 12 digits of its source's SHA-256; "" of a built-in one */
    char engine[32];        /* version of the numbers: TAPEDECK_VERSION */
    int64_t created_ns;     /* wall clock of the first start; the only field that a resume does not compare */
} td_journal_head;

typedef struct td_journal td_journal;

/* Starts a new journal (fails with TD_BUSY / TD_IO when path exists) or, with resume, opens an existing one and checks that its
 * head is this sweep's: TD_DIFFERENT with what differs. With nothing to resume, resume starts. Torn tails are cut off and counted.
 * head->created_ns is taken from the journal when it is resumed. */
td_status td_journal_open(const char *path, td_journal_head *head, bool resume, td_journal **journal, td_error *error);
/* Opens for reading only; no lock, head filled in; a torn tail is ignored. */
td_status td_journal_read(const char *path, td_journal_head *head, td_journal **journal, td_error *error);
int64_t td_journal_done(const td_journal *journal);      /* distinct finished trials */
int64_t td_journal_failed(const td_journal *journal);    /* of these, failed ones */
int64_t td_journal_torn_bytes(const td_journal *journal); /* in no whole frame at opening: cut off (or ignored) */
int td_journal_sessions(const td_journal *journal);      /* times it was opened for appending, this one included */
bool td_journal_has(const td_journal *journal, int64_t trial);

/* Appends finished trials with one write(): trials, cells (count), block_returns (count, blocks), envelopes (count; not looked at, and
 * may be NULL, where the journal holds none). Thread-safe. fdatasync at most
 * once a second. TD_IO when the disk refuses (full: the frames already written stay good). */
td_status td_journal_append(td_journal *journal, const int64_t *trials, const td_cell *cells, const float *block_returns,
                            const td_envelope *envelopes, int64_t count, td_error *error);
td_status td_journal_sync(td_journal *journal, td_error *error);
/* Reads a finished trial back; TD_BAD_DATA when it is not there. block_returns (blocks) may be NULL, and so may
 * envelope, which is left alone where the journal holds none. Thread-safe. */
td_status td_journal_get(const td_journal *journal, int64_t trial, td_cell *cell, float *block_returns, td_envelope *envelope,
                         td_error *error);
void td_journal_close(td_journal *journal);

#endif
