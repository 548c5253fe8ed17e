/* The results file: what the journal holds comes out of the file again, an HDF5 reader finds what docs/file-formats-results.md
 * promises, and no failure leaves half a file. The cells are made up: no engine plays here. */
#include "sweeps/results.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <hdf5.h>
#include <hdf5_hl.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/random.h"
#include "tests/support.h"

/* 20 x 3 x 3 = 180 sets; names in sorted order, the last varies fastest */
static const char config_text[] = "# made up\n"
                                  "name: a small sweep\n"
                                  "tape: test.h5\n"
                                  "strategy: sma-cross\n"
                                  "method: grid\n"
                                  "seed: 11\n"
                                  "metric: {name: sqn, goal: maximize}\n"
                                  "parameters:\n"
                                  "  fast: {min: 2, max: 21}\n"
                                  "  slow: {values: [30, 40, 50]}\n"
                                  "  stop_loss: {values: [0.0, 0.01, 0.025]}\n";
enum { TRIALS = 180, BARS = 500 };

static td_config *config;
static td_tape tape;
static td_deck *deck;
static td_markets markets;
static td_market_facts facts;
static int64_t blocks;

static td_cell make_cell(int64_t trial, float *returns) {
    td_cell cell = {.state = trial % 9 == 4 ? TD_CELL_FAILED : TD_CELL_DONE, .reason_bar = -1, .ruined = trial % 5 == 0};
    if (cell.state == TD_CELL_FAILED) cell.reason = TD_CELL_REASON_nan_target, cell.reason_bar = trial * 2;
    cell.hash = td_random_bits(7, TD_PURPOSE_TEST, 0, (uint64_t)trial);
    for (int m = 0; m < TD_METRIC_BARS_COUNT; m++)
        cell.metrics[m] = td_random_normal(7, TD_PURPOSE_TEST, 1 + (uint64_t)m, (uint64_t)trial);
    cell.metrics[TD_METRIC_best_trade] = trial % 2 ? NAN : 0.5;
    cell.metrics[TD_METRIC_profit_factor] = INFINITY;
    for (int64_t b = 0; b < blocks; b++)
        returns[b] = (float)td_random_normal(7, TD_PURPOSE_TEST, 100 + (uint64_t)b, (uint64_t)trial);
    return cell;
}

static td_journal *make_journal(const char *path) {
    td_error error;
    td_journal_head head = {.trials = td_space_count(config->space), .blocks = blocks, .metrics = TD_METRIC_BARS_COUNT};
    strcpy(head.engine, "0.1.0");
    memcpy(head.config_digest, config->digest, 65);
    memset(head.tape_digest, 't', 64);
    td_journal *journal;
    unlink(path);
    assert_ok(td_journal_open(path, &head, false, &journal, &error));
    return journal;
}

static void append(td_journal *journal, int64_t trial) {
    td_error error;
    float returns[TD_BLOCKS_MAX];
    td_cell cell = make_cell(trial, returns);
    assert_ok(td_journal_append(journal, &trial, &cell, returns, NULL, 1, &error));
}

static td_sweep_info some_info(void) {
    return (td_sweep_info){.threads = 3, .isa = TD_ISA_V2, .engine = TD_ENGINE_LANES, .started_ns = 1700000000 * TD_NS_PER_SECOND,
                           .finished_ns = 1700000100 * TD_NS_PER_SECOND, .play_seconds = 99.5, .sessions = 2,
                           .command = "tapedeck sweep small.yaml -o \xff.h5"};
}

static td_status write_results(const char *path, const td_journal *journal, td_error *error) {
    td_sweep_info info = some_info();
    return td_results_write(path, config, &markets, &facts, journal, &info, error);
}

