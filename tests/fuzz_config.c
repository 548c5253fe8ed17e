/* libFuzzer target: configurations. The input is the text of a file; lines that begin with "#set " are --set texts as well, so that
 * one input exercises both. What loads must load again from its canonical form with the same digest, and must answer for its
 * first, middle and last trial. */
#include <stdlib.h>
#include <string.h>

#include "sweeps/config.h"

enum { SETS_MAX = 4 };

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

/* Rules are compiled, but not here. */
int LLVMFuzzerInitialize(int *argc, char ***argv) {
    (void)argc;
    (void)argv;
    return setenv("TAPEDECK_CC", "/nowhere/cc", 1);
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size) {
    char *text = malloc(size + 1), *sets[SETS_MAX];
    int set_count = 0;
    memcpy(text, data, size);
    text[size] = 0;
    for (const char *at = text; (at = strstr(at, "#set ")) && set_count < SETS_MAX; at++)
        sets[set_count++] = strndup(at + 5, strcspn(at + 5, "\n"));
    /* a message list that goes nowhere, but is formatted */
    FILE *out = fopen("/dev/null", "w");
    td_config *config, *again;
    td_error error;
    td_status status = td_config_parse("fuzz.yaml", text, (const char *const *)sets, set_count, out, &config, &error);
    if (status == TD_OK) {
        const char *tape = "tape=t.h5";
        if (td_config_parse("resolved.json", config->resolved, &tape, 1, stderr, &again, &error) != TD_OK) abort();
        if (strcmp(config->digest, again->digest) != 0) abort();
        if (td_space_count(config->space) != td_space_count(again->space)) abort();
        int64_t count = td_space_count(config->space), trials[] = {0, count / 2, count - 1};
        for (int i = 0; i < 3; i++) {
            td_set a, b;
            td_space_set(config->space, trials[i], &a);
            td_space_set(again->space, trials[i], &b);
            if (memcmp(&a, &b, sizeof a) != 0) abort();
        }
        td_config_free(again);
        td_config_free(config);
    } else if (!error.message[0]) {
        abort();
    }
    fclose(out);
    for (int i = 0; i < set_count; i++) free(sets[i]);
    free(text);
    return 0;
}
