/* libFuzzer target: rules, up to the C source they become; nothing is compiled. The input is the four rules, a line each, the empty ones
 * left out. What is made must be made again, the same but for its comment, from its canonical text; it holds no character that only
 * the input could have brought; what is refused says why and where. */
#include <stdlib.h>
#include <string.h>

#include "sweeps/rules.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

typedef struct seen {
    const char *const *texts;
    int count;
} seen;

static void report(void *context, td_rule rule, td_expression_place place, const char *sentence) {
    seen *errors = context;
    errors->count++;
    if (!errors->texts[rule] || !*sentence || place.offset > strlen(errors->texts[rule]) || place.length == 0) abort();
}

static void must_be_ours(const char *source) {
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_ \n\"#/*().,;:=<>!&|+-{}'";
    if (source[strspn(source, allowed)]) abort();
    /* one comment, and a handful of strings that are known */
    const char *comment = strstr(source, "*/");
    if (!comment || strstr(comment + 2, "/*") || strstr(comment + 2, "*/") || strstr(comment + 2, "//")) abort();
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size) {
    char *text = malloc(size + 1), *rest = text;
    const char *texts[TD_RULE_COUNT] = {NULL};
    memcpy(text, data, size);
    text[size] = 0;
    for (int r = 0; r < TD_RULE_COUNT; r++) {
        char *line = strsep(&rest, "\n");
        if (line && *line) texts[r] = line;
    }
    td_error error = {""};
    td_rules rules, again;
    seen errors = {.texts = texts};
    if (td_rules_make(texts, report, &errors, &rules, &error) == TD_OK) {
        if (errors.count) abort();
        must_be_ours(rules.source);
        seen none = {.texts = (const char *const *)rules.text};
        if (td_rules_make((const char *const *)rules.text, report, &none, &again, &error) != TD_OK || strcmp(rules.source, again.source) != 0)
            abort();
        td_rules_free(&again);
        td_rules_free(&rules);
    } else if (!errors.count || !error.message[0]) {
        abort();
    }
    free(text);
    return 0;
}
