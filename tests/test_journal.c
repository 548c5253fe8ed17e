/* The journal: what was appended comes back bit for bit, whatever happened in between. Cells are made up from the trial's number,
 * so every test knows what each trial must say. */
#include "sweeps/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/crc32c.h"
#include "base/random.h"
#include "tests/support.h"

enum { BLOCKS = 3, HEAD_BYTES = 224, FRAME_BYTES = 16 + 36 + 8 * TD_METRIC_BARS_COUNT + 4 * BLOCKS };

static td_journal_head make_head(int64_t trials) {
    td_journal_head head = {.trials = trials, .blocks = BLOCKS, .metrics = TD_METRIC_BARS_COUNT, .engine = "0.1.0", .created_ns = 12345};
    memset(head.config_digest, 'c', 64);
    memset(head.tape_digest, 't', 64);
    return head;
}

/* what trial n came to: every field another number, NaN and infinity among them, every seventh failed */
static td_cell make_cell(int64_t trial, float *returns) {
    td_cell cell = {.state = trial % 7 == 3 ? TD_CELL_FAILED : TD_CELL_DONE, .reason_bar = -1, .ruined = trial % 5 == 0};
    if (cell.state == TD_CELL_FAILED) cell.reason = TD_CELL_REASON_nan_equity, cell.reason_bar = trial * 10;
    cell.hash = td_random_bits(7, TD_PURPOSE_TEST, 0, (uint64_t)trial);
    for (int m = 0; m < TD_METRIC_BARS_COUNT; m++)
        cell.metrics[m] = td_random_normal(7, TD_PURPOSE_TEST, 1 + (uint64_t)m, (uint64_t)trial);
    for (int m = TD_METRIC_BARS_COUNT; m < TD_METRIC_COUNT; m++) cell.metrics[m] = NAN; /* a journal of bars has no room for them */
    cell.metrics[TD_METRIC_best_trade] = NAN;
    cell.metrics[TD_METRIC_profit_factor] = INFINITY;
    for (int b = 0; b < BLOCKS; b++) returns[b] = (float)td_random_normal(7, TD_PURPOSE_TEST, 100 + (uint64_t)b, (uint64_t)trial);
    return cell;
}

static void append_range(td_journal *journal, int64_t from, int64_t to) {
    td_error error;
    int64_t trials[64];
    td_cell cells[64];
    float returns[64 * BLOCKS];
    while (from < to) {
        int64_t count = 0;
        for (; from < to && count < 64; from++, count++) {
            trials[count] = from;
            cells[count] = make_cell(from, returns + count * BLOCKS);
        }
        assert_ok(td_journal_append(journal, trials, cells, returns, NULL, count, &error));
    }
}

static void check_trial(const td_journal *journal, int64_t trial) {
    td_error error;
    float wanted_returns[BLOCKS], returns[BLOCKS];
    td_cell wanted = make_cell(trial, wanted_returns), cell;
    assert_ok(td_journal_get(journal, trial, &cell, returns, NULL, &error));
    assert_memory_equal(&cell, &wanted, sizeof cell);
    assert_memory_equal(returns, wanted_returns, sizeof returns);
}

static void copy_file(const char *from, const char *to, int64_t size) {
    char *bytes = td_test_read(from);
    FILE *file = fopen(to, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, (size_t)size, file), size);
    fclose(file);
    free(bytes);
}

static int64_t file_bytes(const char *path) {
    struct stat status;
    return stat(path, &status) ? -1 : status.st_size;
}

