/* sweeps/config.c and what it stands on: what is read, what is refused and in which words, digests, --set, what is printed. */
#include "tests/support.h"

#include <jansson.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/random.h"
#include "sweeps/config.h"
#include "sweeps/scalars.h"
#include "sweeps/schema.h"

static const char *const goog = "# goog.yaml\n"
                                "tape: goog.h5\n"
                                "strategy: sma-cross\n"
                                "parameters: {fast: {value: 10}, slow: {value: 30}}\n"
                                "account: {cash: 10000, sizing: all_in, units: whole}\n"
                                "costs: {commission: 0.0, spread: 0.0}\n"
                                "fill: {at: next_open}\n"
                                "finalize: true\n"
                                "profile: backtesting\n";

static const char *const smallest = "tape: t.h5\nstrategy: sma-cross\n";

/* Parses and expects success; up to three --set. said (may be NULL) receives the diagnostics, the caller frees. */
static td_config *parse_set(const char *text, char **said, const char *set1, const char *set2, const char *set3) {
    const char *sets[] = {set1, set2, set3};
    int count = set1 ? set2 ? set3 ? 3 : 2 : 1 : 0;
    char *printed = NULL;
    size_t bytes = 0;
    FILE *out = open_memstream(&printed, &bytes);
    td_config *config;
    td_error error;
    td_status status = td_config_parse("test.yaml", text, sets, count, out, &config, &error);
    fclose(out);
    if (status != TD_OK) fail_msg("refused: %s\n%s\nin:\n%s", error.message, printed, text);
    if (said)
        *said = printed;
    else
        free(printed);
    return config;
}

static td_config *parse(const char *text) { return parse_set(text, NULL, NULL, NULL, NULL); }

static void assert_has(const char *text, const char *part) {
    if (!strstr(text, part)) fail_msg("\"%s\" is not in:\n%s", part, text);
}

/* What is said about a text that must be refused, with one --set or NULL. The caller frees. */
static char *complaints(const char *text, const char *set, td_error *error) {
    char *said = NULL;
    size_t bytes = 0;
    FILE *out = open_memstream(&said, &bytes);
    td_config *config = (td_config *)&config;
    td_status status = td_config_parse("test.yaml", text, &set, set != NULL, out, &config, error);
    fclose(out);
    if (status != TD_BAD_CONFIG) fail_msg("status %d, expected TD_BAD_CONFIG; said: %s\nin:\n%s", (int)status, said, text);
    assert_null(config);
    return said;
}

static void refuse(const char *text, const char *part) {
    td_error error;
    char *said = complaints(text, NULL, &error);
    assert_has(said, part);
    free(said);
}

/* The smallest configuration with lines behind it. */
static void refuse_lines(const char *lines, const char *part) {
    char text[4096];
    snprintf(text, sizeof text, "%s%s\n", smallest, lines);
    refuse(text, part);
}

static void reads_the_example(void **state) {
    (void)state;
    char *said;
    td_config *config = parse_set(goog, &said, NULL, NULL, NULL);
    assert_string_equal(said, "");
    free(said);
    assert_string_equal(config->tape, "goog.h5");
    assert_string_equal(config->text, goog);
    assert_string_equal(config->path, "test.yaml");
    assert_string_equal(config->name, "");
    assert_string_equal(td_strategy_name(config->play.strategy), "sma-cross");
    assert_int_equal(config->play.profile, TD_PROFILE_BACKTESTING);
    assert_int_equal(config->play.fill_at, TD_FILL_NEXT_OPEN);
    assert_int_equal(config->play.sizing, TD_SIZING_ALL_IN);
    assert_int_equal(config->play.direction, TD_DIRECTION_BOTH);
    assert_true(config->play.finalize);
    assert_int_equal(config->play.sample_bars, 0);
    assert_int_equal(config->play.blocks, 64);
    assert_true(config->base.knob[TD_KNOB_cash] == 10000 && config->base.knob[TD_KNOB_lot] == 1);
    assert_true(config->base.param[0] == 10 && config->base.param[1] == 30);
    assert_int_equal(td_space_count(config->space), 1);
    assert_true(config->from_ns == INT64_MIN && config->to_ns == INT64_MAX);
    assert_true(config->metric == TD_METRIC_sharpe && config->goal == 1 && config->seed == 1);
    assert_true(config->memory_limit == 0 && config->wall_limit == 0);
    assert_int_equal(strlen(config->digest), 64);
    td_config_free(config);
}

