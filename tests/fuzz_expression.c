/* libFuzzer target: expressions. What compiles evaluates, and its canonical text compiles to the same value and the same text. */
#include <stdlib.h>
#include <string.h>

#include "sweeps/expression.h"

static int resolve(void *context, const char *name) {
    (void)context;
    return name[0] >= 'a' && name[0] < 'm' ? name[0] - 'a' : -1;
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size) {
    static const double values[] = {0, 1, -1, 0.5, 1e300, -1e300, 5, 20, 1e-9, 3, 7, 100};
    char *text = malloc(size + 1);
    memcpy(text, data, size);
    text[size] = 0;
    td_expression *expression, *again;
    td_expression_place place;
    td_error error;
    if (td_expression_compile(text, resolve, NULL, &expression, &place, &error) == TD_OK) {
        double a = td_expression_value(expression, values);
        if (td_expression_compile(td_expression_text(expression), resolve, NULL, &again, NULL, &error) != TD_OK) abort();
        double b = td_expression_value(again, values);
        if (memcmp(&a, &b, sizeof a) != 0 || strcmp(td_expression_text(expression), td_expression_text(again)) != 0) abort();
        td_expression_free(expression);
        td_expression_free(again);
    } else if (!error.message[0] || place.offset > strlen(text)) {
        abort();
    }
    free(text);
    return 0;
}