static int set_up(void **state) {
    (void)state;
    td_error error;
    tape = td_test_tape(BARS, TD_NS_PER_DAY, 5);
    strcpy(tape.digest, "0123456789abcdef");
    assert_ok(td_config_parse("small.yaml", config_text, NULL, 0, stderr, &config, &error));
    assert_ok(td_deck_make(&tape, &config->play, &deck, &error));
    assert_int_equal(td_space_count(config->space), TRIALS);
    assert_ok(td_markets_make(config, &tape, &markets, &error));
    assert_ok(td_market_note(&tape, deck, &facts, &error));
    blocks = td_deck_blocks(deck);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    free(facts.block_start_ns);
    free(facts.block_end_ns);
    td_markets_free(&markets);
    td_deck_free(deck);
    td_config_free(config);
    /* where a test failed half-way */
    umount2(td_test_path("small"), MNT_DETACH);
    umount2(td_test_path("plain"), MNT_DETACH);
    return 0;
}

static void check_trial(td_results *results, int64_t trial, bool finished) {
    td_error error;
    float wanted_returns[TD_BLOCKS_MAX], returns[TD_BLOCKS_MAX];
    td_cell wanted = make_cell(trial, wanted_returns);
    if (!finished) {
        wanted = (td_cell){.state = TD_CELL_PENDING};
        for (int m = 0; m < TD_METRIC_BARS_COUNT; m++) wanted.metrics[m] = NAN;
        for (int64_t b = 0; b < blocks; b++) wanted_returns[b] = NAN;
    }
    assert_int_equal(td_results_state(results, &error)[trial], wanted.state);
    assert_int_equal(td_results_reason(results, &error)[trial], wanted.reason);
    assert_true(td_results_hash(results, &error)[trial] == wanted.hash);
    for (int m = 0; m < TD_METRIC_BARS_COUNT; m++) {
        double found = td_results_metric(results, (td_metric)m, &error)[trial];
        if (isnan(wanted.metrics[m])) assert_true(isnan(found));
        else assert_memory_equal(&found, &wanted.metrics[m], 8);
    }
    assert_ok(td_results_block_returns(results, trial, returns, &error));
    for (int64_t b = 0; b < blocks; b++) {
        if (finished) assert_memory_equal(&returns[b], &wanted_returns[b], 4);
        else assert_true(isnan(returns[b]));
    }
}