static void reads_every_key(void **state) {
    (void)state;
    td_config *config = parse("tape: /nowhere/t.h5\nstrategy: rsi-reversion\nprofile: tapedeck\nname: a name\ndescription: 12\n"
                              "seed: 99\n"
                              "method: random\nrun_cap: 7\n"
                              "parameters: {window: {min: 5, max: 20}, lower: 25, upper: {value: 75.5}}\n"
                              "constraints: ['window > 5']\nmetric: {name: max_drawdown_duration}\n"
                              "limits: {memory: 1.5GB, wall: 1h30m}\nperiod: {from: 2020-01-02, to: 2020-01-02T00:00:01.5Z}\n"
                              "account: {cash: 5e3, sizing: fraction, size: 0.25, units: {lot: 1e-6}, leverage: 3, maintenance: 0.05, "
                              "pyramiding: 2}\ndirection: short\n"
                              "costs: {commission: -0.0001, fixed_commission: 1, spread: 0.001, slippage: 2e-4, maker: -2e-4, "
                              "per_unit: 0.01, tick: 0.25, slippage_ticks: 2, volume_share: 0.1, impact: 0.5, funding: 1e-4, "
                              "funding_hours: 4, borrow: 0.03}\n"
                              "fill: {at: close, delay: 2}\nintrabar: nearest_extreme\n"
                              "stops: {stop_loss: 0.05, take_profit: 2, stop_volatility: 3, target_volatility: 4, trailing: 0.1, "
                              "trailing_amount: 5, trailing_volatility: 6, volatility: std, volatility_window: 21, break_even: 0.02, "
                              "time: 40}\nfinalize: false\n"
                              "risk: {daily_loss: 0.03, max_drawdown: 0.2, max_position: 1e6, cool_down: 9, hours: 22:00-04:30}\n"
                              "metrics: {sample: 60, blocks: 16, risk_free: 0.02, periods_per_year: 365.25}\n");
    assert_string_equal(config->tape, "/nowhere/t.h5");
    assert_string_equal(config->name, "a name");
    assert_true(config->seed == 99 && td_space_count(config->space) == 7);
    assert_true(config->base.param[1] == 25 && config->base.param[2] == 75.5);
    assert_true(config->metric == TD_METRIC_max_drawdown_duration && config->goal == -1);
    assert_true(config->memory_limit == 1500000000 && config->wall_limit == 5400);
    assert_true(config->from_ns == 1577923200000000000 && config->to_ns == 1577923201500000000);
    assert_int_equal(config->play.sizing, TD_SIZING_FRACTION);
    assert_int_equal(config->play.direction, TD_DIRECTION_SHORT);
    assert_int_equal(config->play.fill_at, TD_FILL_CLOSE);
    assert_true(config->play.sample_bars == 60 && config->play.blocks == 16);
    assert_true(config->play.risk_free == 0.02 && config->play.periods_per_year == 365.25);
    assert_true(config->play.fill_delay == 2 && config->play.maker_rate && config->play.hours_from == 1320 && config->play.hours_to == 270);
    assert_int_equal(config->play.intrabar, TD_INTRABAR_NEAREST_EXTREME);
    assert_int_equal(config->play.volatility, TD_VOLATILITY_STD);
    const double knobs[] = {5000, 0.25, 1e-6, -0.0001, 1, 0.001, 2e-4, 0.05, 2, 3, 4, 0.1, 5, 6, 21, 0.02, 40, -2e-4, 0.01, 0.25, 2, 0.1,
                            0.5, 1e-4, 4, 0.03, 3, 0.05, 2, 0.03, 0.2, 1e6, 9};
    assert_int_equal(sizeof knobs / sizeof *knobs, TD_KNOB_BARS_COUNT);
    for (int i = 0; i < TD_KNOB_BARS_COUNT; i++) assert_true(config->base.knob[i] == knobs[i]);
    td_config_free(config);
    /* commission by tiers */
    config = parse("tape: t.h5\nstrategy: sma-cross\ncosts: {tiers: [{volume: 0, commission: 0.001, maker: 0.0008}, "
                   "{volume: 1e6, commission: 0.0009}], tier_days: 7}\n");
    assert_true(config->play.tier_count == 2 && config->play.tier_days == 7);
    assert_true(config->play.tiers[0].maker == 0.0008 && config->play.tiers[1].volume == 1e6 && config->play.tiers[1].maker == 0.0009);
    assert_non_null(strstr(config->resolved, "\"costs\":{\"borrow\":0,\"fixed_commission\":0,"));
    assert_non_null(strstr(config->resolved, "\"tier_days\":7,\"tiers\":[{\"commission\":0.001,\"maker\":0.00080000000000000004,\"volume\":0},"));
    td_config_free(config);
    /* the remaining words */
    config = parse("tape: t.h5\nstrategy: sma-cross\nmetrics: {sample: bar}\n"
                   "account: {sizing: fixed_units, size: 3, units: whole}\n"
                   "direction: long\nmetric: {name: annual_volatility, goal: maximize}\nlimits: {memory: none, wall: none}\n");
    assert_true(config->play.sample_bars == 1 && config->play.sizing == TD_SIZING_FIXED_UNITS &&
                config->base.knob[TD_KNOB_lot] == 1);
    assert_true(config->play.direction == TD_DIRECTION_LONG && config->goal == 1);
    assert_true(config->memory_limit == 0 && config->wall_limit == 0);
    td_config_free(config);
    /* units and pyramiding follow the profile, and so does the fill */
    config = parse("tape: t.h5\nstrategy: sma-cross\nprofile: vectorbt\n");
    assert_int_equal(config->play.profile, TD_PROFILE_VECTORBT);
    assert_int_equal(config->play.fill_at, TD_FILL_CLOSE);
    const td_vectorbt_def *options = &config->play.vectorbt;
    assert_true(options->accumulate == TD_ACCUMULATE_NONE && options->upon_opposite_entry == TD_UPON_REVERSE_REDUCE);
    assert_true(options->upon_stop_exit == TD_UPON_CLOSE && options->min_size == 1e-8 && isinf(options->max_size));
    td_config_free(config);
    config = parse("tape: t.h5\nstrategy: sma-cross\nprofile: vectorbt\nvectorbt: {accumulate: removeonly, upon_opposite_entry: closereduce,\n"
                   "  stop_entry_price: price, stop_exit_price: stopmarket, upon_stop_exit: reversereduce, upon_stop_update: keep,\n"
                   "  lock_cash: true, allow_partial: false, min_size: 2, max_size: 3}\n");
    options = &config->play.vectorbt;
    assert_true(options->accumulate == TD_ACCUMULATE_REMOVE && options->upon_opposite_entry == TD_UPON_CLOSE_REDUCE);
    assert_true(options->stop_entry_price == TD_STOP_ENTRY_PRICE && options->stop_exit_price == TD_STOP_EXIT_MARKET);
    assert_true(options->upon_stop_exit == TD_UPON_REVERSE_REDUCE && options->keep_stops && options->lock_cash && options->whole);
    assert_true(options->min_size == 2 && options->max_size == 3);
    td_config_free(config);
    config = parse("tape: t.h5\nstrategy: sma-cross\nfill: {at: next_open}\nprofile: vectorbt\n");
    assert_int_equal(config->play.fill_at, TD_FILL_NEXT_OPEN);
    td_config_free(config);
    config = parse("tape: t.h5\nstrategy: sma-cross\nprofile: backtesting\n");
    assert_true(config->base.knob[TD_KNOB_lot] == 1);
    assert_true(config->base.knob[TD_KNOB_pyramiding] == td_knob_infos[TD_KNOB_pyramiding].maximum);
    td_config_free(config);
    config = parse("tape: t.h5\nstrategy: sma-cross\naccount: {pyramiding: 3}\nprofile: backtesting\n");
    assert_true(config->base.knob[TD_KNOB_pyramiding] == 3);
    td_config_free(config);
    config = parse("tape: t.h5\nstrategy: sma-cross\nprofile: backtesting\naccount: {units: fractional}\n");
    assert_true(config->base.knob[TD_KNOB_lot] == 0);
    td_config_free(config);
}

