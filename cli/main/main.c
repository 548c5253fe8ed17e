/* The program. Everything is in td_cli_main() so that tests can link it. */
#include "cli/cli.h"

int main(int argc, char **argv) { return td_cli_main(argc, argv); }