static void comes_back(void **state) {
    (void)state;
    td_error error;
    const char *path = td_test_path("back.journal");
    td_journal_head head = make_head(100);
    td_journal *journal;
    assert_ok(td_journal_open(path, &head, false, &journal, &error));
    assert_int_equal(td_journal_done(journal), 0);
    append_range(journal, 10, 90);
    assert_int_equal(td_journal_done(journal), 80);
    assert_int_equal(td_journal_failed(journal), 12); /* 10, 17, .. 87 */
    assert_false(td_journal_has(journal, 9));
    assert_true(td_journal_has(journal, 10));
    for (int64_t t = 10; t < 90; t++) check_trial(journal, t);
    td_cell cell;
    assert_fails(td_journal_get(journal, 95, &cell, NULL, NULL, &error), TD_BAD_DATA, "no result of trial 95");
    td_journal_close(journal);
    /* the layout that docs/file-formats-results.md gives */
    assert_int_equal(file_bytes(path), HEAD_BYTES + 81 * FRAME_BYTES);

    /* by a reader, which gets the head from the file */
    td_journal_head read;
    assert_ok(td_journal_read(path, &read, &journal, &error));
    assert_string_equal(read.config_digest, head.config_digest);
    assert_string_equal(read.tape_digest, head.tape_digest);
    assert_string_equal(read.engine, head.engine);
    assert_int_equal(read.trials, 100);
    assert_int_equal(read.blocks, BLOCKS);
    assert_int_equal(read.metrics, TD_METRIC_BARS_COUNT);
    assert_int_equal(read.created_ns, 12345);
    for (int64_t t = 10; t < 90; t++) check_trial(journal, t);
    td_journal_close(journal);

    /* by a second session, which goes on and keeps the first one's time of creation */
    td_journal_head again = make_head(100);
    again.created_ns = 99999;
    assert_ok(td_journal_open(path, &again, true, &journal, &error));
    assert_int_equal(again.created_ns, 12345);
    assert_int_equal(td_journal_sessions(journal), 2);
    assert_int_equal(td_journal_done(journal), 80);
    append_range(journal, 0, 10);
    append_range(journal, 90, 100);
    for (int64_t t = 0; t < 100; t++) check_trial(journal, t);
    assert_int_equal(td_journal_done(journal), 100);
    td_journal_close(journal);
}

static void first_of_a_trial_wins(void **state) {
    (void)state;
    td_error error;
    const char *path = td_test_path("twice.journal");
    td_journal_head head = make_head(10);
    td_journal *journal;
    assert_ok(td_journal_open(path, &head, false, &journal, &error));
    append_range(journal, 4, 5);
    /* the same trial with other numbers, twice in a batch with a new one */
    int64_t trials[] = {4, 5, 5};
    float returns[3 * BLOCKS] = {0};
    td_cell cells[3] = {make_cell(1, returns), make_cell(5, returns + BLOCKS), make_cell(2, returns + 2 * BLOCKS)};
    assert_ok(td_journal_append(journal, trials, cells, returns, NULL, 3, &error));
    assert_int_equal(td_journal_done(journal), 2);
    check_trial(journal, 4);
    check_trial(journal, 5);
    td_journal_close(journal);
    /* also when both are in the file: the frame of trial 4 once more at the end, made of the file's own bytes */
    char *bytes = td_test_read(path);
    FILE *file = fopen(path, "ab");
    fwrite(bytes + HEAD_BYTES + FRAME_BYTES, 1, FRAME_BYTES, file);
    fclose(file);
    free(bytes);
    assert_ok(td_journal_read(path, &head, &journal, &error));
    assert_int_equal(td_journal_done(journal), 2);
    assert_int_equal(td_journal_torn_bytes(journal), 0);
    check_trial(journal, 4);
    td_journal_close(journal);
}

static void says_why_not(void **state) {
    (void)state;
    td_error error;
    td_journal_head head = make_head(10), read;
    td_journal *journal;
    const char *path = td_test_path("there.journal");
    assert_fails(td_journal_read(path, &read, &journal, &error), TD_IO, "No such file");
    assert_fails(td_journal_open(td_test_path("no/such/folder.journal"), &head, true, &journal, &error), TD_IO, "No such file");
    assert_ok(td_journal_open(path, &head, true, &journal, &error)); /* with nothing to resume, resume starts */
    td_journal_close(journal);
    assert_fails(td_journal_open(path, &head, false, &journal, &error), TD_IO, "go on with --resume");

    /* another sweep: each difference by name */
    td_journal_head other = make_head(11);
    other.config_digest[0] = 'x';
    other.tape_digest[0] = 'y';
    other.blocks = 4;
    strcpy(other.engine, "9.9.9");
    const char *parts[] = {"the configuration (digest cccccccccccc, now xccccccccccc)",
                           "the tape (digest tttttttttttt, now yttttttttttt)",
                           "the number of trials (10, now 11)",
                           "the number of blocks (3, now 4)",
                           "the engine's version (0.1.0, now 9.9.9)"};
    for (size_t p = 0; p < sizeof parts / sizeof *parts; p++)
        assert_fails(td_journal_open(path, &other, true, &journal, &error), TD_DIFFERENT, parts[p]);
    other = make_head(10);
    strcpy(other.engine, "0.2.0");
    assert_fails(td_journal_open(path, &other, true, &journal, &error), TD_DIFFERENT, "what differs: the engine's version");
    assert_null(strstr(error.message, "trials"));

    /* no journal */
    const char *foreign = td_test_path("foreign.journal");
    td_test_write(foreign, "time,open,high,low,close\n");
    assert_fails(td_journal_open(foreign, &head, true, &journal, &error), TD_BAD_DATA, "begins with other bytes");
    assert_fails(td_journal_read(foreign, &read, &journal, &error), TD_BAD_DATA, "ends inside its head: 25 of 224 bytes");
    char *text = td_test_read(foreign);
    assert_string_equal(text, "time,open,high,low,close\n"); /* and it was left alone */
    free(text);
    assert_fails(td_journal_open(td_test_folder(), &head, true, &journal, &error), TD_IO, "Is a directory");

    /* a later format version; first with the old checksum, then with its own */
    const char *later = td_test_path("later.journal");
    copy_file(path, later, file_bytes(path));
    int file = open(later, O_RDWR);
    assert_int_equal(pwrite(file, "\7", 1, 16), 1);
    assert_fails(td_journal_open(later, &head, true, &journal, &error), TD_BAD_DATA, "head is damaged");
    unsigned char frame[HEAD_BYTES];
    assert_int_equal(pread(file, frame, sizeof frame, 0), sizeof frame);
    uint32_t crc = td_crc32c(td_crc32c(0, frame + 4, 8), frame + 16, sizeof frame - 16);
    assert_int_equal(pwrite(file, &crc, 4, 12), 4);
    close(file);
    assert_fails(td_journal_open(later, &head, true, &journal, &error), TD_BAD_DATA, "version 7, this program reads version 1");
}