/* Words and durations, wherever a value may stand; and what of bars means nothing on order books. */
static void order_books(void **state) {
    (void)state;
    const char *head = "tape: [a.h5, b.h5]\nstrategy: touch-quoter\n";
    char text[1024];
    snprintf(text, sizeof text, "%sbook: {mode: parity, clock: 250ms, latency: 1.5ms, exchange: partial_fill, sample: 1m}\n"
             "instrument: {contract: inverse, multiplier: 100}\ncosts: {maker: 2.5, taker: 3, fees: flat}\n"
             "venues: [{maker: -0.5}, {latency: 2ms}]\n"
             "parameters: {queue_model: {values: [log, power2(2)]}, entry_latency: {values: [0, 1ms, 20us]}, max_position: 3}\n"
             "constraints: [\"entry_latency < 1ms\"]\n", head);
    td_config *config = parse(text);
    const td_book_def *book = &config->play.book;
    assert_true(config->kind == TD_TAPE_OF_BOOKS && book->venue_count == 2 && book->mode == TD_MODE_PARITY && book->fees == TD_FEE_FLAT);
    assert_true(book->clock_ns == 250000000 && book->sample_ns == 60000000000 && config->base.knob[TD_KNOB_latency] == 1500000);
    assert_true(config->base.knob[TD_KNOB_maker] == 2.5 && book->venues[0].maker == -0.5 && isnan(book->venues[0].latency));
    assert_true(book->venues[1].latency == 2000000 && config->base.knob[TD_KNOB_exchange] == TD_EXCHANGE_PARTIAL_FILL);
    assert_true(config->contract_given && config->instrument.contract == TD_CONTRACT_INVERSE && config->instrument.multiplier == 100);
    assert_int_equal(td_space_count(config->space), 4); /* the constraint takes 1ms */
    td_set set;
    td_space_set(config->space, 3, &set);
    assert_true(set.knob[TD_KNOB_entry_latency] == 20000 && set.knob[TD_KNOB_queue_model] == td_queue_code(TD_QUEUE_POWER2, 2));
    assert_non_null(strstr(config->resolved, "\"queue_model\":{\"values\":[\"log\",\"power2(2)\"]}"));
    td_config_free(config);

    static const struct {
        const char *text, *said;
    } wrong[] = {
        {"parameters: {queue_model: {values: [log, logs]}}\n", "logs"},
        {"parameters: {queue_model: {min: 1, max: 2}}\n", "queue_model takes words, which have no 'min'"},
        {"parameters: {latency: {values: [1ms, 1000us]}}\n", "latency has 1ms twice"},
        {"parameters: {latency: 2m}\n", "latency is 120s, must be between 0 and 60s"},
        {"book: {clock: soon}\n", "book.clock must be a duration such as 50ms or 1.5us, found 'soon'"},
        {"book: {exchange: partial}\n", "one of no_partial_fill, partial_fill, found 'partial'"},
        {"stops: {stop_loss: 0.1}\n", "stops is of play on bars, and strategy touch-quoter plays order books"},
        {"costs: {commission: 0.1}\n", "costs.commission is of play on bars"},
        {"metric: {name: win_rate}\n", "unknown metric 'win_rate'"},
        {"venues: [{maker: 1}]\n", "venues has 1, but there are 2 tapes"},
        {"venues: [{makre: 1}, {}]\n", "venues: unknown key 'makre'"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        snprintf(text, sizeof text, "%s%s", head, wrong[i].text);
        refuse(text, wrong[i].said);
    }
    refuse("tape: t.h5\nstrategy: sma-cross\nbook: {clock: 1s}\n", "book is of play on order books, and strategy sma-cross plays bars");
    refuse("tape: t.h5\nstrategy: sma-cross\nconstraints: [\"fast < 5ms\"]\n", "no number of play on bars is one");
}

static void every_knob_has_a_key(void **state) {
    (void)state;
    bool seen[TD_KNOB_COUNT] = {0};
    for (int key = 0; key < TD_KEY_COUNT; key++) {
        if (td_key_infos[key].type != TD_TYPE_KNOB) continue;
        td_knob knob = td_key_knob((td_key)key);
        assert_string_equal(td_key_infos[key].path, td_knob_infos[knob].path);
        assert_false(seen[knob]);
        seen[knob] = true;
    }
    for (int i = 0; i < TD_KNOB_COUNT; i++) assert_true(seen[i]);
}

/* One error, in full: place, sentence, line, caret. */
static void messages_have_places(void **state) {
    (void)state;
    td_error error;
    char *said = complaints("tape: goog.h5\nstrategy: sma-cross\nparameters: {fsat: {value: 10}, slow: {value: 30}}\n", NULL,
                            &error);
    assert_has(said, "test.yaml:3:14: error: unknown parameter 'fsat'; did you mean 'fast'?");
    assert_has(said, "parameters: {fsat: {value: 10}, slow: {value: 30}}\n             ^~~~\n");
    assert_has(error.message, "test.yaml:3:14: unknown parameter 'fsat'; did you mean 'fast'?");
    free(said);
    /* columns count characters, not bytes; the BOM is none; CRLF ends lines */
    said = complaints("\xEF\xBB\xBFtape: t.h5\r\nstrategy: sma-cross\r\nname: \"\xC3\xA9\xC3\xA9\" \r\n"
                      "costs: {\"\xC3\xA9\": 1, spraed: 2}\r\n",
                      NULL, &error);
    assert_has(said, "test.yaml:4:10: error: unknown key '\xC3\xA9' in costs");
    assert_has(said, "test.yaml:4:17: error: unknown key 'spraed' in costs; did you mean 'spread'?");
    assert_has(said, "\ncosts: {\"\xC3\xA9\": 1, spraed: 2}\n                ^~~~~~\n");
    free(said);
    said = complaints("\xEF\xBB\xBFtpae: t.h5\nstrategy: sma-cross\n", NULL, &error);
    assert_has(said, "test.yaml:1:1: error: unknown key 'tpae'; did you mean 'tape'?");
    free(said);
    /* a long line is shown around the place; control characters never reach the terminal */
    char text[4096], filler[1500];
    memset(filler, 'x', sizeof filler);
    filler[sizeof filler - 1] = 0;
    snprintf(text, sizeof text, "%sname: '%s'\ndescription: ['%s', \"\\e[31m\"]\nmethod: \"g\\e[31m\"\n", smallest, filler, filler);
    said = complaints(text, NULL, &error);
    assert_null(strchr(said, '\033'));
    for (const char *line = said; line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL)
        assert_true(strcspn(line, "\n") <= 200);
    free(said);
}

static void all_errors_at_once(void **state) {
    (void)state;
    td_error error;
    char *said = complaints("strategy: sma-cros\nprofile: backtestin\naccount: {cash: -5, sizing: all, cash: 6}\n"
                            "costs: {commision: 0}\n"
                            "finalize: yes\nfast: 3\n<<: {a: 1}\n", NULL, &error);
    const char *const parts[] = {
        "test.yaml: error: the key 'tape' is missing",
        "test.yaml:1:11: error: unknown strategy 'sma-cros'; there are ",
        "did you mean 'sma-cross'?",
        "test.yaml:2:10: error: profile must be one of tapedeck, backtesting, vectorbt, found 'backtestin'; did you mean 'backtesting'?",
        "test.yaml:3:17: error: account.cash is -5, must be between 1e-6 and 1e15",
        "test.yaml:3:29: error: account.sizing must be one of all_in, fixed_units, fraction, fixed_value, risk, volatility, kelly, found 'all'",
        "test.yaml:3:34: error: repeated key 'cash'",
        "test.yaml:4:9: error: unknown key 'commision' in costs; did you mean 'commission'?",
        "test.yaml:5:11: error: finalize must be true or false, found 'yes'",
        "test.yaml:6:1: error: unknown key 'fast'",
        "test.yaml:7:1: error: unknown key '<<'",
    };
    const char *at = said;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        const char *next = strstr(at, parts[i]);
        if (!next) fail_msg("\"%s\" is missing or out of order in:\n%s", parts[i], said);
        at = next;
    }
    assert_has(error.message, "test.yaml: the key 'tape' is missing (and 9 more errors)");
    free(said);
    /* a flood is cut, counted and does not take long */
    size_t room = 200000;
    char *flood = malloc(room);
    size_t used = (size_t)snprintf(flood, room, "%s", smallest);
    for (int i = 0; i < 5000; i++) used += (size_t)snprintf(flood + used, room - used, "wrong_key_number_%d: 1\n", i);
    said = complaints(flood, NULL, &error);
    assert_has(said, "... and 4900 more messages");
    assert_has(error.message, "(and 4999 more errors)");
    free(said);
    free(flood);
}

