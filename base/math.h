/* Elementary functions whose bits do not depend on the machine.
 *
 * The C library picks its exp, log and pow by what the processor offers, and the variants differ in the last bit. A metric or
 * a synthetic price that must be the same everywhere uses these instead: plain IEEE additions, multiplications, divisions
 * and square roots in a fixed order, compiled without contraction. Errors are below 2 units in the last place (tests/test_base.c
 * compares with GSL and the C library over random arguments). Special values follow C99 annex F. */
#ifndef TAPEDECK_BASE_MATH_H
#define TAPEDECK_BASE_MATH_H

double td_log(double x);             /* natural logarithm; -inf at 0, NaN below 0 */
double td_log1p(double x);           /* log(1 + x), accurate near 0 */
double td_exp(double x);             /* e to the x; 0 and inf outside the range */
double td_pow(double x, double y);   /* x to the y for x >= 0; error grows as 2 |y log x| ulp; NaN for x < 0 */
double td_sin_turns(double turns);   /* sin(2 pi turns), any finite turns */
double td_normal_quantile(double p); /* inverse of the standard normal distribution function, 0 < p < 1; |error| < 2e-9 */

#endif
