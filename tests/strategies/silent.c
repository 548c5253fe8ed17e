/* Declares nothing and wants nothing. */
#include "sim/strategy.h"

ABOUT("does nothing")

PARAMETERS()

ROWS()

SIGNALS()

ON_SIGNAL {
    (void)now;
}
