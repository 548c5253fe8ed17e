/* Users' own strategies: a C file named by its path is compiled (sim/compile.h), loaded, checked, and from then on a strategy like
 * the built-in ones, at the same speed and with the same bits.
 *
 * Loading a strategy is running code with the rights of who loads it. So only what is named explicitly is loaded, nothing that
 * everyone may write, and never anything found by searching. */
#ifndef TAPEDECK_SIM_PLUGIN_H
#define TAPEDECK_SIM_PLUGIN_H

#include <stdio.h>

#include "sim/compile.h"
#include "sim/play.h"

/* Does the text name a file and not a built-in strategy? */
bool td_plugin_is_path(const char *text);

/* Loads the strategy in the file, which stays loaded; the same source again gives the same strategy. Its name is the file's
 * without .c, `_` written as `-`. tools: NULL for what is found (sim/compile.h). What the compiler says goes to talk, as it says it.
 *   TD_BAD_ARG   the file cannot be a strategy: see td_compile_strategy(), and what the object declares is checked: parameters
 *                within their ranges and under names of their own, a name no built-in strategy has, known indicators
 *   TD_FAILED    compiler, headers or cache cannot be used; TD_IO
 * Not from two threads at once. */
td_status td_plugin_load(const char *path, const td_toolchain *tools, FILE *talk, const td_strategy **strategy, td_error *error);

/* The same of a text, a strategy's source that this program wrote (sweeps/rules.h), under a name of its own. It is kept as
 * rules/<digest>/<name>.c in the cache, for compilers to read and people to look at. */
td_status td_plugin_load_text(const char *name, const char *text, FILE *talk, const td_strategy **strategy, td_error *error);

/* A loaded one by name and source digest, NULL when there is none. */
const td_strategy *td_plugin_find(const char *name, const char *source);

/* Checks what a strategy declares; `path` names it in messages. Part of td_plugin_load(). */
td_status td_check_strategy(const td_strategy *strategy, const char *path, td_error *error);

#endif
