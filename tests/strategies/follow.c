/* Does what the volume column says, bar by bar: a volume of v > 0 is the decision for the target v - 10, none is none. Volumes of
 * a file cannot be negative, and what `script` reads is; so this is the one for whole programs, that one for engines. */
#include "sim/strategy.h"

ABOUT("does what the volume column says, v - 10")

PARAMETERS()

ROWS()

SIGNALS()

STATE()

ON_BAR {
    (void)state;
    real asked = abs(price(volume));
    target(asked - 10, asked > 0);
}