static void comes_back(void **state) {
    (void)state;
    td_error error;
    const char *path = td_test_path("whole.h5");
    td_journal *journal = make_journal(td_test_path("whole.journal"));
    for (int64_t t = 0; t < TRIALS; t++) append(journal, t);
    assert_ok(write_results(path, journal, &error));
    td_journal_close(journal);

    td_results *results;
    assert_ok(td_results_open(path, &results, &error));
    assert_int_equal(td_results_trials(results), TRIALS);
    assert_int_equal(td_results_done(results), TRIALS);
    assert_int_equal(td_results_failed(results), TRIALS / 9);
    assert_int_equal(td_results_blocks(results), blocks);
    for (int64_t t = 0; t < TRIALS; t++) check_trial(results, t, true);

    /* axes: names in order, whole ones known as such, values of some trials by hand */
    assert_int_equal(td_results_axis_count(results), 3);
    assert_string_equal(td_results_axis_name(results, 0), "fast");
    assert_string_equal(td_results_axis_name(results, 1), "slow");
    assert_string_equal(td_results_axis_name(results, 2), "stop_loss");
    assert_true(td_results_axis_whole(results, 0) && td_results_axis_whole(results, 1) && !td_results_axis_whole(results, 2));
    const struct {
        int64_t trial;
        double values[3];
    } by_hand[] = {{0, {2, 30, 0}}, {1, {2, 30, 0.01}}, {3, {2, 40, 0}}, {9, {3, 30, 0}}, {179, {21, 50, 0.025}}};
    for (size_t i = 0; i < sizeof by_hand / sizeof *by_hand; i++)
        for (int a = 0; a < 3; a++)
            assert_true(td_results_axis(results, a, &error)[by_hand[i].trial] == by_hand[i].values[a]);

    /* provenance */
    const struct {
        const char *name, *text;
    } texts[] = {{"Conventions", "CF-1.10"}, {"tapedeck_schema", "tapedeck-results"}, {"title", "a small sweep"},
                 {"config_text", config_text}, {"config_path", "small.yaml"}, {"config_resolved", config->resolved},
                 {"config_digest", config->digest}, {"tape_path", config->tape},
                 {"tape_digest", "0123456789abcdef"}, {"tape_symbol", "TEST"}, {"tape_interval", "1d"}, {"strategy", "sma-cross"},
                 {"profile", "tapedeck"}, {"method", "grid"}, {"metric", "sqn"}, {"goal", "maximize"}, {"constants", "{}"},
                 {"first_bar_time", "2024-01-01T00:00:00Z"}, {"last_bar_time", "2025-05-14T00:00:00Z"},
                 {"isa", td_isa_name(TD_ISA_V2)}, {"engine", td_engine_name(TD_ENGINE_LANES)},
                 {"started", "2023-11-14T22:13:20Z"}, {"finished", "2023-11-14T22:15:00Z"},
                 {"tapedeck_version", TAPEDECK_VERSION}, {"command", "tapedeck sweep small.yaml -o ?.h5"}};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        const char *found = td_results_attribute(results, texts[i].name);
        if (!found || strcmp(found, texts[i].text)) fail_msg("%s is \"%s\", not \"%s\"", texts[i].name, found, texts[i].text);
    }
    const char *present[] = {"git_commit", "compiler", "hdf5_version", "gsl_version", "cpu"};
    for (size_t i = 0; i < sizeof present / sizeof *present; i++) {
        const char *found = td_results_attribute(results, present[i]);
        if (!found || !*found) fail_msg("%s is missing", present[i]);
    }
    const struct {
        const char *name;
        double value;
    } numbers[] = {{"bars", BARS}, {"seed", 11}, {"trials", TRIALS}, {"excluded", 0}, {"done", TRIALS}, {"failed", TRIALS / 9},
                   {"blocks", (double)blocks}, {"periods_per_year", td_deck_periods_per_year(deck)}, {"threads", 3},
                   {"sessions", 2}, {"play_seconds", 99.5}};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        if (td_results_number(results, numbers[i].name) != numbers[i].value)
            fail_msg("%s is %g, not %g", numbers[i].name, td_results_number(results, numbers[i].name), numbers[i].value);
    assert_null(td_results_attribute(results, "nonsense"));
    assert_true(isnan(td_results_number(results, "nonsense")));
    td_results_close(results);
}

static void unfinished_sweeps_are_pending(void **state) {
    (void)state;
    td_error error;
    const char *path = td_test_path("part.h5");
    td_journal *journal = make_journal(td_test_path("part.journal"));
    for (int64_t t = 0; t < TRIALS; t += 3) append(journal, t);
    assert_ok(write_results(path, journal, &error));
    td_results *results;
    assert_ok(td_results_open(path, &results, &error));
    assert_int_equal(td_results_done(results), TRIALS / 3);
    for (int64_t t = 0; t < TRIALS; t++) check_trial(results, t, t % 3 == 0);
    assert_true(td_results_axis(results, 0, &error)[TRIALS - 1] == 21); /* parameters are known before play */
    td_results_close(results);
    td_journal_close(journal);
}

/* every dataset of a file, name and bytes, into one buffer */
static herr_t add_dataset(hid_t file, const char *name, const H5L_info_t *info, void *context) {
    (void)info;
    FILE *out = context;
    hid_t dataset = H5Dopen2(file, name, H5P_DEFAULT), type = H5Dget_type(dataset), space = H5Dget_space(dataset);
    size_t size = (size_t)H5Sget_simple_extent_npoints(space) * H5Tget_size(type);
    char *bytes = malloc(size);
    if (H5Dread(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, bytes) < 0) abort();
    fprintf(out, "%s %zu\n", name, size);
    fwrite(bytes, 1, size, out);
    free(bytes);
    H5Sclose(space), H5Tclose(type), H5Dclose(dataset);
    return 0;
}

static char *all_datasets(const char *path, size_t *size) {
    char *bytes = NULL;
    FILE *out = open_memstream(&bytes, size);
    hid_t file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
    assert_true(file >= 0 && H5Literate(file, H5_INDEX_CRT_ORDER, H5_ITER_INC, NULL, add_dataset, out) >= 0);
    H5Fclose(file);
    fclose(out);
    return bytes;
}

