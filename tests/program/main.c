/* tapedeck with strategies of tests/strategies: `ratio`, whose cells can fail (tests/check_failed_cells.py shows what the program
 * makes of them); `follow`, which does what a tape says, `placer`, which places orders, and `weigher`, which rebalances
 * (tests/check_oracle.py); and `peeking`, which cheats (tests/check_proofs.py). */
#include <stdio.h>

#include "cli/cli.h"
#include "tests/plays.h"

int main(int argc, char **argv) {
    static const char *const names[] = {"ratio", "follow", "placer", "weigher", "peeking"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        td_error error;
        if (td_strategy_add(td_test_strategy(names[i]), &error) != TD_OK) {
            fprintf(stderr, "%s\n", error.message);
            return 1;
        }
    }
    return td_cli_main(argc, argv);
}