static void one_writer(void **state) {
    (void)state;
    td_error error;
    td_journal_head head = make_head(10);
    td_journal *journal;
    const char *path = td_test_path("busy.journal");
    int ready[2];
    assert_int_equal(pipe(ready), 0);
    pid_t child = fork();
    if (child == 0) {
        bool ok = td_journal_open(path, &head, false, &journal, &error) == TD_OK;
        if (write(ready[1], ok ? "y" : "n", 1) != 1) _exit(1);
        for (;;) pause();
    }
    char answer = 0;
    assert_int_equal(read(ready[0], &answer, 1), 1);
    assert_int_equal(answer, 'y');
    td_journal *second;
    char name[64];
    snprintf(name, sizeof name, "process %d", (int)child);
    assert_fails(td_journal_open(path, &head, true, &second, &error), TD_BUSY, path);
    bool named = strstr(error.message, name) || strstr(error.message, "another process"); /* not every kernel tells who */
    assert_true(named);
    assert_fails(td_journal_open(path, &head, false, &second, &error), TD_BUSY, "is being written by");
    /* a reader needs no lock */
    assert_ok(td_journal_read(path, &head, &second, &error));
    td_journal_close(second);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    close(ready[0]), close(ready[1]);
    assert_ok(td_journal_open(path, &head, true, &second, &error));
    td_journal_close(second);
}

/* every length the file can be torn to */
static void torn_anywhere(void **state) {
    (void)state;
    td_error error;
    const char *whole = td_test_path("whole.journal"), *torn = td_test_path("torn.journal");
    td_journal_head head = make_head(6), read;
    td_journal *journal;
    assert_ok(td_journal_open(whole, &head, false, &journal, &error));
    append_range(journal, 0, 6);
    td_journal_close(journal);
    int64_t size = file_bytes(whole);
    assert_int_equal(size, HEAD_BYTES + 7 * FRAME_BYTES);
    for (int64_t cut = 0; cut <= size; cut++) {
        copy_file(whole, torn, cut);
        if (cut < HEAD_BYTES) {
            assert_fails(td_journal_read(torn, &read, &journal, &error), TD_BAD_DATA, "ends inside its head");
        } else {
            int64_t frames = (cut - HEAD_BYTES) / FRAME_BYTES, trials = frames > 0 ? frames - 1 : 0; /* one is the session's */
            assert_ok(td_journal_read(torn, &read, &journal, &error));
            assert_int_equal(td_journal_done(journal), trials);
            assert_int_equal(td_journal_torn_bytes(journal), (cut - HEAD_BYTES) % FRAME_BYTES);
            for (int64_t t = 0; t < trials; t++) check_trial(journal, t);
            td_journal_close(journal);
        }
        if (cut % 61 && cut % FRAME_BYTES > 1) continue;
        /* resuming cuts, goes on and ends with all of them */
        assert_ok(td_journal_open(torn, &head, true, &journal, &error));
        int64_t done = td_journal_done(journal);
        append_range(journal, done, 6);
        for (int64_t t = 0; t < 6; t++) check_trial(journal, t);
        td_journal_close(journal);
        assert_int_equal((file_bytes(torn) - HEAD_BYTES) % FRAME_BYTES, 0);
        assert_ok(td_journal_read(torn, &read, &journal, &error));
        assert_int_equal(td_journal_torn_bytes(journal), 0);
        assert_int_equal(td_journal_done(journal), 6);
        td_journal_close(journal);
    }
}