static void datasets_depend_on_the_sweep_alone(void **state) {
    (void)state;
    td_error error;
    const char *straight = td_test_path("straight.h5"), *resumed = td_test_path("resumed.h5");
    td_journal *journal = make_journal(td_test_path("straight.journal"));
    for (int64_t t = 0; t < TRIALS; t++) append(journal, t);
    assert_ok(write_results(straight, journal, &error));
    td_journal_close(journal);
    /* another order, a session in between, other threads and times */
    const char *path = td_test_path("resumed.journal");
    journal = make_journal(path);
    for (int64_t t = 0; t < TRIALS / 2; t++) append(journal, (t * 77 + 5) % TRIALS);
    td_journal_head head;
    td_journal *reader;
    assert_ok(td_journal_read(path, &head, &reader, &error));
    td_journal_close(reader);
    td_journal_close(journal);
    assert_ok(td_journal_open(path, &head, true, &journal, &error));
    for (int64_t t = TRIALS / 2; t < TRIALS; t++) append(journal, (t * 77 + 5) % TRIALS);
    td_sweep_info info = {.threads = 64, .isa = TD_ISA_SCALAR, .engine = TD_ENGINE_REFERENCE, .sessions = 9, .command = ""};
    assert_ok(td_results_write(resumed, config, &markets, &facts, journal, &info, &error));
    td_journal_close(journal);
    size_t size_1, size_2;
    char *bytes_1 = all_datasets(straight, &size_1), *bytes_2 = all_datasets(resumed, &size_2);
    assert_true(size_1 > TRIALS * 8 * TD_METRIC_BARS_COUNT && size_1 == size_2);
    assert_memory_equal(bytes_1, bytes_2, size_1);
    free(bytes_1), free(bytes_2);
}

static void text_of(hid_t object, const char *name, char *text, size_t size) {
    char *read = NULL;
    hid_t attribute = H5Aopen(object, name, H5P_DEFAULT), type = attribute < 0 ? -1 : H5Aget_type(attribute);
    text[0] = 0;
    if (type >= 0 && H5Tis_variable_str(type) > 0 && H5Tget_cset(type) == H5T_CSET_UTF8 && H5Aread(attribute, type, &read) >= 0)
        snprintf(text, size, "%s", read);
    if (read) H5free_memory(read);
    if (type >= 0) H5Tclose(type);
    if (attribute >= 0) H5Aclose(attribute);
}

