/* Quotes on one venue at every message of the other, and takes there what it has been filled here: all hooks, two venues. */
#include "sim/strategy.h"

ABOUT("quotes on the first venue, hedges on the second")

PARAMETERS(
    COUNT(offset, 0, 0, 1000, "ticks", "of the quotes from the touch"),
    NUMBER(size, 1, 0, 1000, "units", "of a quote"),
    NUMBER(most, 3, 0, 1000, "units", "position"),
    COUNT(patience, 5, 1, 1000, "", "decisions of the clock between closings"))

STATE(strikes, messages, heard)

HOOKS(TIMER, BOOK, FILL, VENUES(2))

ON_BOOK {
    use(bid, ask, position, offset, size, most);
    state->messages = state->messages + 1;
    real shift = select(of_venue(1, bid) > of_venue(1, mid) - 2, 0, 1);
    quote(BUY, bid - offset - shift, size, position < most);
    quote(SELL, ask + offset + shift, size, position > -most);
}

ON_FILL {
    state->heard = state->heard + filled(BUY) + filled(SELL);
    if (now->moment->venue == 0) {
        real bought = filled(BUY), sold = filled(SELL);
        venue(1) {
            market(SELL, bought, bought > 0);
            market(BUY, sold, sold > 0);
        }
    }
}

ON_TIMER {
    use(patience);
    state->strikes = state->strikes + 1;
    mask close = (state->strikes - floor(state->strikes / patience) * patience == 0) & (state->heard > 0);
    venue(1) {
        use(position);
        market(SELL, position, close & (position > 0));
        market(BUY, -position, close & (position < 0));
    }
}
