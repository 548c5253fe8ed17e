/* Journals of any bytes: opening must end in a status, and whatever opens must read back whole. The first byte chooses whether the
 * frames' checksums are put right first, without which hardly any input would get past the head. */
#include "sweeps/journal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/crc32c.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { HEAD_BYTES = 224, TRIALS_AT = 20, BLOCKS_AT = 28, METRICS_AT = 36 };

static void seal(uint8_t *frame, uint32_t payload_bytes) {
    memcpy(frame, "TDKJ", 4);
    memcpy(frame + 4, &payload_bytes, 4);
    uint32_t crc = td_crc32c(td_crc32c(0, frame + 4, 8), frame + 16, payload_bytes);
    memcpy(frame + 12, &crc, 4);
}

/* magic, length and checksum of every frame as they should be; the head's numbers kept small: version 1, trials under 2^16,
 * blocks under 2^8, our metrics */
static void repair(uint8_t *bytes, size_t size) {
    static const uint32_t version = 1, type_head = 1;
    static const int64_t metrics = TD_METRIC_BARS_COUNT;
    if (size < HEAD_BYTES) return;
    memcpy(bytes + 8, &type_head, 4);
    memcpy(bytes + 16, &version, 4);
    memset(bytes + TRIALS_AT + 2, 0, 6);
    memset(bytes + BLOCKS_AT + 1, 0, 7);
    memcpy(bytes + METRICS_AT, &metrics, 8);
    seal(bytes, HEAD_BYTES - 16);
    size_t frame = 16 + 36 + 8 * TD_METRIC_BARS_COUNT + 4 * (size_t)bytes[BLOCKS_AT];
    for (size_t at = HEAD_BYTES; at + frame <= size; at += frame) seal(bytes + at, (uint32_t)(frame - 16));
}

static void look(td_journal *journal, const td_journal_head *head) {
    float returns[TD_BLOCKS_MAX];
    int64_t found = 0, failed = 0;
    for (int64_t t = 0; t < head->trials && t < 100000; t++) {
        if (!td_journal_has(journal, t)) continue;
        td_cell cell;
        if (td_journal_get(journal, t, &cell, returns, NULL, NULL) != TD_OK) abort();
        found++, failed += cell.state == TD_CELL_FAILED;
    }
    if (head->trials <= 100000 && (found != td_journal_done(journal) || failed != td_journal_failed(journal))) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 1) return 0;
    uint8_t *bytes = malloc(size);
    memcpy(bytes, data + 1, size - 1);
    if (data[0] & 1) repair(bytes, size - 1);
    /* a head that claims billions of trials is not an error, only memory: nothing to learn from it here */
    for (int at = TRIALS_AT + 3; !(data[0] & 1) && size > HEAD_BYTES && at < TRIALS_AT + 8; at++) {
        if (!bytes[at]) continue;
        free(bytes);
        return 0;
    }
    char path[64];
    int file = memfd_create("journal", 0);
    snprintf(path, sizeof path, "/proc/self/fd/%d", file);
    if (file < 0 || write(file, bytes, size - 1) != (ssize_t)(size - 1)) abort();

    td_journal *journal;
    td_journal_head head, again;
    td_status status = td_journal_read(path, &head, &journal, NULL);
    if (status == TD_OK) {
        look(journal, &head);
        int64_t done = td_journal_done(journal);
        td_journal_close(journal);
        /* resuming finds the same trials, and what it leaves behind has no torn tail */
        again = head;
        if (td_journal_open(path, &again, true, &journal, NULL) != TD_OK || td_journal_done(journal) != done) abort();
        look(journal, &again);
        td_journal_close(journal);
        if (td_journal_read(path, &again, &journal, NULL) != TD_OK || td_journal_done(journal) != done) abort();
        td_journal_close(journal);
    }
    close(file);
    free(bytes);
    return 0;
}