static void keys_and_their_types(void **state) {
    (void)state;
    static const struct {
        const char *lines, *part;
    } cases[] = {
        {"direction: sideways", "direction must be one of both, long, short, found 'sideways'"},
        {"direction: [long]", "direction must be one of both, long, short, found a list"},
        {"account: {direction: long}", "unknown key 'direction' in account; did you mean 'direction' at the top level?"},
        {"cash: 5", "unknown key 'cash'; did you mean 'account.cash'?"},
        {"fast: 5", "unknown key 'fast'; did you mean 'parameters.fast'?"},
        {"parametres: {}", "did you mean 'parameters'?"},
        {"qwertyuiop: 1", "unknown key 'qwertyuiop'; there are tape, strategy, "},
        {"account: 5", "account must be a mapping, found '5'"},
        {"account: [5]", "account must be a mapping, found a list"},
        {"costs: {commission: \"0.1\"}", "costs.commission must be a number, found the text '0.1'"},
        {"costs: {commission: 0,1}", "unknown key '1' in costs"},
        {"costs: {commission: 1_000}", "costs.commission must be a number, found '1_000'"},
        {"costs: {commission: 0x10}", "costs.commission must be a number, found '0x10'"},
        {"costs: {commission: .nan}", "costs.commission must be a number, found '.nan'"},
        {"costs: {commission: inf}", "costs.commission must be a number, found 'inf'"},
        {"costs: {commission: 1e999}", "costs.commission must be a number, found '1e999'"},
        {"costs: {commission: 1e}", "costs.commission must be a number, found '1e'"},
        {"costs: {commission: }", "costs.commission must be a number, found nothing"},
        {"costs: {commission: 0.2}", "costs.commission is 0.2, must be between -0.1 and 0.1"},
        {"costs: {tiers: 0.001}", "costs.tiers must be a list such as [{volume: 0, commission: 0.001}, {volume: 1e6, commission: 0.0008}], found"},
        {"costs: {tiers: []}", "costs.tiers must be a list such as"},
        {"costs: {tiers: [0.001]}", "costs.tiers must be a list such as"},
        {"costs: {tiers: [{volume: 0, comission: 0.001}]}", "costs.tiers: unknown key 'comission'; did you mean 'commission'?"},
        {"costs: {tiers: [{volume: 0}]}", "costs.tiers: a tier needs commission"},
        {"costs: {tiers: [{commission: 0}]}", "costs.tiers: a tier needs volume"},
        {"costs: {tiers: [{volume: 0, commission: low}]}", "commission must be a number, found 'low'"},
        {"costs: {tiers: [{volume: 5, commission: 0}]}", "the first of costs.tiers has volume 5, must have 0"},
        {"costs:\n  tiers:\n  - {volume: 0, commission: 0.001}\n  - {volume: 10, commission: 0.001}\n  - {volume: 9, commission: 0.001}",
         "test.yaml:7:5: error: costs.tiers: volume 9 stands after 10, must be more"},
        {"costs: {tiers: [{volume: 0, commission: 0.2}]}", "costs.tiers: the commission of volume 0 is 0.2, must be -0.1 to 0.1"},
        {"costs: {tiers: [{volume: 0, commission: 0, maker: -1}]}", "costs.tiers: the maker of volume 0 is -1, must be -0.1 to 0.1"},
        {"costs: {tiers: [{volume: 0, commission: 0}], commission: 0}", "costs.commission cannot be given beside costs.tiers, which say what it is"},
        {"costs: {tiers: [{volume: 0, commission: 0}], maker: 0}", "costs.maker cannot be given beside costs.tiers"},
        {"costs: {tiers: [{volume: 0, commission: 0}]}\nparameters: {commission: {values: [0, 0.01]}}",
         "'commission' cannot be given beside costs.tiers, which say what it is"},
        {"costs: {tiers: [{volume: 0, commission: 0}], tier_days: 32}", "costs.tier_days is 32, must be between 1 and 31"},
        {"costs: {tiers: [{volume: 0, commission: 0}]}\nprofile: vectorbt", "costs.tiers are of profile tapedeck"},
        {"costs: {tiers: [{volume: 0, commission: 0}]}\nportfolio: {weights: equal}", "costs.tiers are not for portfolios yet"},
        {"finalize: True", "finalize must be true or false, found 'True'"},
        {"finalize: \"true\"", "finalize must be true or false, found the text 'true'"},
        {"finalize: on", "finalize must be true or false, found 'on'"},
        {"seed: 1.5", "seed must be a whole number, found '1.5'"},
        {"seed: 1e3", "seed must be a whole number, found '1e3'"},
        {"seed: -1", "seed is -1, must be between 0 and 9007199254740992"},
        {"name: [a]", "name must be a text, found a list"},
        {"name:", "name must be a text, found nothing"},
        {"metrics: {blocks: 2000}", "metrics.blocks is 2000, must be between 1 and 1024"},
        {"metrics: {sample: hour}", "metrics.sample must be day, bar or a number of bars, found 'hour'"},
        {"metrics: {sample: 0}", "metrics.sample is 0, must be between 1"},
        {"metrics: {sample: 1.5}", "metrics.sample must be day, bar or a number of bars, found '1.5'"},
        {"limits: {memory: 2XB}", "limits.memory must be a size such as 2GB or 512MiB, or none, found '2XB'"},
        {"limits: {memory: -1}", "limits.memory must be a size"},
        {"limits: {wall: 5 minutes}", "limits.wall must be a duration such as 90s, 30m or 1h30m, or none, found '5 minutes'"},
        {"limits: {wall: 30m1h}", "limits.wall must be a duration"},
        {"period: {from: 2020-13-01}", "period.from must be a date such as 2024-03-01"},
        {"period: {from: 2021-02-29}", "period.from must be a date"},
        {"period: {from: 2020-01-02, to: 2020-01-02}", "period.to must be after period.from"},
        {"account: {units: hole}", "account.units must be one of whole, fractional, found 'hole'; did you mean 'whole'?"},
        {"account: {units: [1]}", "account.units must be whole, fractional or {lot: number}, found a list"},
        {"account: {units: {lots: 1}}", "unknown key 'lots' in account.units; did you mean 'lot'?"},
        {"account: {units: {lot: -1}}", "account.units.lot is -1, must be between 0 and"},
        {"account: {sizing: fraction, size: 1.5}", "account.size is 1.5, must be at most 1 for sizing fraction"},
        {"account: {sizing: fraction, size: 0}", "account.size is 0, must be above 0"},
        {"account: {sizing: fixed_units, size: 0}", "account.size is 0, must be above 0"},
        {"stops: {stop_loss: 1}", "stops.stop_loss is 1, must be below 1"},
        {"metric: sharpe", "metric must be a mapping, found 'sharpe'"},
        {"metric: {name: sharp}", "unknown metric 'sharp'; did you mean 'sharpe'?"},
        {"metric: {name: val_loss}", "unknown metric 'val_loss'; there are sharpe, "},
        {"metric: {name: trades}", "neither end of trades is better; say metric.goal"},
        {"metric: {goal: up}", "metric.goal must be one of maximize, minimize, found 'up'"},
        {"method: bayes", "method bayes is not available yet; there are grid, list and random"},
        {"method: gird", "did you mean 'grid'?"},
        {"run_cap: 0", "run_cap is 0, must be between 1 and"},
        {"run_cap: 5\nbudget: {trials: 6}", "budget.trials is another name for run_cap, and they differ"},
        {"tape: {a: 1}", "repeated key 'tape'"},
        {"? {a: 1}\n: 5", "a key must be a word, this is a mapping"},
        {"a: {b: {c: 1}", "test.yaml:"},
        {"name: &x a", "anchors and aliases are not used"},
        {"name: *x", "anchors and aliases are not used"},
        {"name: !!str a", "tags are not used"},
        {"name: \"a\\0b\"", "a zero byte in a text"},
        {"---\ntape: x", "a second document begins here"},
        {"\tname: x", "test.yaml:"},
        {"name: a\x80z", "test.yaml:3:8: error: a byte that is not UTF-8 (0x80)"},
        {"name: \xC0\x80", "a byte that is not UTF-8 (0xC0)"},
        {"name: \xED\xA0\x80", "a byte that is not UTF-8 (0xED)"},
        {"%YAML 1.2\n---\n", "test.yaml:3:1: error: a line that begins with '%': YAML directives are not used"},
        {"name: [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]", "nested deeper than 32 levels"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) refuse_lines(cases[i].lines, cases[i].part);
    refuse_lines("vectorbt: {lock_cash: true}\n", "vectorbt.lock_cash is of profile vectorbt, and the profile is tapedeck");
    refuse_lines("profile: vectorbt\nvectorbt: {max_size: 0}\n", "vectorbt.max_size is 0, must be above 0");
    refuse("", "the key 'tape' is missing");
    refuse("# nothing\n", "the key 'strategy' is missing");
    refuse("[1, 2]", "a configuration is a mapping of keys");
    refuse("hello", "a configuration is a mapping of keys");
    refuse("tape: t.h5\nstrategy:\n", "strategy must be a name, or the path of a C file, found nothing");
}

static void parameters_and_their_forms(void **state) {
    (void)state;
    static const struct {
        const char *spec, *part;
    } cases[] = {
        {"{fast: {values: []}}", "the values of fast are an empty list"},
        {"{fast: {values: 5}}", "fast must be a list of numbers, found '5'"},
        {"{fast: {values: [5, 10, 5]}}", "test.yaml:3:37: error: fast has 5 twice"},
        {"{fast: {values: [5, a]}}", "fast must be a number, found 'a'"},
        {"{fast: {values: [5, 7.5]}}", "fast is 7.5, must be a whole number"},
        {"{fast: {value: 0}}", "fast is 0, must be between 1 and"},
        {"{fast: 2.5}", "fast is 2.5, must be a whole number"},
        {"{fast: [5, 10]}", "fast must be a number or a mapping such as {values: [5, 10]}, found a list"},
        {"{fast: }", "fast must be a number, found nothing"},
        {"{fast: {}}", "fast says neither value, values, min and max"},
        {"{fast: {min: 5}}", "fast has min or max but not both"},
        {"{fast: {min: 5, max: 5}}", "fast: min must be less than max"},
        {"{fast: {min: 9, max: 5}}", "fast: min must be less than max"},
        {"{fast: {min: 0, max: 5}}", "fast is 0, must be between 1 and"},
        {"{fast: {min: 5.0, max: 9.0}}", "fast: distribution uniform has no list of values (whole numbers in min and max make"},
        {"{commission: {min: 0.0, max: 0.1}}", "commission: distribution uniform has no list of values (q makes it a q_uniform)"},
        {"{fast: {min: 5, max: 9, q: 0}}", "q is 0, must be between"},
        {"{fast: {min: 5, max: 9, q: 0.5}}", "the steps of fast give 5.5, it takes whole numbers"},
        {"{fast: {distribution: int_uniform, min: 5.5, max: 9}}", "fast: int_uniform needs whole numbers, found '5.5'"},
        {"{fast: {distribution: uniforn, min: 5, max: 9}}", "unknown distribution 'uniforn'; there are constant, "},
        {"{fast: {distribution: log_uniform, min: 0, max: 3}}", "use 'log_uniform_values'"},
        {"{fast: {distribution: q_log_uniform, min: 0, max: 3}}", "use 'q_log_uniform_values'"},
        {"{fast: {distribution: inv_log_uniform, min: 0, max: 3}}", "use 'inv_log_uniform_values'"},
        {"{fast: {distribution: normal}}", "fast: distribution normal has no list of values"},
        {"{fast: {distribution: categorical, min: 1, max: 2}}",
         "'min' does not go with distribution categorical, which takes values"},
        {"{fast: {distribution: q_uniform, max: 2}}", "fast: distribution q_uniform needs 'min'"},
        {"{fast: {value: 5, values: [6]}}", "'values' does not go with distribution constant"},
        {"{fast: {step: [5]}}", "unknown key 'step' in fast; there are value values"},
        {"{fast: {valeus: [5]}}", "unknown key 'valeus' in fast; did you mean 'values'?"},
        {"{fast: {range: [5, 10]}}", "range of fast must be [from, to, step]"},
        {"{fast: {range: [10, 5, 1]}}", "range of fast is empty"},
        {"{fast: {range: [5, 10, 0]}}", "step of fast must be above 0"},
        {"{fast: {range: [5, 10, 1], q: 1}}", "range or log stands alone"},
        {"{commission: {range: [0, 0.05, 0.012345678901234567]}}", "more than 15 digits"},
        {"{fast: {log: [5, 10]}}", "log of fast must be [from, to, how many]"},
        {"{fast: {log: [10, 5, 3]}}", "log of fast needs 0 < from < to"},
        {"{fast: {log: [5, 10, 1]}}", "how many is 1, must be between 2"},
        {"{stops: {parameters: {stop_lost: 0.1}}}", "unknown parameter 'stops.stop_lost'; did you mean 'stops.stop_loss'?"},
        {"{stops: {stop_loss: 0.1}}", "unknown parameter 'stops'"},
        {"{stops: {parameters: {stop_loss: 0.1}, value: 3}}", "a group has the key parameters and no other"},
        {"{stops: {parameters: 3}}", "stops.parameters must be a mapping"},
        {"{commission: 0.1, costs.commission: 0.1}", "'costs.commission' is named twice (also as 'commission')"},
        {"{stop_loss: {values: [0.5, 1.5]}}", "stop_loss is 1.5, must be below 1"},
        {"{windw: 5}", "unknown parameter 'windw'; strategy sma-cross takes fast, slow"},
        {"[fast]", "parameters must be a mapping of names, found a list"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char lines[512];
        snprintf(lines, sizeof lines, "parameters: %s", cases[i].spec);
        refuse_lines(lines, cases[i].part);
    }
    refuse_lines("account: {sizing: fraction}\nparameters: {size: {values: [0.5, 2]}}",
                 "size is 2, must be at most 1 for sizing fraction");
    refuse_lines("account: {sizing: fraction}\nparameters: {size: {range: [0, 1, 0.5]}}", "size is 0, must be above 0");
    const char *random = "method: random\nrun_cap: 5\nparameters: {commission: %s}";
    static const struct {
        const char *spec, *part;
    } draws[] = {
        {"{values: [0.1, 0.05], probabilities: [0.5]}", "commission has 2 values but 1 probabilities"},
        {"{values: [0.1, 0.05], probabilities: [0.5, 0.6]}", "the probabilities of commission add up to 1.1, must be 1"},
        {"{values: [0.1, 0.05], probabilities: [1.5, -0.5]}", "a probability is 1.5, must be between 0 and 1"},
        {"{distribution: log_uniform_values, min: 0, max: 0.1}", "min of distribution log_uniform_values must be above 0"},
        {"{distribution: q_log_uniform_values, min: 0.01, max: 0.09, q: 0.1}", "no multiple of q between min and max"},
        {"{distribution: normal, sigma: 0}", "sigma is 0, must be between"},
        {"{distribution: beta, a: -1}", "a is -1, must be between"},
        {"{distribution: normal, mu: x}", "mu must be a number, found 'x'"},
    };
    for (size_t i = 0; i < sizeof draws / sizeof *draws; i++) {
        char lines[512];
        snprintf(lines, sizeof lines, random, draws[i].spec);
        refuse_lines(lines, draws[i].part);
    }
    /* nested groups flatten; a knob by name, by path, in a group */
    td_config *config = parse("tape: t.h5\nstrategy: sma-cross\nparameters:\n"
                              "  costs: {parameters: {commission: {values: [0, 0.001]}}}\n"
                              "  account: {parameters: {units: {parameters: {lot: 1}}}}\n  stop_loss: {value: 0.1}\n"
                              "  stops.take_profit: 0.2\n");
    assert_int_equal(td_space_axis_count(config->space), 1);
    assert_string_equal(td_space_axis(config->space, 0)->name, "costs.commission");
    assert_true(config->base.knob[TD_KNOB_lot] == 1 && config->base.knob[TD_KNOB_stop_loss] == 0.1);
    assert_true(config->base.knob[TD_KNOB_take_profit] == 0.2);
    td_config_free(config);
    /* what stands at its key as well: parameters count, and it is said */
    char *said;
    config = parse_set("tape: t.h5\nstrategy: sma-cross\nparameters: {commission: 0.001}\ncosts: {commission: 0.002}\n", &said,
                       NULL, NULL, NULL);
    assert_has(said, "test.yaml:3:14: warning: 'commission' is also set by costs.commission; what stands under parameters counts");
    assert_true(config->base.knob[TD_KNOB_commission] == 0.001);
    free(said);
    td_config_free(config);
    /* but a --set is never without effect */
    td_error error;
    said = complaints("tape: t.h5\nstrategy: sma-cross\nparameters: {commission: 0.001}\n", "costs.commission=0.002", &error);
    assert_has(said, "--set:1:1: error: costs.commission has no effect: 'commission' stands under parameters");
    free(said);
}

static void constraints(void **state) {
    (void)state;
    refuse_lines("constraints: fast < slow", "constraints must be a list such as [\"fast < slow\"], found 'fast < slow'");
    refuse_lines("constraints: [[1]]", "a constraint must be an expression such as \"fast < slow\", found a list");
    refuse_lines("constraints: [\"fast <\"]", "test.yaml:3:22: error: expected a number, a name or '(', the expression ends here");
    refuse_lines("constraints: [fast < slo]", "test.yaml:3:22: error: unknown name 'slo'; did you mean 'slow'?");
    refuse_lines("constraints: [fast < slow < 50]", "test.yaml:3:27: error: comparisons do not chain");
    refuse_lines("parameters: {fast: {values: [50, 60]}}\nconstraints: [fast < slow]",
                 "test.yaml:4:1: error: the constraints exclude all 2 cells of the grid");
    refuse_lines("constraints: [fast > slow]", "the constraints exclude the one parameter set there is");
    td_config *config = parse("tape: t.h5\nstrategy: sma-cross\nparameters: {fast: {values: [5, 50]}}\n"
                              "constraints:\n  - fast < slow\n  - costs.commission == commission and account.cash > 1\n");
    assert_int_equal(td_space_count(config->space), 1);
    assert_int_equal(td_space_excluded(config->space), 1);
    td_config_free(config);
}

static void wandb_files_load(void **state) {
    (void)state;
    char *said;
    td_config *config = parse_set("apiVersion: 1\nkind: sweep\nprogram: train.py\ncommand: [python, '${program}']\nproject: p\n"
                                  "entity: e\n"
                                  "method: grid\nmetric: {name: sharpe, goal: maximize, target: 3, impute: worst}\n"
                                  "early_terminate: {type: hyperband, min_iter: 3}\n"
                                  "parameters: {fast: {values: [5, 10]}, slow: {value: 30}}\ntape: t.h5\nstrategy: sma-cross\n",
                                  &said, NULL, NULL, NULL);
    assert_has(said,
               "note: accepted without effect, as of W&B: metric.target, metric.impute, program, command, project, entity, "
               "apiVersion, kind");
    assert_has(said, "note: early_terminate is not applied yet");
    assert_int_equal(td_space_count(config->space), 2);
    free(said);
    td_config_free(config);
}

static void overrides_equal_edits(void **state) {
    (void)state;
    static const struct {
        const char *set, *from, *to;
    } cases[] = {
        {"costs.commission=0.002", "commission: 0.0", "commission: 0.002"},
        {"finalize=false", "finalize: true", "finalize: false"},
        {"account.units={lot: 1e-6}", "units: whole", "units: {lot: 1e-6}"},
        {"account.units.lot=1e-6", "units: whole", "units: {lot: 1e-6}"},
        {"parameters.fast=12", "fast: {value: 10}", "fast: 12"},
        {"parameters.fast.value=12", "fast: {value: 10}", "fast: {value: 12}"},
        {"parameters.fast={min: 5, max: 25, q: 5, distribution: q_uniform}", "fast: {value: 10}", "fast: {range: [5, 25, 5]}"},
        {"parameters.stops.stop_loss={values: [0.1, 0.2]}", "slow: {value: 30}",
         "slow: {value: 30}, stops.stop_loss: {values: [0.1, 0.2]}"},
        {"parameters.stops.stop_loss.values=[0.1, 0.2]", "slow: {value: 30}",
         "slow: {value: 30}, stops.stop_loss: {values: [0.1, 0.2]}"},
        {"metrics.sample=bar", "finalize: true", "finalize: true\nmetrics: {sample: bar}"},
        {"account={cash: 5}", "account: {cash: 10000, sizing: all_in, units: whole}", "account: {cash: 5}"},
        {"parameters={fast: 3}", "parameters: {fast: {value: 10}, slow: {value: 30}}", "parameters: {fast: 3}"},
        {"constraints=[fast < slow]", "finalize: true", "finalize: true\nconstraints: [fast < slow]"},
        {"strategy=ema-cross", "strategy: sma-cross", "strategy: ema-cross"},
        {"seed=5  # a comment", "finalize: true", "finalize: true\nseed: 5"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char edited[2048];
        const char *at = strstr(goog, cases[i].from);
        assert_non_null(at);
        snprintf(edited, sizeof edited, "%.*s%s%s", (int)(at - goog), goog, cases[i].to, at + strlen(cases[i].from));
        td_config *set = parse_set(goog, NULL, cases[i].set, NULL, NULL), *edit = parse(edited), *as_is = parse(goog);
        if (strcmp(set->resolved, edit->resolved) != 0) fail_msg("%s:\n%s\n%s", cases[i].set, set->resolved, edit->resolved);
        assert_string_equal(set->digest, edit->digest);
        if (strncmp(cases[i].set, "seed", 4) != 0) assert_string_not_equal(set->digest, as_is->digest); /* a grid has no seed */
        assert_true(set->seed == edit->seed);
        td_config_free(set);
        td_config_free(edit);
        td_config_free(as_is);
    }
    /* in a group; the later one wins; a configuration can come from --set alone */
    td_config *config = parse_set("tape: t.h5\nstrategy: sma-cross\nparameters: {stops: {parameters: {stop_loss: 0.1}}}\n", NULL,
                                  "parameters.stops.stop_loss=0.2", "parameters.stops.stop_loss=0.3", NULL);
    assert_true(config->base.knob[TD_KNOB_stop_loss] == 0.3);
    td_config_free(config);
    config = parse_set("", NULL, "tape=t.h5", "strategy=sma-cross", "name=''");
    assert_string_equal(config->tape, "t.h5");
    td_config_free(config);
}

static void overrides_are_checked(void **state) {
    (void)state;
    static const struct {
        const char *set, *part;
    } cases[] = {
        {"costs.commision=1",
         "--set:1:1: error: unknown key 'commision' in costs; did you mean 'commission'?\ncosts.commision=1\n^"},
        {"costs.commission=x",
         "--set:1:18: error: costs.commission must be a number, found 'x'\ncosts.commission=x\n                 ^\n"},
        {"costs.commission=", "--set:1:18: error: costs.commission must be a number, found nothing"},
        {"costs.commission", "--set:1:1: error: expected key=value"},
        {"=5", "--set:1:1: error: expected key=value"},
        {".a=5", "--set:1:1: error: expected key=value"},
        {"a..b=5", "--set:1:1: error: expected key=value"},
        {"a.=5", "--set:1:1: error: expected key=value"},
        {"account={cash: 5", "--set:1:"},
        {"tape.x=1", "tape must be a text, found a mapping"},
        {"name=a\nb", "the value must be on one line"},
        {"parameters.fsat=5", "unknown parameter 'fsat'; did you mean 'fast'?"},
        {"fast=5", "did you mean 'parameters.fast'?"},
        {"name=*x", "--set:1:7: error: anchors and aliases"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        td_error error;
        char *said = complaints(goog, cases[i].set, &error);
        assert_has(said, cases[i].part);
        free(said);
    }
}

static void digest_is_of_the_numbers(void **state) {
    (void)state;
    td_config *plain = parse(goog);
    /* what does not change numbers */
    static const char *const same[] = {
        "profile: backtesting\nfinalize: true\nfill: {at: next_open}\ncosts: {spread: 0, commission: 0e0}\n"
        "account: {units: {lot: 1.0}, sizing: all_in}\nparameters: {slow: 30, fast: 1e1}\nstrategy: sma-cross\ntape: other.h5\n",
        "tape: goog.h5\nstrategy: sma-cross # comment\nprofile: backtesting\nfinalize: true\nname: n\ndescription: d\nseed: 17\n"
        "limits: {memory: 1GB, wall: 5s}\nmetric: {name: sortino}\nprogram: x\n",
    };
    for (size_t i = 0; i < sizeof same / sizeof *same; i++) {
        td_config *config = parse(same[i]);
        assert_string_equal(config->resolved, plain->resolved);
        assert_string_equal(config->digest, plain->digest);
        td_config_free(config);
    }
    /* what does */
    static const char *const different[] = {
        "period.from=2020-01-01", "period.to=2020-01-01", "costs.spread=1e-9", "finalize=false", "fill.at=close", "direction=long",
        "account.sizing=fraction", "account.units=fractional", "account.cash=1", "profile=tapedeck", "strategy=ema-cross",
        "metrics.sample=bar", "metrics.blocks=8", "metrics.risk_free=0.1", "metrics.required_return=0.1", "metrics.periods_per_year=3",
        "stops.stop_loss=0.1",
        "parameters.fast=11", "parameters.fast={values: [10]}", "constraints=[fast < slow]", "list=[{commission: 0}]",
    };
    char digests[sizeof different / sizeof *different][65];
    for (size_t i = 0; i < sizeof different / sizeof *different; i++) {
        td_config *config = parse_set(goog, NULL, different[i], NULL, NULL);
        memcpy(digests[i], config->digest, 65);
        assert_string_not_equal(digests[i], plain->digest);
        for (size_t j = 0; j < i; j++) assert_string_not_equal(digests[i], digests[j]);
        td_config_free(config);
    }
    /* a seed counts where draws are made */
    char text[1024];
    snprintf(text, sizeof text, "%smethod: random\nrun_cap: 3\nparameters: {fast: {min: 2, max: 9}}\n", smallest);
    td_config *one = parse(text), *two = parse_set(text, NULL, "seed=2", NULL, NULL);
    assert_string_not_equal(one->digest, two->digest);
    td_config_free(one);
    td_config_free(two);
    td_config_free(plain);
    /* of tiers every number does, but a maker that is said and is the commission anyway */
    static const char *const tiers[] = {"costs.tiers=[{volume: 0, commission: 0}]", "costs.tiers=[{volume: 0, commission: 0, maker: 0}]",
                                        "costs.tiers=[{volume: 0, commission: 0, maker: 0.001}]", "costs.tiers=[{volume: 0, commission: 0.001}]",
                                        "costs.tiers=[{volume: 0, commission: 0}, {volume: 1, commission: 0}]",
                                        "costs.tiers=[{volume: 0, commission: 0}, {volume: 2, commission: 0}]",
                                        "costs={tiers: [{volume: 0, commission: 0}], tier_days: 29}", "costs.spread=0"};
    enum { TIERS = sizeof tiers / sizeof *tiers };
    td_config *configs[TIERS];
    for (int i = 0; i < TIERS; i++) configs[i] = parse_set(smallest, NULL, tiers[i], NULL, NULL);
    for (int i = 0; i < TIERS; i++)
        for (int j = 0; j < i; j++) assert_int_equal(strcmp(configs[i]->digest, configs[j]->digest) == 0, i == 1 && j == 0);
    for (int i = 0; i < TIERS; i++) td_config_free(configs[i]);
}

/* The canonical form is a configuration: loading it (with a tape) gives itself, and the same sets. */
static void resolved_loads_back(void **state) {
    (void)state;
    static const char *const texts[] = {
        "", "parameters: {fast: {min: 5, max: 25, q: 5}, slow: {values: [30, 20]}, costs.commission: {range: [0, 0.1, 0.025]}}\n"
            "constraints: ['fast<slow&&!(commission>0.06)']\n",
        "parameters: {fast: {min: 1, max: 100000}, slow: {log: [2, 4000, 9]}}\nrun_cap: 1000\n",
        "parameters: {cash: {range: [0.1, 9999.9, 0.1]}}\n",
        "costs: {tiers: [{volume: 0, commission: 0.001}, {volume: 2.5e5, commission: 0.0007, maker: -0.0001}], tier_days: 14, spread: 0.01}\n",
        "parameters: {cash: {range: [0.1, 19999.9, 0.1]}}\n",
        "list: [{slow: 20, lot: 0.1}, {slow: 30, lot: 1e-6}]\naccount: {sizing: fraction, size: 0.3}\n"
        "period: {from: 2020-02-29, to: 2020-03-01T12:30:00.000000001}\n",
        "method: random\nrun_cap: 50\nseed: 12\nmetrics: {sample: 60}\nparameters:\n"
        "  fast: {min: 2.5, max: 100.0}\n  slow: {min: 2, max: 100}\n"
        "  spread: {values: [0.1, 0.2, 0.3], probabilities: [0.1, 0.2, 0.7]}\n"
        "  slippage: {distribution: q_log_uniform_values, min: 1e-4, max: 0.1, q: 1e-4}\n"
        "  commission: {distribution: q_normal, sigma: 0.02, q: 0.01}\n"
        "  stop_loss: {distribution: beta, a: 2, b: 7.5}\n  take_profit: {distribution: inv_log_uniform_values, min: 0.1, max: 3}\n"
        "  cash: {distribution: log_normal, mu: 9}\n  fixed_commission: {range: [0, 1, 0.1]}\n",
        "profile: vectorbt\nmetrics: {required_return: 0.01}\nvectorbt: {accumulate: addonly, upon_opposite_entry: ignore, max_size: 7.5,\n"
        "  stop_entry_price: fillprice, stop_exit_price: close, upon_stop_exit: reverse, upon_stop_update: keep, lock_cash: true,\n"
        "  allow_partial: false, min_size: 0}\n",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        char text[4096];
        snprintf(text, sizeof text, "%s%s", smallest, texts[i]);
        td_config *first = parse(text);
        td_config *again = parse_set(first->resolved, NULL, "tape=t.h5", NULL, NULL);
        assert_string_equal(again->resolved, first->resolved);
        assert_string_equal(again->digest, first->digest);
        assert_int_equal(td_space_count(again->space), td_space_count(first->space));
        assert_int_equal(td_space_excluded(again->space), td_space_excluded(first->space));
        int64_t count = td_space_count(first->space), stride = count / 997 + 1;
        for (int64_t t = 0; t < count; t += stride) {
            td_set a, b;
            td_space_set(first->space, t, &a);
            td_space_set(again->space, t, &b);
            assert_memory_equal(&a, &b, sizeof a);
        }
        /* sorted keys, no paths */
        assert_null(strstr(first->resolved, "t.h5"));
        json_t *json = json_loads(first->resolved, JSON_REJECT_DUPLICATES, NULL);
        assert_non_null(json);
        char *sorted = json_dumps(json, JSON_SORT_KEYS | JSON_COMPACT | JSON_REAL_PRECISION(17));
        assert_string_equal(sorted, first->resolved);
        free(sorted);
        json_decref(json);
        td_config_free(first);
        td_config_free(again);
    }
}

static void different_ways_to_say_a_grid(void **state) {
    (void)state;
    static const char *const ways[] = {"{values: [5, 10, 15]}", "{min: 5, max: 15, q: 5}", "{range: [5, 15, 5]}",
                                       "{distribution: q_uniform, min: 5, max: 19.5, q: 5.0}",
                                           "{distribution: categorical, values: [5.0, 1e1, 15]}"};
    char digest[65] = "";
    for (int i = 0; i < 5; i++) {
        char text[512];
        snprintf(text, sizeof text, "%sparameters: {fast: %s}\n", smallest, ways[i]);
        td_config *config = parse(text);
        if (*digest) assert_string_equal(config->digest, digest);
        memcpy(digest, config->digest, sizeof digest);
        td_config_free(config);
    }
}

static char *printed(void (*print)(FILE *)) {
    char *text = NULL;
    size_t bytes = 0;
    FILE *out = open_memstream(&text, &bytes);
    print(out);
    fclose(out);
    return text;
}

static void printed_defaults_are_the_defaults(void **state) {
    (void)state;
    char *defaults = printed(td_config_print_defaults), *said, text[256];
    td_config *config = parse_set(defaults, &said, NULL, NULL, NULL);
    assert_string_equal(said, "");
    snprintf(text, sizeof text, "tape: other.h5\nstrategy: %s\n", td_strategy_name(config->play.strategy));
    td_config *bare = parse(text);
    assert_string_equal(config->digest, bare->digest);
    assert_true(config->metric == bare->metric && config->goal == bare->goal && config->seed == bare->seed);
    /* every key is there, be it behind a comment sign */
    for (int key = 0; key < TD_KEY_COUNT; key++) {
        char line[64];
        snprintf(line, sizeof line, "%s:", td_key_leaf((td_key)key));
        if (td_key_infos[key].type != TD_TYPE_IGNORED && key != TD_KEY_account_units_lot) assert_has(defaults, line);
    }
    td_config_free(config);
    td_config_free(bare);
    free(defaults);
    free(said);
}

static void markdown_is_the_committed_page(void **state) {
    (void)state;
    const char *source = getenv("TAPEDECK_SOURCE");
    char path[1024];
    snprintf(path, sizeof path, "%s/docs/config.md", source ? source : ".");
    char *committed = td_test_read(path), *made = printed(td_config_print_markdown);
    if (strcmp(committed,
               made) != 0) fail_msg("docs/config.md is not what `tapedeck config --print-markdown` prints; make it anew");
    free(committed);
    free(made);
}

static void schema_is_json(void **state) {
    (void)state;
    char *text = printed(td_config_print_schema);
    json_error_t where;
    json_t *schema = json_loads(text, JSON_REJECT_DUPLICATES, &where);
    if (!schema) fail_msg("line %d: %s", where.line, where.text);
    json_t *properties = json_object_get(schema, "properties");
    for (int key = 0; key < TD_KEY_COUNT; key++)
        if (td_key_in_group((td_key)key, "")) assert_non_null(json_object_get(properties, td_key_infos[key].path));
    json_t *account = json_object_get(json_object_get(properties, "account"), "properties");
    assert_string_equal(json_string_value(json_object_get(json_object_get(account, "units"), "default")), "fractional");
    assert_int_equal(json_integer_value(json_object_get(json_object_get(account, "cash"), "default")), 10000);
    json_decref(schema);
    free(text);
}

static void files(void **state) {
    (void)state;
    td_config *config;
    td_error error;
    assert_fails(td_config_load(td_test_path("none.yaml"), NULL, 0, NULL, &config, &error), TD_IO,
                 "none.yaml: cannot be opened: No such file");
    assert_fails(td_config_load(td_test_folder(), NULL, 0, NULL, &config, &error), TD_IO, "not a regular file");
    FILE *file = fopen(td_test_path("zero.yaml"), "wb");
    fwrite("tape: a\0b\n", 1, 10, file);
    fclose(file);
    assert_fails(td_config_load(td_test_path("zero.yaml"), NULL, 0, NULL, &config, &error), TD_BAD_DATA, "zero byte at offset 7");
    td_test_write(td_test_path("empty.yaml"), "");
    assert_fails(td_config_load(td_test_path("empty.yaml"), NULL, 0, NULL, &config, &error), TD_BAD_CONFIG,
                 "the key 'tape' is missing");
    /* a tape is looked for from here, then beside the configuration */
    td_test_write(td_test_path("good.yaml"), "tape: not-in-any-working-directory.h5\nstrategy: sma-cross\n");
    assert_ok(td_config_load(td_test_path("good.yaml"), NULL, 0, NULL, &config, &error));
    assert_string_equal(config->tape, td_test_path("not-in-any-working-directory.h5"));
    td_config_free(config);
    const char *set[1];
    char text[600];
    snprintf(text, sizeof text, "tape=%s", td_test_path("empty.yaml"));
    set[0] = text;
    assert_ok(td_config_load(td_test_path("good.yaml"), set, 1, NULL, &config, &error));
    assert_string_equal(config->tape, td_test_path("empty.yaml"));
    td_config_free(config);
}

/* Numbers do not depend on the locale. */
static void decimal_points_are_points(void **state) {
    (void)state;
    static const char *const locales[] = {"de_DE.UTF-8", "de_DE.utf8", "fr_FR.UTF-8", "nl_NL.UTF-8", "ru_RU.UTF-8"};
    bool found = false;
    td_config *before = parse_set(goog, NULL, "costs.commission=0.0015", NULL, NULL);
    for (size_t i = 0; i < 5 && !found; i++) found = setlocale(LC_ALL, locales[i]) != NULL;
    if (!found) {
        print_message("no locale with a decimal comma is installed: skipped\n");
        td_config_free(before);
        skip();
    }
    td_config *config = parse_set(goog, NULL, "costs.commission=0.0015", NULL, NULL);
    setlocale(LC_ALL, "C");
    assert_true(config->base.knob[TD_KNOB_commission] == 0.0015);
    assert_string_equal(config->digest, before->digest);
    td_config_free(config);
    td_config_free(before);
}

static void scalars(void **state) {
    (void)state;
    double x;
    static const char *const numbers[] = {"1", "-1", "+1", "1.", ".5", "1e5", "1E-5", "-1.5e+10", "007"};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        assert_true(td_read_number(numbers[i], &x));
        assert_true(x == strtod(numbers[i], NULL));
    }
    static const char *const not_numbers[] = {"", " 1", "1 ", "1e", "e1", ".", "-", "+-1", "1.2.3", "0x1", "nan", "inf", "1e400",
                                              "1,5", "1f"};
    for (size_t i = 0; i < sizeof not_numbers / sizeof *not_numbers; i++) assert_false(td_read_number(not_numbers[i], &x));
    assert_true(td_read_number("-0.0", &x) && x == 0 && !signbit(x));
    /* doubles read back from their shortest form */
    for (uint64_t i = 0; i < 20000; i++) {
        uint64_t bits = td_random_bits(3, TD_PURPOSE_TEST, 0, i);
        double value, read;
        char text[32];
        memcpy(&value, &bits, sizeof value);
        if (!isfinite(value)) continue;
        assert_true(td_read_number(td_write_number(value, text), &read) && read == value);
    }
    static const struct {
        double value;
        const char *text;
    } written[] = {{0.1, "0.1"}, {1e-6, "1e-6"}, {10000, "10000"}, {1e15, "1e15"}, {-2.5e-7, "-2.5e-7"}, {1e300, "1e300"},
                   {0, "0"}};
    char text[40];
    for (size_t i = 0; i < sizeof written / sizeof *written; i++) assert_string_equal(td_write_number(written[i].value, text),
                                                                                      written[i].text);
    int64_t n;
    assert_true(td_read_bytes("2GB", &n) && n == 2000000000);
    assert_true(td_read_bytes("512MiB", &n) && n == 536870912);
    assert_true(td_read_bytes("1.5 kB", &n) && n == 1500);
    assert_true(td_read_bytes("1000", &n) && n == 1000);
    assert_false(td_read_bytes("1 gb", &n) || td_read_bytes("GB", &n) || td_read_bytes("-1B", &n) || td_read_bytes("1e30TB", &n));
    static const struct {
        const char *text;
        double seconds;
    } durations[] = {{"30s", 30}, {"10m", 600}, {"2h", 7200}, {"1d", 86400}, {"1h30m", 5400}, {"0.5h", 1800}, {"90", 90}, {"0", 0}};
    for (size_t i = 0; i < sizeof durations / sizeof *durations; i++)
        assert_true(td_read_duration(durations[i].text, &x) && x == durations[i].seconds);
    assert_false(td_read_duration("", &x) || td_read_duration("1x", &x) || td_read_duration("m", &x) ||
                 td_read_duration("1h1h", &x) ||
                 td_read_duration("-5s", &x) || td_read_duration("-5", &x) || td_read_duration("1h 30m", &x));
    static const struct {
        const char *text;
        int64_t ns;
        const char *back;
    } dates[] = {
        {"1970-01-01", 0, "1970-01-01"},
        {"2024-02-29T23:59:59.999999999Z", 1709251199999999999, "2024-02-29T23:59:59.999999999Z"},
        {"2000-03-01 12:30", 951913800000000000, "2000-03-01T12:30:00Z"},
        {"1969-12-31T23:59:59.5", -500000000, "1969-12-31T23:59:59.500000000Z"},
        {"1678-01-01", -9214560000000000000, "1678-01-01"},
        {"2261-12-31T23:59:59Z", 9214646399000000000, "2261-12-31T23:59:59Z"},
    };
    for (size_t i = 0; i < sizeof dates / sizeof *dates; i++) {
        assert_true(td_read_date(dates[i].text, &n));
        assert_true(n == dates[i].ns);
        td_write_date(n, text);
        assert_string_equal(text, dates[i].back);
    }
    static const char *const not_dates[] = {"", "2024", "2024-1-1", "2023-02-29", "1900-02-29", "2024-04-31", "2024-01-01T",
                                            "2024-01-01T25:00",
                                            "2024-01-01T10:60", "2024-01-01T10:00:00+01:00", "2024-01-01x", "1677-12-31",
                                                "2262-01-01",
                                            "2024-01-01T10:00:00.", "2024-01-01T10:00:00.1234567891"};
    for (size_t i = 0; i < sizeof not_dates / sizeof *not_dates; i++) assert_false(td_read_date(not_dates[i], &n));
    for (uint64_t i = 0; i < 20000; i++) {
        int64_t ns = (int64_t)(td_random_bits(3, TD_PURPOSE_TEST, 1, i) >> 1) - ((int64_t)1 << 62), read;
        td_write_date(ns, text);
        assert_true(td_read_date(text, &read) && read == ns);
    }
}

static void command_line(void **state) {
    (void)state;
    if (!getenv("TAPEDECK_BIN")) skip();
    char *out, *err;
    td_test_write(td_test_path("goog.yaml"), goog);
    td_test_write(td_test_path("bad.yaml"), "tape: t.h5\nstrategy: sma-cros\nfinalize: yes\n");
    assert_int_equal(td_test_run(&out, &err, "cd %s && $TAPEDECK config check goog.yaml", td_test_folder()), 0);
    assert_has(out, "goog.yaml is good: 1 parameter set");
    assert_string_equal(err, "");
    free(out), free(err);
    assert_int_equal(td_test_run(&out, &err, "cd %s && $TAPEDECK config check goog.yaml --set 'parameters.fast={values: [5, 40]}' "
                                             "--set 'constraints=[fast < slow]' --json", td_test_folder()), 0);
    json_t *json = json_loads(out, 0, NULL);
    assert_int_equal(json_integer_value(json_object_get(json, "trials")), 1);
    assert_int_equal(json_integer_value(json_object_get(json, "excluded")), 1);
    assert_non_null(json_object_get(json_object_get(json, "resolved"), "strategy"));
    json_decref(json);
    free(out), free(err);
    assert_int_equal(td_test_run(&out, &err, "cd %s && $TAPEDECK config check bad.yaml", td_test_folder()), 2);
    assert_string_equal(out, "");
    assert_has(err, "bad.yaml:2:11: error: unknown strategy 'sma-cros'");
    assert_has(err, "bad.yaml:3:11: error: finalize must be true or false, found 'yes'");
    free(out), free(err);
    assert_int_equal(td_test_run(&out, &err, "$TAPEDECK config check %s", td_test_path("missing.yaml")), 1);
    assert_has(err, "cannot be opened");
    free(out), free(err);
    static const char *const wrong[] = {"", "check", "chekc x.yaml", "check a b", "--print-schema check a", "--set a=1", "--no"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        assert_int_equal(td_test_run(&out, &err, "$TAPEDECK config %s", wrong[i]), 2);
        assert_string_equal(out, "");
        assert_true(*err);
        free(out), free(err);
    }
    void (*const prints[])(FILE *) = {td_config_print_schema, td_config_print_defaults, td_config_print_markdown};
    static const char *const options[] = {"--print-schema", "--print-defaults", "--print-markdown"};
    for (int i = 0; i < 3; i++) {
        char *expected = printed(prints[i]);
        assert_int_equal(td_test_run(&out, &err, "$TAPEDECK config %s", options[i]), 0);
        assert_string_equal(out, expected);
        free(out), free(err), free(expected);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scalars), cmocka_unit_test(reads_the_example), cmocka_unit_test(reads_every_key),
        cmocka_unit_test(order_books), cmocka_unit_test(every_knob_has_a_key), cmocka_unit_test(messages_have_places),
        cmocka_unit_test(all_errors_at_once),
        cmocka_unit_test(keys_and_their_types), cmocka_unit_test(parameters_and_their_forms), cmocka_unit_test(constraints),
        cmocka_unit_test(wandb_files_load), cmocka_unit_test(overrides_equal_edits), cmocka_unit_test(overrides_are_checked),
        cmocka_unit_test(digest_is_of_the_numbers), cmocka_unit_test(resolved_loads_back),
        cmocka_unit_test(different_ways_to_say_a_grid), cmocka_unit_test(printed_defaults_are_the_defaults),
        cmocka_unit_test(markdown_is_the_committed_page), cmocka_unit_test(schema_is_json), cmocka_unit_test(files),
        cmocka_unit_test(decimal_points_are_points), cmocka_unit_test(command_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
