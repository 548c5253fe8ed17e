/* Values of the engine's numbers as people write them. Most are plain numbers; a duration is written 50ms and is nanoseconds; and some
 * are words, as risk_adverse or power2(2), whose number is a code of sim/book_models.h. What a value is follows from its unit. */
#ifndef TAPEDECK_SWEEPS_VALUES_H
#define TAPEDECK_SWEEPS_VALUES_H

#include "base/error.h"

typedef enum td_value_form { TD_VALUE_NUMBER, TD_VALUE_DURATION, TD_VALUE_WORD } td_value_form;
/* unit: of a knob (sim/play.h) or of a variable of a results file; NULL is a plain number's. */
td_value_form td_value_form_of(const char *unit);
/* TD_BAD_ARG with a sentence that says what was expected and found. A duration without a unit is nanoseconds. */
td_status td_value_read(const char *unit, const char *text, double *value, td_error *error);
/* What a value of the unit has to be: "a number", "a duration such as 50ms", "one of ...". */
const char *td_value_expected(const char *unit);
/* Shortest text that reads back as the value; text has room for 48 and is returned. */
const char *td_value_text(const char *unit, double value, char *text);

#endif