/* every byte with one bit turned over: the head is refused, a frame costs itself and no other */
static void damaged_anywhere(void **state) {
    (void)state;
    td_error error;
    const char *whole = td_test_path("sound.journal"), *hurt = td_test_path("hurt.journal");
    td_journal_head head = make_head(5), read;
    td_journal *journal;
    assert_ok(td_journal_open(whole, &head, false, &journal, &error));
    append_range(journal, 0, 5);
    td_journal_close(journal);
    int64_t size = file_bytes(whole);
    copy_file(whole, hurt, size);
    int file = open(hurt, O_RDWR);
    for (int64_t at = 0; at < size; at++) {
        unsigned char byte, bad;
        assert_int_equal(pread(file, &byte, 1, at), 1);
        bad = byte ^ (unsigned char)(1 << at % 8);
        assert_int_equal(pwrite(file, &bad, 1, at), 1);
        if (at < HEAD_BYTES) {
            const char *part = at < 4 ? "begins with other bytes" : "head is damaged";
            assert_fails(td_journal_read(hurt, &read, &journal, &error), TD_BAD_DATA, part);
        } else {
            int64_t lost = (at - HEAD_BYTES) / FRAME_BYTES - 1; /* -1 is the session's frame */
            assert_ok(td_journal_read(hurt, &read, &journal, &error));
            assert_int_equal(td_journal_done(journal), lost < 0 ? 5 : 4);
            assert_int_equal(td_journal_torn_bytes(journal), FRAME_BYTES);
            for (int64_t t = 0; t < 5; t++) {
                assert_int_equal(td_journal_has(journal, t), t != lost);
                if (t != lost) check_trial(journal, t);
            }
            td_journal_close(journal);
        }
        assert_int_equal(pwrite(file, &byte, 1, at), 1);
    }
    /* a hole in the middle is filled by playing it again, at the end of the file */
    assert_int_equal(pwrite(file, "hole", 4, HEAD_BYTES + 3 * FRAME_BYTES + 50), 4);
    assert_ok(td_journal_open(hurt, &head, true, &journal, &error));
    assert_int_equal(td_journal_done(journal), 4);
    append_range(journal, 2, 3);
    for (int64_t t = 0; t < 5; t++) check_trial(journal, t);
    /* and a frame that goes bad under an open journal is reported, not returned */
    td_cell cell;
    assert_int_equal(pwrite(file, "hole", 4, HEAD_BYTES + 2 * FRAME_BYTES + 50), 4);
    assert_fails(td_journal_get(journal, 1, &cell, NULL, NULL, &error), TD_BAD_DATA, "trial 1 at byte");
    td_journal_close(journal);
    close(file);
}

/* A writer killed at a random moment, sixty times over the same journal: what append() had said yes to is there, what is there is
 * right, and the next session goes on from it. */
