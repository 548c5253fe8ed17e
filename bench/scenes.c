/* See scenes.h. The table, and the stage. */
#include "bench/scenes.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/kinds.h"

#define KIND(kind) .make = td_make_##kind, .step = td_step_##kind, .drop = td_drop_##kind
#define PLAY(title, level, engine_, strategy_, bars_, sets_, threads_, sample, pace_)                                            \
    {.name = title, .tier = TD_SCENE_##level, .item = "bar_evaluations", KIND(play),                                             \
     .shape = {.bars = bars_, .sets = sets_, .threads = threads_, .engine = TD_ENGINE_##engine_, .strategy = strategy_,          \
               .sample_bars = sample, .pace = TD_PACE_##pace_}}
#define PROTECT(title, level, bars_, sets_, protection_)                                                                         \
    {.name = title, .tier = TD_SCENE_##level, .item = "bar_evaluations", KIND(play),                                             \
     .shape = {.bars = bars_, .sets = sets_, .threads = 1, .engine = TD_ENGINE_LANES, .strategy = "sma-cross", .sample_bars = 1, \
               .pace = TD_PACE_BUSY, .protection = TD_PROTECTION_##protection_}}
#define PORTFOLIO(title, level, symbols_, bars_, sets_)                                                                          \
    {.name = title, .tier = TD_SCENE_##level, .item = "bar_evaluations", KIND(play),                                             \
     .shape = {.bars = bars_, .sets = sets_, .threads = 1, .engine = TD_ENGINE_LANES, .strategy = "sma-cross", .sample_bars = 1, \
               .symbols = symbols_}}
#define ROWS(title, level, kind_, bars_, windows)                                                                                \
    {.name = title, .tier = TD_SCENE_##level, .item = "values", KIND(rows),                                                      \
     .shape = {.bars = bars_, .sets = windows, .threads = 1, .strategy = kind_}}
#define BOOK(title, level, seconds, sets_, crowd_)                                                                               \
    {.name = title, .tier = TD_SCENE_##level, .item = "row_evaluations", KIND(book),                                             \
     .shape = {.bars = seconds, .sets = sets_, .threads = 1, .strategy = "touch-quoter", .crowd = TD_CROWD_##crowd_}}
#define FILES(title, level, kind, what, bars_, sets_)                                                                            \
    {.name = title, .tier = TD_SCENE_##level, .item = what, KIND(kind), .shape = {.bars = bars_, .sets = sets_, .threads = 1}}

enum { REFERENCE_TRIALS = 16 }; /* of a configuration */

/* The engines play the moving-average cross with stop-loss and take-profit, fills at the close, commission 0.1 %, slippage 0.02 %.
 * lanes: returns sampled at every bar; skip: every 60 bars. Sizes are bars x sets, of a portfolio bars of each symbol, of order
 * books seconds x sets. */
static const td_scene table[] = {
    PLAY("reference/busy/100000x16", USUAL, REFERENCE, "sma-cross", 100000, 16, 1, 1, BUSY),
    PLAY("lanes/busy/100000x1000", USUAL, LANES, "sma-cross", 100000, 1000, 1, 1, BUSY),
    PLAY("lanes/slow/100000x1000", USUAL, LANES, "sma-cross", 100000, 1000, 1, 1, SLOW),
    PLAY("lanes/sampled/100000x1000", USUAL, LANES, "sma-cross", 100000, 1000, 1, 60, BUSY),
    PLAY("skip/busy/100000x1000", USUAL, SKIP, "sma-cross", 100000, 1000, 1, 60, BUSY),
    PLAY("skip/slow/100000x1000", USUAL, SKIP, "sma-cross", 100000, 1000, 1, 60, SLOW),
    PLAY("lanes/busy/100000x1000/threads:2", USUAL, LANES, "sma-cross", 100000, 1000, 2, 1, BUSY),
    PLAY("skip/busy/100000x1000/threads:2", USUAL, SKIP, "sma-cross", 100000, 1000, 2, 60, BUSY),
    PLAY("skip/slow/100000x1000/threads:2", USUAL, SKIP, "sma-cross", 100000, 1000, 2, 60, SLOW),
    PLAY("lanes/busy/100000x10000", LONG, LANES, "sma-cross", 100000, 10000, 1, 1, BUSY),
    PLAY("lanes/slow/100000x10000", LONG, LANES, "sma-cross", 100000, 10000, 1, 1, SLOW),
    PLAY("skip/busy/100000x10000", LONG, SKIP, "sma-cross", 100000, 10000, 1, 60, BUSY),
    PLAY("skip/slow/100000x10000", LONG, SKIP, "sma-cross", 100000, 10000, 1, 60, SLOW),
    PLAY("lanes/busy/100000x10000/threads:2", LONG, LANES, "sma-cross", 100000, 10000, 2, 1, BUSY),
    PLAY("skip/busy/100000x10000/threads:2", LONG, SKIP, "sma-cross", 100000, 10000, 2, 60, BUSY),
    PLAY("lanes/busy/1000000x1000", LONG, LANES, "sma-cross", 1000000, 1000, 1, 1, BUSY),
    PLAY("lanes/slow/1000000x1000", LONG, LANES, "sma-cross", 1000000, 1000, 1, 1, SLOW),
    PLAY("skip/busy/1000000x1000", LONG, SKIP, "sma-cross", 1000000, 1000, 1, 60, BUSY),
    PLAY("skip/slow/1000000x1000", LONG, SKIP, "sma-cross", 1000000, 1000, 1, 60, SLOW),
    PLAY("lanes/busy/1000000x1000/threads:2", LONG, LANES, "sma-cross", 1000000, 1000, 2, 1, BUSY),
    PLAY("skip/busy/1000000x1000/threads:2", LONG, SKIP, "sma-cross", 1000000, 1000, 2, 60, BUSY),
    PLAY("lanes/busy/1000000x10000", LONG, LANES, "sma-cross", 1000000, 10000, 1, 1, BUSY),
    PLAY("skip/busy/1000000x10000", LONG, SKIP, "sma-cross", 1000000, 10000, 1, 60, BUSY),
    PLAY("strategy/ema-cross/100000x1000", USUAL, AUTO, "ema-cross", 100000, 1000, 1, 60, BUSY),
    PLAY("strategy/rsi-reversion/100000x1000", USUAL, AUTO, "rsi-reversion", 100000, 1000, 1, 60, BUSY),
    PLAY("strategy/buy-and-hold/100000x1000", USUAL, AUTO, "buy-and-hold", 100000, 1000, 1, 60, BUSY),
    PLAY("strategy/macd/100000x1000", USUAL, AUTO, "macd", 100000, 1000, 1, 60, BUSY),
    PLAY("strategy/supertrend/100000x1000", LONG, AUTO, "supertrend", 100000, 1000, 1, 60, BUSY),
    PLAY("strategy/donchian-breakout/100000x1000", USUAL, AUTO, "donchian-breakout", 100000, 1000, 1, 60, BUSY),
    PLAY("strategy/volatility-target/100000x1000", USUAL, AUTO, "volatility-target", 100000, 1000, 1, 60, BUSY),
    PLAY("strategy/dip-grid/100000x1000", LONG, AUTO, "dip-grid", 100000, 1000, 1, 60, BUSY),
    PROTECT("protect/none/100000x1000", USUAL, 100000, 1000, NONE),
    PORTFOLIO("portfolio/5-symbols/20000x1000", USUAL, 5, 20000, 1000),
    PORTFOLIO("portfolio/50-symbols/2000x1000", USUAL, 50, 2000, 1000),
    PROTECT("protect/stops/100000x1000", USUAL, 100000, 1000, STOPS),
    PROTECT("protect/trailing/100000x1000", USUAL, 100000, 1000, TRAILING),
    PROTECT("protect/brackets/100000x1000", USUAL, 100000, 1000, BRACKETS),
    PROTECT("protect/all/100000x1000", USUAL, 100000, 1000, ALL),
    ROWS("rows/sma/100000x64", USUAL, "sma", 100000, 64),
    ROWS("rows/ema/100000x64", USUAL, "ema", 100000, 64),
    ROWS("rows/rsi/100000x64", USUAL, "rsi", 100000, 64),
    ROWS("rows/wma/100000x64", LONG, "wma", 100000, 64),
    ROWS("rows/stddev/100000x64", LONG, "stddev", 100000, 64),
    ROWS("rows/macd/100000x64", LONG, "macd", 100000, 64),
    ROWS("rows/atr/100000x64", LONG, "atr", 100000, 64),
    ROWS("rows/adx/100000x64", LONG, "adx", 100000, 64),
    ROWS("rows/supertrend/100000x64", LONG, "supertrend", 100000, 64),
    ROWS("rows/donchian/100000x64", LONG, "donchian", 100000, 64),
    ROWS("rows/stochastic/100000x64", LONG, "stochastic", 100000, 64),
    ROWS("rows/mfi/100000x64", LONG, "mfi", 100000, 64),
    ROWS("rows/cci/100000x64", LONG, "cci", 100000, 64),
    BOOK("book/idle/600x1", USUAL, 600, 1, IDLE),
    BOOK("book/shared/600x1", USUAL, 600, 1, SHARED),
    BOOK("book/shared/600x54", USUAL, 600, 54, SHARED),
    BOOK("book/shared/600x1024", USUAL, 600, 1024, SHARED),
    BOOK("book/apart/600x1152", USUAL, 600, 1152, APART),
    FILES("klines/200000", USUAL, klines, "rows", 200000, 0),
    FILES("tape/open/1000000", USUAL, tape, "bars", 1000000, 0),
    FILES("journal/append/20000", USUAL, journal, "sets", 64, 20000),
    FILES("sweep/no-op/100000", USUAL, sweep, "sets", 64, 100000),
    PLAY("gate/reference/busy/20000x2", GATE, REFERENCE, "sma-cross", 20000, 2, 1, 1, BUSY),
    PLAY("gate/lanes/busy/20000x64", GATE, LANES, "sma-cross", 20000, 64, 1, 1, BUSY),
    PLAY("gate/lanes/slow/20000x64", GATE, LANES, "sma-cross", 20000, 64, 1, 1, SLOW),
    PLAY("gate/skip/busy/20000x64", GATE, SKIP, "sma-cross", 20000, 64, 1, 60, BUSY),
    PLAY("gate/skip/slow/20000x64", GATE, SKIP, "sma-cross", 20000, 64, 1, 60, SLOW),
    PLAY("gate/strategy/ema-cross/20000x64", GATE, AUTO, "ema-cross", 20000, 64, 1, 60, BUSY),
    PLAY("gate/strategy/rsi-reversion/20000x64", GATE, AUTO, "rsi-reversion", 20000, 64, 1, 60, BUSY),
    PLAY("gate/strategy/buy-and-hold/20000x64", GATE, AUTO, "buy-and-hold", 20000, 64, 1, 60, BUSY),
    PLAY("gate/strategy/macd/20000x64", GATE, AUTO, "macd", 20000, 64, 1, 60, BUSY),
    PLAY("gate/strategy/donchian-breakout/20000x64", GATE, AUTO, "donchian-breakout", 20000, 64, 1, 60, BUSY),
    PLAY("gate/strategy/volatility-target/20000x64", GATE, AUTO, "volatility-target", 20000, 64, 1, 60, BUSY),
    PROTECT("gate/protect/trailing/20000x64", GATE, 20000, 64, TRAILING),
    PROTECT("gate/protect/all/20000x64", GATE, 20000, 64, ALL),
    ROWS("gate/rows/sma/20000x64", GATE, "sma", 20000, 64),
    ROWS("gate/rows/ema/20000x64", GATE, "ema", 20000, 64),
    ROWS("gate/rows/rsi/20000x64", GATE, "rsi", 20000, 64),
    BOOK("gate/book/idle/60x1", GATE, 60, 1, IDLE),
    BOOK("gate/book/shared/60x1", GATE, 60, 1, SHARED),
    BOOK("gate/book/shared/60x54", GATE, 60, 54, SHARED),
    BOOK("gate/book/shared/20x1024", GATE, 20, 1024, SHARED),
    BOOK("gate/book/apart/20x1152", GATE, 20, 1152, APART),
    FILES("gate/klines/5000", GATE, klines, "rows", 5000, 0),
    FILES("gate/tape/open/20000", GATE, tape, "bars", 20000, 0),
    FILES("gate/journal/append/1000", GATE, journal, "sets", 64, 1000),
    FILES("gate/sweep/no-op/2000", GATE, sweep, "sets", 64, 2000),
};

int td_scene_count(void) { return (int)(sizeof table / sizeof *table); }
const td_scene *td_scene_at(int index) { return &table[index]; }

td_status td_play_scenes_make(const td_scene_job *job, td_engine engine, td_isa isa, int threads, td_play_scenes *scenes,
                              td_error *error) {
    *scenes = (td_play_scenes){.job = *job};
    int64_t trials = td_space_count(job->space), bars = td_deck_evaluations(job->deck);
    for (td_engine one = TD_ENGINE_REFERENCE; one <= TD_ENGINE_SKIP; one++) {
        if (engine != TD_ENGINE_AUTO && one != engine) continue;
        td_player *player;
        td_status status = td_player_open(job->deck, one, isa, &player, error);
        if (status == TD_BAD_ARG && engine == TD_ENGINE_AUTO) continue; /* not one that can */
        TD_TRY(status);
        td_player_close(player);
        int64_t sets = one == TD_ENGINE_REFERENCE && trials > REFERENCE_TRIALS ? REFERENCE_TRIALS : trials;
        char *name = scenes->names[scenes->count], several[24] = "";
        if (threads > 1) snprintf(several, sizeof several, "/threads:%d", threads);
        snprintf(name, sizeof scenes->names[0], "play/%.32s/%s/%lldx%lld%s", td_strategy_name(job->strategy), td_engine_name(one),
                 (long long)bars, (long long)sets, several);
        scenes->scenes[scenes->count++] =
            (td_scene){.name = name, .item = "bar_evaluations", KIND(play),
                       .shape = {.job = &scenes->job, .bars = bars, .sets = sets, .threads = threads, .engine = one}};
    }
    return TD_OK;
}

td_status td_stage_open(td_isa isa, const char *data_path, td_stage *stage, td_error *error) {
    *stage = (td_stage){.isa = isa, .data_path = data_path};
    const char *above = getenv("TMPDIR");
    if (!above || !*above) above = "/tmp";
    int length = snprintf(stage->folder, sizeof stage->folder, "%s/tapedeck-bench-XXXXXX", above);
    if (length >= (int)sizeof stage->folder) {
        stage->folder[0] = 0;
        return td_fail(error, TD_BAD_ARG, "TMPDIR is too long for the scenes' files: %s", above);
    }
    if (mkdtemp(stage->folder)) return TD_OK;
    td_fail(error, TD_IO, "%s: a folder for the scenes' files cannot be made: %s", above, strerror(errno));
    stage->folder[0] = 0;
    return TD_IO;
}

void td_stage_close(td_stage *stage) {
    for (int i = 0; i < stage->tape_count; i++) free(stage->columns[i]);
    DIR *entries = stage->folder[0] ? opendir(stage->folder) : NULL;
    if (entries) {
        for (struct dirent *entry; (entry = readdir(entries));) unlinkat(dirfd(entries), entry->d_name, 0);
        closedir(entries);
        rmdir(stage->folder);
    }
    *stage = (td_stage){.isa = stage->isa};
}