/* the layout, as an HDF5 reader without our code finds it */
static void layout(void **state) {
    (void)state;
    td_error error;
    const char *path = td_test_path("layout.h5");
    td_journal *journal = make_journal(td_test_path("layout.journal"));
    append(journal, 7);
    assert_ok(write_results(path, journal, &error));
    td_journal_close(journal);
    hid_t file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
    hid_t trial = H5Dopen2(file, "trial", H5P_DEFAULT), block = H5Dopen2(file, "block", H5P_DEFAULT);
    assert_true(H5DSis_scale(trial) > 0 && H5DSis_scale(block) > 0);
    static const char near[] = "fast slow stop_loss";
    const struct {
        const char *name, *units, *coordinates;
        hid_t type;
    } variables[] = {
        {"fast", "bars", "", H5T_STD_I64LE},
        {"stop_loss", "fraction", "", H5T_IEEE_F64LE},
        {"sharpe", "1", near, H5T_IEEE_F64LE},
        {"max_drawdown_duration", "d", near, H5T_IEEE_F64LE},
        {"state", "", near, H5T_STD_I8LE},
        {"reason", "", near, H5T_STD_I8LE},
        {"reason_bar", "bars", near, H5T_STD_I64LE},
        {"ruined", "", near, H5T_STD_I8LE},
        {"hash", "", near, H5T_STD_U64LE},
        {"block_return", "1", "block_start block_end fast slow stop_loss", H5T_IEEE_F32LE},
    };
    for (size_t i = 0; i < sizeof variables / sizeof *variables; i++) {
        char text[256];
        hid_t dataset = H5Dopen2(file, variables[i].name, H5P_DEFAULT), type = H5Dget_type(dataset);
        if (H5Tequal(type, variables[i].type) <= 0) fail_msg("%s has another type", variables[i].name);
        assert_true(H5DSis_attached(dataset, trial, 0) > 0);
        text_of(dataset, "units", text, sizeof text);
        assert_string_equal(text, variables[i].units);
        text_of(dataset, "coordinates", text, sizeof text);
        assert_string_equal(text, variables[i].coordinates);
        text_of(dataset, "long_name", text, sizeof text);
        assert_true(text[0]);
        assert_int_equal(H5Aexists(dataset, "_FillValue"), H5Tget_class(type) == H5T_FLOAT);
        hid_t create = H5Dget_create_plist(dataset);
        unsigned order;
        H5Pget_attr_creation_order(create, &order);
        assert_true(order & H5P_CRT_ORDER_TRACKED);
        assert_int_equal(H5Pget_nfilters(create), 2);
        H5Pclose(create), H5Tclose(type), H5Dclose(dataset);
    }
    hid_t returns = H5Dopen2(file, "block_return", H5P_DEFAULT), starts = H5Dopen2(file, "block_start", H5P_DEFAULT);
    hid_t sharpe = H5Dopen2(file, "sharpe", H5P_DEFAULT), flags = H5Dopen2(file, "state", H5P_DEFAULT);
    assert_true(H5DSis_attached(returns, block, 1) > 0 && H5DSis_attached(starts, block, 0) > 0);
    assert_true(H5Aexists(sharpe, "periods_per_year") > 0);
    char text[256];
    text_of(flags, "flag_meanings", text, sizeof text);
    assert_string_equal(text, "pending done failed");
    text_of(starts, "units", text, sizeof text);
    assert_string_equal(text, "microseconds since 1970-01-01 00:00:00");
    /* blocks begin where the deck says, and the last one ends with the last bar */
    int64_t time_us[TD_BLOCKS_MAX];
    assert_true(H5Dread(starts, H5T_NATIVE_INT64, H5S_ALL, H5S_ALL, H5P_DEFAULT, time_us) >= 0);
    for (int64_t b = 0; b < blocks; b++) assert_true(time_us[b] == tape.time_ns[td_deck_block_start(deck, b)] / 1000);
    hid_t ends = H5Dopen2(file, "block_end", H5P_DEFAULT);
    assert_true(H5Dread(ends, H5T_NATIVE_INT64, H5S_ALL, H5S_ALL, H5P_DEFAULT, time_us) >= 0);
    assert_true(time_us[blocks - 1] == (tape.time_ns[BARS - 1] + TD_NS_PER_DAY) / 1000);
    H5Dclose(ends), H5Dclose(returns), H5Dclose(starts), H5Dclose(sharpe), H5Dclose(flags), H5Dclose(trial), H5Dclose(block);
    H5Fclose(file);
}

/* more trials than a batch, a number that fills no batch: the tail is as good as the rest */
static void many_batches(void **state) {
    (void)state;
    td_error error;
    td_config *kept = config, *wide;
    const char *overrides[] = {"parameters.slow={min: 30, max: 183}"}; /* 20 x 154 x 3 = 9240 = 2 * 4096 + 1048 */
    assert_ok(td_config_parse("wide.yaml", config_text, overrides, 1, stderr, &wide, &error));
    assert_int_equal(td_space_count(wide->space), 9240);
    config = wide;
    const char *path = td_test_path("wide.h5");
    td_journal *journal = make_journal(td_test_path("wide.journal"));
    for (int64_t t = 0; t < 9240; t++)
        if (t % 11) append(journal, t);
    assert_ok(write_results(path, journal, &error));
    td_journal_close(journal);
    td_results *results;
    assert_ok(td_results_open(path, &results, &error));
    const int64_t some[] = {0, 1, 4095, 4096, 4097, 8191, 8192, 9234, 9239};
    for (size_t i = 0; i < sizeof some / sizeof *some; i++) check_trial(results, some[i], some[i] % 11);
    for (int64_t t = 0; t < 9240; t++) {
        double values[TD_AXES_MAX];
        td_space_values(wide->space, t, values);
        for (int a = 0; a < 3; a++) assert_true(td_results_axis(results, a, &error)[t] == values[a]);
    }
    td_results_close(results);
    config = kept;
    td_config_free(wide);
}

