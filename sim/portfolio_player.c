/* See portfolio_player.h. */
#include "sim/portfolio_player.h"

#include <stdlib.h>

struct td_portfolio_player {
    const td_portfolio *portfolio;
};

int64_t td_portfolio_group(const td_portfolio *portfolio) { (void)portfolio; return 16; }
size_t td_portfolio_player_bytes(const td_portfolio *portfolio, td_engine engine, td_isa isa) { (void)portfolio; (void)engine; (void)isa; return 1000; }
td_status td_portfolio_player_open(const td_portfolio *portfolio, td_engine engine, td_isa isa, td_portfolio_player **opened,
                                   td_error *error) {
    (void)engine; (void)isa; (void)error;
    *opened = calloc(1, sizeof **opened);
    (*opened)->portfolio = portfolio;
    return TD_OK;
}
void td_portfolio_player_close(td_portfolio_player *player) { free(player); }
void td_portfolio_play(td_portfolio_player *player, const td_set *sets, int64_t count, td_cell *cells, float *block_returns) {
    int64_t blocks = td_deck_blocks(player->portfolio->whole);
    for (int64_t i = 0; i < count; i++)
        td_portfolio_play_detailed(player->portfolio, &sets[i], NULL, &cells[i], block_returns ? block_returns + i * blocks : NULL, NULL, NULL);
}
void td_portfolio_player_limit_chunk(td_portfolio_player *player, int64_t bars) { (void)player; (void)bars; }
