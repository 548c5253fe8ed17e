/* Cheats: on every so-manieth bar it looks at a later close, behind the words of a strategy, and `tapedeck verify --poison` has to
 * catch it. Where the tape is over it looks at the last bar, lest it read past the end. */
#include "sim/strategy.h"

ABOUT("knows the next close on every so-manieth bar")

PARAMETERS(
    COUNT(every, 1, 1, 100000, "bars", "it looks on bars after 0 that this divides"),
    COUNT(ahead, 1, 0, 100000, "bars", "how far; 0 is honest"))

ROWS()

SIGNALS()

STATE()

ON_BAR {
    (void)state;
    int64_t last = now->deck->bars - 1;
    real bar = abs((double)now->t);
    mask looks = (floor(bar / param(every)) * param(every) == bar) & (bar > 0);
    /* all lanes look as far as the first of them does: it is for single sets */
    int64_t ahead = (int64_t)*(const double *)&param(ahead), seen = now->t + ahead < last ? now->t + ahead : last;
    real rises = now->deck->close[seen] - price(open) + 0 * param(every);
    target(+1, looks & (rises > 0));
    target(-1, looks & (rises < 0));
}