static void one_trial_without_axes(void **state) {
    (void)state;
    td_error error;
    td_config *kept = config, *single;
    const char *text = "tape: test.h5\nstrategy: sma-cross\nparameters: {fast: {value: 10}, slow: {value: 30}}\n";
    assert_ok(td_config_parse("single.yaml", text, NULL, 0, stderr, &single, &error));
    assert_int_equal(td_space_count(single->space), 1);
    config = single;
    const char *path = td_test_path("single.h5");
    td_journal *journal = make_journal(td_test_path("single.journal"));
    append(journal, 0);
    assert_ok(write_results(path, journal, &error));
    td_journal_close(journal);
    td_results *results;
    assert_ok(td_results_open(path, &results, &error));
    check_trial(results, 0, true);
    assert_int_equal(td_results_axis_count(results), 0);
    assert_string_equal(td_results_attribute(results, "constants"), "{\"fast\": 10, \"slow\": 30}");
    assert_string_equal(td_results_attribute(results, "title"), "sma-cross on TEST 1d");
    td_results_close(results);
    config = kept;
    td_config_free(single);
}

static void bad_files(void **state) {
    (void)state;
    td_error error;
    td_results *results;
    char path[512], bad[512], folder[512];
    snprintf(path, sizeof path, "%s", td_test_path("good.h5"));
    snprintf(bad, sizeof bad, "%s", td_test_path("bad.h5"));
    snprintf(folder, sizeof folder, "%s", td_test_folder());
    assert_fails(td_results_open(bad, &results, &error), TD_BAD_DATA, "No such file or directory");
    assert_fails(td_results_open(folder, &results, &error), TD_BAD_DATA, "it is a folder");
    td_test_write(bad, "");
    assert_fails(td_results_open(bad, &results, &error), TD_BAD_DATA, "the file is empty");
    td_test_write(bad, "trial,sharpe\n1,2\n");
    assert_fails(td_results_open(bad, &results, &error), TD_BAD_DATA, "is not HDF5");

    /* cut short anywhere */
    td_journal *journal = make_journal(td_test_path("good.journal"));
    for (int64_t t = 0; t < TRIALS; t++) append(journal, t);
    assert_ok(write_results(path, journal, &error));
    td_journal_close(journal);
    struct stat status;
    assert_int_equal(stat(path, &status), 0);
    char *bytes = td_test_read(path);
    for (int64_t size = 1; size < status.st_size; size += status.st_size / 23) {
        FILE *file = fopen(bad, "wb");
        fwrite(bytes, 1, (size_t)size, file);
        fclose(file);
        assert_fails(td_results_open(bad, &results, &error), TD_BAD_DATA, bad);
        assert_null(results);
    }
    assert_non_null(strstr(error.message, "cut short at"));
    free(bytes);

    /* HDF5 of somebody else, and of a tapedeck to come */
    hid_t file = H5Fcreate(bad, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    H5Fclose(file);
    assert_fails(td_results_open(bad, &results, &error), TD_BAD_DATA, "no results of a sweep (tapedeck_schema is missing");
    file = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT);
    hid_t attribute = H5Aopen(file, "tapedeck_schema_version", H5P_DEFAULT);
    int64_t version = 3;
    H5Awrite(attribute, H5T_NATIVE_INT64, &version);
    H5Aclose(attribute);
    H5Fclose(file);
    assert_fails(td_results_open(path, &results, &error), TD_BAD_DATA,
                 "schema version 3, this program reads versions 1 and 2; a newer");
    /* a count that does not fit the variables, and a variable that is gone */
    file = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT);
    attribute = H5Aopen(file, "tapedeck_schema_version", H5P_DEFAULT);
    version = 1;
    H5Awrite(attribute, H5T_NATIVE_INT64, &version);
    H5Aclose(attribute);
    H5Ldelete(file, "sharpe", H5P_DEFAULT);
    H5Fclose(file);
    assert_ok(td_results_open(path, &results, &error));
    assert_null(td_results_metric(results, TD_METRIC_sharpe, &error));
    assert_non_null(strstr(error.message, "there is no variable 'sharpe'"));
    td_results_close(results);
    file = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT);
    attribute = H5Aopen(file, "trials", H5P_DEFAULT);
    version = TRIALS + 1;
    H5Awrite(attribute, H5T_NATIVE_INT64, &version);
    H5Aclose(attribute);
    H5Fclose(file);
    assert_fails(td_results_open(path, &results, &error), TD_BAD_DATA, "'state' is not over 181 trials");
}