static void killed_writers(void **state) {
    (void)state;
    td_error error;
    enum { KILLS = 60, TRIALS = 400000 };
    const char *path = td_test_path("killed.journal");
    td_journal_head head = make_head(TRIALS);
    int64_t before = 0;
    for (int round = 0; round < KILLS; round++) {
        int told[2];
        assert_int_equal(pipe(told), 0);
        pid_t child = fork();
        if (child == 0) {
            td_journal *journal;
            td_journal_head mine = make_head(TRIALS);
            if (td_journal_open(path, &mine, true, &journal, &error) != TD_OK) _exit(1);
            int64_t trials[16];
            td_cell cells[16];
            float returns[16 * BLOCKS];
            for (int64_t next = td_journal_done(journal); next + 16 <= TRIALS;) {
                int64_t count = 1 + (int64_t)(td_random_bits(3, TD_PURPOSE_TEST, (uint64_t)round, (uint64_t)next) % 16);
                for (int64_t i = 0; i < count; i++) trials[i] = next + i, cells[i] = make_cell(next + i, returns + i * BLOCKS);
                if (td_journal_append(journal, trials, cells, returns, NULL, count, &error) != TD_OK) _exit(2);
                next += count;
                if (write(told[1], &next, sizeof next) != sizeof next) _exit(3);
            }
            _exit(4);
        }
        close(told[1]);
        /* the moment: after a number of reports, plus a fraction of a millisecond */
        int64_t next = before, reports = (int64_t)(td_random_uniform(5, TD_PURPOSE_TEST, 0, (uint64_t)round) * 200);
        while (reports-- > 0 && read(told[0], &next, sizeof next) == sizeof next) continue;
        usleep((useconds_t)(td_random_uniform(5, TD_PURPOSE_TEST, 1, (uint64_t)round) * 800));
        kill(child, SIGKILL);
        int ended;
        waitpid(child, &ended, 0);
        assert_true(WIFSIGNALED(ended));
        while (read(told[0], &next, sizeof next) == sizeof next) continue;
        close(told[0]);
        td_journal *journal;
        td_journal_head read;
        if (round == 0 && file_bytes(path) < HEAD_BYTES) continue; /* killed before it began */
        assert_ok(td_journal_read(path, &read, &journal, &error));
        int64_t done = td_journal_done(journal);
        assert_true(done >= next && done >= before);
        for (int64_t t = before > 50 ? before - 50 : 0; t < done; t++) check_trial(journal, t);
        td_journal_close(journal);
        before = done;
    }
    assert_true(before > 0);
    td_journal *journal;
    assert_ok(td_journal_open(path, &head, true, &journal, &error));
    assert_int_equal(td_journal_done(journal), before);
    for (int64_t t = 0; t < before; t++) check_trial(journal, t);
    assert_false(td_journal_has(journal, before));
    td_journal_close(journal);
}

static void *append_every_fourth(void *context) {
    td_journal *journal = ((void **)context)[0];
    int64_t lane = (int64_t)(intptr_t)((void **)context)[1];
    for (int64_t t = lane; t < 4000; t += 4) {
        td_error error;
        float returns[BLOCKS];
        td_cell cell = make_cell(t, returns), back;
        if (td_journal_append(journal, &t, &cell, returns, NULL, 1, &error) != TD_OK) abort();
        if (td_journal_get(journal, t, &back, NULL, NULL, &error) != TD_OK || back.hash != cell.hash) abort();
    }
    return NULL;
}

static void many_threads(void **state) {
    (void)state;
    td_error error;
    td_journal_head head = make_head(4000);
    td_journal *journal;
    assert_ok(td_journal_open(td_test_path("threads.journal"), &head, false, &journal, &error));
    pthread_t threads[4];
    void *contexts[4][2];
    for (int i = 0; i < 4; i++) {
        contexts[i][0] = journal, contexts[i][1] = (void *)(intptr_t)i;
        assert_int_equal(pthread_create(&threads[i], NULL, append_every_fourth, contexts[i]), 0);
    }
    for (int i = 0; i < 4; i++) pthread_join(threads[i], NULL);
    assert_int_equal(td_journal_done(journal), 4000);
    for (int64_t t = 0; t < 4000; t++) check_trial(journal, t);
    td_journal_close(journal);
}

/* fills the file system under `journal` until it refuses, then checks that nothing is lost; `room` gives space again */
static void fill_and_go_on(const char *path, void (*room)(const char *), const char *reason) {
    td_error error;
    td_journal_head head = make_head(100000);
    td_journal *journal;
    assert_ok(td_journal_open(path, &head, true, &journal, &error));
    td_status status = TD_OK;
    int64_t next = 0;
    while (status == TD_OK && next < 100000) {
        int64_t trials[50];
        td_cell cells[50];
        float returns[50 * BLOCKS];
        for (int64_t i = 0; i < 50; i++) trials[i] = next + i, cells[i] = make_cell(next + i, returns + i * BLOCKS);
        status = td_journal_append(journal, trials, cells, returns, NULL, 50, &error);
        if (status == TD_OK) next += 50;
    }
    assert_int_equal(status, TD_IO);
    if (!strstr(error.message, reason) || !strstr(error.message, path)) fail_msg("unclear: %s", error.message);
    assert_int_equal(td_journal_done(journal), next);
    assert_int_equal((file_bytes(path) - HEAD_BYTES) % FRAME_BYTES, 0); /* cut back to the last good frame */
    for (int64_t t = 0; t < next; t++) check_trial(journal, t);
    assert_false(td_journal_has(journal, next));
    /* with room again the same journal goes on */
    room(path);
    append_range(journal, next, next + 50);
    for (int64_t t = 0; t < next + 50; t++) check_trial(journal, t);
    td_journal_close(journal);
    assert_ok(td_journal_open(path, &head, true, &journal, &error));
    assert_int_equal(td_journal_done(journal), next + 50);
    assert_int_equal(td_journal_torn_bytes(journal), 0);
    td_journal_close(journal);
}

