/* "Did you mean": the word of a list that is nearest to a mistyped one. */
#ifndef TAPEDECK_BASE_WORDS_H
#define TAPEDECK_BASE_WORDS_H

/* The nearest of `count` candidates by edits (insert, delete, replace, swap of neighbours), or NULL when none is near enough to be
 * meant: at most a third of the longer word's letters, at least one. Case counts as no difference. Ties go to the first. */
const char *td_nearest_word(const char *word, const char *const *candidates, int count);

#endif