static int files_in(const char *folder) {
    int count = 0;
    DIR *listing = opendir(folder);
    for (struct dirent *entry; listing && (entry = readdir(listing));) count += entry->d_name[0] != '.';
    closedir(listing);
    return count;
}

/* whatever goes wrong, the old file stays and nothing else is left */
static void old_file_survives(void **state) {
    (void)state;
    td_error error;
    char folder[512], path[600];
    snprintf(folder, sizeof folder, "%s", td_test_path("survive"));
    mkdir(folder, 0755);
    snprintf(path, sizeof path, "%s/kept.h5", folder);
    td_test_write(path, "the old results\n");
    const char *journal_path = td_test_path("survive.journal");
    td_journal *journal = make_journal(journal_path);
    for (int64_t t = 0; t < TRIALS; t++) append(journal, t);

    /* a journal that goes bad while it is read */
    int file = open(journal_path, O_RDWR);
    struct stat status;
    fstat(file, &status);
    assert_int_equal(pwrite(file, "bad", 3, status.st_size - 100), 3);
    close(file);
    assert_fails(write_results(path, journal, &error), TD_BAD_DATA, "trial 179 at byte");
    char *text = td_test_read(path);
    assert_string_equal(text, "the old results\n");
    free(text);
    assert_int_equal(files_in(folder), 1);

    assert_fails(write_results(td_test_path("no/such.h5"), journal, &error), TD_IO, "No such file or directory");
    td_journal_close(journal);
}

static void full_disk(void **state) {
    (void)state;
    td_error error;
    char folder[512], path[600];
    snprintf(folder, sizeof folder, "%s", td_test_path("small"));
    mkdir(folder, 0755);
    td_journal *journal = make_journal(td_test_path("full.journal"));
    for (int64_t t = 0; t < TRIALS; t++) append(journal, t);
    snprintf(path, sizeof path, "%s/results.h5", folder);
    /* from a disk where nothing fits to one where all but the end does: each must fail cleanly until it succeeds */
    int failures = 0;
    bool whole = false;
    for (int kilobytes = 4; kilobytes < 4096 && !whole; kilobytes += kilobytes < 64 ? 4 : 12) {
        char size[32];
        snprintf(size, sizeof size, "size=%dk", kilobytes);
        if (mount("tapedeck-test", folder, "tmpfs", 0, size)) {
            print_message("skipped: a small file system cannot be mounted here: %s\n", strerror(errno));
            td_journal_close(journal);
            skip();
        }
        td_status status = write_results(path, journal, &error);
        whole = status == TD_OK;
        if (!whole) {
            failures++;
            bool clear = status == TD_IO && strstr(error.message, "No space left on device") && strstr(error.message, path);
            if (!clear) fail_msg("%d kB: %s", kilobytes, error.message);
            assert_int_equal(files_in(folder), 0);
        } else {
            td_results *results;
            assert_ok(td_results_open(path, &results, &error));
            check_trial(results, TRIALS - 1, true);
            td_results_close(results);
        }
        assert_int_equal(umount(folder), 0);
    }
    assert_true(whole && failures > 5);
    td_journal_close(journal);
}

