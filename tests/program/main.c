/* tapedeck with one strategy more: `ratio` of tests/strategies, whose cells can fail. What the program makes of failed cells is
 * tested with it (tests/check_failed_cells.py). */
#include <stdio.h>

#include "cli/cli.h"
#include "tests/plays.h"

int main(int argc, char **argv) {
    td_error error;
    if (td_strategy_add(td_test_strategy("ratio"), &error) != TD_OK) {
        fprintf(stderr, "%s\n", error.message);
        return 1;
    }
    return td_cli_main(argc, argv);
}
