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

/* The plain engine (portfolio.c), its memory kept from set to set. */
typedef struct td_portfolio_plain td_portfolio_plain;
td_status td_portfolio_plain_open(const td_portfolio *portfolio, td_portfolio_plain **opened, td_error *error);
void td_portfolio_plain_close(td_portfolio_plain *plain);
void td_portfolio_plain_play(td_portfolio_plain *plain, const td_set *set, td_cell *cell, float *block_returns);

#endif