/* a limit on the size of files stops it as a full disk does */
static void file_too_large(void **state) {
    (void)state;
    td_error error;
    td_journal *journal = make_journal(td_test_path("limit.journal"));
    for (int64_t t = 0; t < TRIALS; t++) append(journal, t);
    char path[512];
    snprintf(path, sizeof path, "%s", td_test_path("limit.h5"));
    td_test_write(path, "the old results\n");
    signal(SIGXFSZ, SIG_IGN);
    struct rlimit old, limit;
    getrlimit(RLIMIT_FSIZE, &old);
    limit = old;
    for (limit.rlim_cur = 1000; limit.rlim_cur < 1000000; limit.rlim_cur *= 4) {
        setrlimit(RLIMIT_FSIZE, &limit);
        td_status status = write_results(path, journal, &error);
        setrlimit(RLIMIT_FSIZE, &old);
        if (status != TD_IO || !strstr(error.message, strerror(EFBIG))) fail_msg("%s", error.message);
        char *text = td_test_read(path);
        assert_string_equal(text, "the old results\n");
        free(text);
    }
    td_journal_close(journal);
}

/* a file system that cannot reserve space ahead (ramfs) is written to all the same */
static void no_reservations(void **state) {
    (void)state;
    td_error error;
    char folder[512], path[600];
    snprintf(folder, sizeof folder, "%s", td_test_path("plain"));
    mkdir(folder, 0755);
    if (mount("tapedeck-test", folder, "ramfs", 0, NULL)) {
        print_message("skipped: a ramfs cannot be mounted here: %s\n", strerror(errno));
        skip();
    }
    snprintf(path, sizeof path, "%s/results.h5", folder);
    td_journal *journal = make_journal(td_test_path("plain.journal"));
    for (int64_t t = 0; t < TRIALS; t++) append(journal, t);
    td_status written = write_results(path, journal, &error);
    td_results *results = NULL;
    if (written == TD_OK) written = td_results_open(path, &results, &error);
    if (results) check_trial(results, TRIALS - 1, true);
    td_results_close(results);
    td_journal_close(journal);
    assert_int_equal(umount(folder), 0);
    assert_ok(written);
}

/* a writer killed at random: the name always stands for a whole file */
static void killed_writers(void **state) {
    (void)state;
    td_error error;
    char path[512];
    snprintf(path, sizeof path, "%s", td_test_path("killed.h5"));
    td_journal *journal = make_journal(td_test_path("killed.journal"));
    for (int64_t t = 0; t < TRIALS; t++) append(journal, t);
    assert_ok(write_results(path, journal, &error));
    for (int round = 0; round < 20; round++) {
        pid_t child = fork();
        if (child == 0) {
            while (write_results(path, journal, &error) == TD_OK) continue;
            _exit(1);
        }
        usleep((useconds_t)(td_random_uniform(9, TD_PURPOSE_TEST, 0, (uint64_t)round) * 60000));
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
        td_results *results;
        assert_ok(td_results_open(path, &results, &error));
        check_trial(results, round, true);
        td_results_close(results);
    }
    /* the next writer clears away what they left, and nothing that only looks like it */
    char other[600], folder[512];
    snprintf(other, sizeof other, "%s.tmp.12x", path);
    td_test_write(other, "not ours");
    snprintf(folder, sizeof folder, "%s", td_test_folder());
    assert_ok(write_results(path, journal, &error));
    DIR *listing = opendir(folder);
    for (struct dirent *entry; (entry = readdir(listing));)
        if (!strncmp(entry->d_name, "killed.h5.tmp.", 14)) assert_string_equal(entry->d_name, "killed.h5.tmp.12x");
    closedir(listing);
    assert_int_equal(unlink(other), 0);
    td_journal_close(journal);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(comes_back),
        cmocka_unit_test(unfinished_sweeps_are_pending),
        cmocka_unit_test(datasets_depend_on_the_sweep_alone),
        cmocka_unit_test(layout),
        cmocka_unit_test(many_batches),
        cmocka_unit_test(one_trial_without_axes),
        cmocka_unit_test(bad_files),
        cmocka_unit_test(old_file_survives),
        cmocka_unit_test(full_disk),
        cmocka_unit_test(file_too_large),
        cmocka_unit_test(no_reservations),
        cmocka_unit_test(killed_writers),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
