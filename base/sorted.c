/* See sorted.h. */
#include "base/sorted.h"

int64_t td_first_from(const int64_t *sorted, int64_t count, int64_t least) {
    int64_t low = 0, high = count;
    while (low < high) {
        int64_t middle = (low + high) / 2;
        if (sorted[middle] < least)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}