static struct rlimit old_limit;

static void lift_limit(const char *path) {
    (void)path;
    setrlimit(RLIMIT_FSIZE, &old_limit);
}

static void file_too_large(void **state) {
    (void)state;
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &old_limit);
    struct rlimit limit = old_limit;
    limit.rlim_cur = 200001; /* in the middle of a frame: the write comes back short, then with an error */
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    fill_and_go_on(td_test_path("limit.journal"), lift_limit, strerror(EFBIG));
}

static void remove_ballast(const char *path) {
    char ballast[600];
    snprintf(ballast, sizeof ballast, "%.*s/ballast", (int)(strrchr(path, '/') - path), path);
    unlink(ballast);
}

static void full_disk(void **state) {
    (void)state;
    const char *folder = td_test_path("small");
    mkdir(folder, 0755);
    if (mount("tapedeck-test", folder, "tmpfs", 0, "size=256k")) {
        print_message("skipped: a small file system cannot be mounted here: %s\n", strerror(errno));
        skip();
    }
    char path[600], ballast[600];
    snprintf(path, sizeof path, "%s/full.journal", folder);
    snprintf(ballast, sizeof ballast, "%s/ballast", folder);
    FILE *file = fopen(ballast, "wb");
    for (int i = 0; i < 100 * 1024; i++) fputc('b', file);
    fclose(file);
    fill_and_go_on(path, remove_ballast, "No space left on device");
    assert_int_equal(umount(folder), 0);
}

/* where a test failed half-way */
static int tear_down(void **state) {
    (void)state;
    umount2(td_test_path("small"), MNT_DETACH);
    return 0;
}

/* A journal of envelopes gives back what it got; and is not that of a sweep without. */
static void envelopes(void **state) {
    (void)state;
    td_error error;
    const char *path = td_test_path("enveloped.journal");
    td_journal_head head = {.trials = 10, .blocks = BLOCKS, .metrics = TD_JOURNAL_METRICS_ENVELOPED, .engine = "0.1.0"};
    td_journal *journal;
    td_cell cell = {.state = TD_CELL_DONE, .reason_bar = -1, .hash = 7}, back;
    td_envelope envelope, found;
    float returns[BLOCKS] = {0.5f, -0.25f, 0}, returns_found[BLOCKS];
    for (int m = 0; m < TD_METRIC_BARS_COUNT; m++) {
        cell.metrics[m] = m;
        envelope.low[m] = m - 0.5;
        envelope.high[m] = m + 0.25;
    }
    for (int session = 0; session < 2; session++) {
        assert_ok(td_journal_open(path, &head, session > 0, &journal, &error));
        int64_t trial = 3 + session;
        assert_ok(td_journal_append(journal, &trial, &cell, returns, &envelope, 1, &error));
        for (int64_t t = 3; t <= trial; t++) {
            memset(&found, 0, sizeof found);
            assert_ok(td_journal_get(journal, t, &back, returns_found, &found, &error));
            assert_memory_equal(&found, &envelope, sizeof found);
            assert_memory_equal(back.metrics, cell.metrics, TD_METRIC_BARS_COUNT * sizeof *back.metrics);
            assert_memory_equal(returns_found, returns, sizeof returns);
            assert_ok(td_journal_get(journal, t, &back, NULL, NULL, &error));
        }
        td_journal_close(journal);
    }
    head.metrics = TD_METRIC_BARS_COUNT;
    assert_fails(td_journal_open(path, &head, true, &journal, &error), TD_DIFFERENT, "the number of metrics");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(comes_back),       cmocka_unit_test(first_of_a_trial_wins), cmocka_unit_test(says_why_not),
        cmocka_unit_test(one_writer),       cmocka_unit_test(torn_anywhere),         cmocka_unit_test(damaged_anywhere),
        cmocka_unit_test(killed_writers),   cmocka_unit_test(many_threads),          cmocka_unit_test(file_too_large),
        cmocka_unit_test(full_disk),        cmocka_unit_test(envelopes),
    };
    return cmocka_run_group_tests(tests, NULL, tear_down);
}
