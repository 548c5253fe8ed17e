/* Playing groups of sets of a portfolio, as sim/player.c calls it: what td_player is for one symbol. */
#ifndef TAPEDECK_SIM_PORTFOLIO_PLAYER_H
#define TAPEDECK_SIM_PORTFOLIO_PLAYER_H

#include "sim/desk.h"

typedef struct td_portfolio_player td_portfolio_player;
int64_t td_portfolio_group(const td_portfolio *portfolio);
size_t td_portfolio_player_bytes(const td_portfolio *portfolio, td_engine engine, td_isa isa);
td_status td_portfolio_player_open(const td_portfolio *portfolio, td_engine engine, td_isa isa, td_portfolio_player **opened,
                                   td_error *error);
void td_portfolio_player_close(td_portfolio_player *player);
/* td_play(), for engine reference or lanes. */
void td_portfolio_play(td_portfolio_player *player, const td_set *sets, int64_t count, td_cell *cells, float *block_returns);
void td_portfolio_player_limit_chunk(td_portfolio_player *player, int64_t bars);

#endif
