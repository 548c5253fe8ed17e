/* See words.h. Optimal string alignment distance: Levenshtein's with swaps of neighbours. */
#include "base/words.h"

#include <ctype.h>
#include <string.h>

enum { WORD_MAX = 64 };

static int least(int a, int b) { return a < b ? a : b; }

static int edits(const char *a, int a_length, const char *b, int b_length) {
    int rows[3][WORD_MAX + 1];
    for (int j = 0; j <= b_length; j++) rows[0][j] = j;
    for (int i = 1; i <= a_length; i++) {
        int *row = rows[i % 3], *above = rows[(i + 2) % 3], *before = rows[(i + 1) % 3];
        row[0] = i;
        for (int j = 1; j <= b_length; j++) {
            int x = tolower((unsigned char)a[i - 1]), y = tolower((unsigned char)b[j - 1]);
            row[j] = least(least(row[j - 1], above[j]) + 1, above[j - 1] + (x != y));
            if (i > 1 && j > 1 && x == tolower((unsigned char)b[j - 2]) && tolower((unsigned char)a[i - 2]) == y)
                row[j] = least(row[j], before[j - 2] + 1);
        }
    }
    return rows[a_length % 3][b_length];
}

const char *td_nearest_word(const char *word, const char *const *candidates, int count) {
    const char *nearest = NULL;
    size_t length = strlen(word);
    if (length > WORD_MAX) return NULL;
    int fewest = WORD_MAX;
    for (int i = 0; i < count; i++) {
        size_t other = strlen(candidates[i]);
        if (other > WORD_MAX) continue;
        int distance = edits(word, (int)length, candidates[i], (int)other), allowed = (int)(length > other ? length : other) / 3;
        if (distance <= (allowed > 1 ? allowed : 1) && distance < fewest) {
            fewest = distance;
            nearest = candidates[i];
        }
    }
    return nearest;
}
