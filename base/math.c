/* See math.h. Series and reductions are the textbook ones (Muller, Elementary Functions, 2nd ed., chapters 4 and 9):
 * log by the area-tangent series on [sqrt(1/2), sqrt(2)), exp by reduction with a two-part ln 2 and a Taylor polynomial. */
#include "base/math.h"

#include <math.h>

#include "base/bits.h"

/* ln 2 in two parts: the first has 21 trailing zero bits, so k * LN2_HIGH is exact for |k| < 2^20 */
static const double LN2_HIGH = 0x1.62e42feep-1;
static const double LN2_LOW = 0x1.a39ef35793c76p-33;

/* (2/3) s^2 + (2/5) s^4 + ... so that log((1+s)/(1-s)) = s * (2 + this); |s| <= 0.1716 */
static double atanh_tail(double z) {
    double sum = 2.0 / 25;
    sum = sum * z + 2.0 / 23;
    sum = sum * z + 2.0 / 21;
    sum = sum * z + 2.0 / 19;
    sum = sum * z + 2.0 / 17;
    sum = sum * z + 2.0 / 15;
    sum = sum * z + 2.0 / 13;
    sum = sum * z + 2.0 / 11;
    sum = sum * z + 2.0 / 9;
    sum = sum * z + 2.0 / 7;
    sum = sum * z + 2.0 / 5;
    sum = sum * z + 2.0 / 3;
    return sum * z;
}

/* log(1 + f) for f in [sqrt(1/2) - 1, sqrt(2) - 1], plus k ln 2. log(1+f) = f - (f^2/2 - s (f^2/2 + tail)) keeps f exact. */
static double log_reduced(double f, double k, double correction) {
    double s = f / (2 + f), half_square = 0.5 * f * f;
    double rest = s * (half_square + atanh_tail(s * s));
    return k * LN2_HIGH - ((half_square - (rest + (k * LN2_LOW + correction))) - f);
}

double td_log(double x) {
    if (isnan(x) || x < 0) return NAN;
    if (x == 0) return -INFINITY;
    if (isinf(x)) return x;
    int64_t k = 0;
    if (x < 0x1p-1022) {
        x *= 0x1p54;
        k = -54;
    }
    uint64_t bits = td_bits_of(x);
    k += (int64_t)(bits >> 52) - 1023;
    double m = td_double_of((bits & 0xfffffffffffffull) | 0x3ff0000000000000ull);
    if (m > 0x1.6a09e667f3bcdp0) {
        m *= 0.5;
        k += 1;
    }
    return log_reduced(m - 1, (double)k, 0);
}

double td_log1p(double x) {
    if (isnan(x) || x < -1) return NAN;
    if (x == -1) return -INFINITY;
    if (isinf(x)) return x;
    if (x > -0.29 && x < 0.41) return log_reduced(x, 0, 0);
    double u = 1 + x, lost = x > 1 ? 1 - (u - x) : x - (u - 1); /* what rounding 1 + x dropped */
    return td_log(u) + lost / u;
}

double td_exp(double x) {
    if (isnan(x)) return x;
    if (x > 709.782712893384) return INFINITY;
    if (x < -745.133219101941) return 0;
    double k = floor(x * 1.4426950408889634 + 0.5);
    double high = x - k * LN2_HIGH, low = k * LN2_LOW, r = high - low;
    /* e^r - 1 - r by Taylor to r^14, |r| <= 0.347 */
    double sum = 1.0 / 87178291200.0;
    sum = sum * r + 1.0 / 6227020800.0;
    sum = sum * r + 1.0 / 479001600.0;
    sum = sum * r + 1.0 / 39916800.0;
    sum = sum * r + 1.0 / 3628800.0;
    sum = sum * r + 1.0 / 362880.0;
    sum = sum * r + 1.0 / 40320.0;
    sum = sum * r + 1.0 / 5040.0;
    sum = sum * r + 1.0 / 720.0;
    sum = sum * r + 1.0 / 120.0;
    sum = sum * r + 1.0 / 24.0;
    sum = sum * r + 1.0 / 6.0;
    sum = sum * r + 0.5;
    double tail = ((high - r) - low) + sum * (r * r);
    double y = 1 + (r + tail);
    int64_t n = (int64_t)k;
    if (n < -1021) return y * 0x1p-1000 * td_double_of((uint64_t)(n + 1000 + 1023) << 52);
    if (n > 1023) return y * 2 * 0x1p1023;
    return y * td_double_of((uint64_t)(n + 1023) << 52);
}

double td_pow(double x, double y) {
    if (y == 0 || x == 1) return 1;
    if (isnan(x) || isnan(y) || x < 0) return NAN;
    if (x == 0) return y > 0 ? 0 : INFINITY;
    /* y log x as a sum of two numbers, so that large |y log x| loses nothing: split log x by its own rounding residue */
    int exponent;
    double m = frexp(x, &exponent);
    if (m < 0x1.6a09e667f3bcdp-1) {
        m *= 2;
        exponent--;
    }
    double f = m - 1, logm = log_reduced(f, 0, 0), k = exponent;
    double head = y * (k * LN2_HIGH), body = y * (k * LN2_LOW + logm);
    if (!isfinite(head) || !isfinite(body)) return td_exp(y * td_log(x));
    double sum = head + body, error = (fabs(head) > fabs(body)) ? (head - sum) + body : (body - sum) + head;
    double result = td_exp(sum);
    return isfinite(result) ? result + result * error : result;
}

double td_sin_turns(double turns) {
    double t = turns - floor(turns); /* [0, 1) */
    double sign = 1;
    if (t >= 0.5) {
        t -= 0.5;
        sign = -1;
    }
    if (t > 0.25) t = 0.5 - t;
    double x = t * 6.283185307179586, z = x * x;
    double sum = -1.0 / 121645100408832000.0;
    sum = sum * z + 1.0 / 355687428096000.0;
    sum = sum * z - 1.0 / 1307674368000.0;
    sum = sum * z + 1.0 / 6227020800.0;
    sum = sum * z - 1.0 / 39916800.0;
    sum = sum * z + 1.0 / 362880.0;
    sum = sum * z - 1.0 / 5040.0;
    sum = sum * z + 1.0 / 120.0;
    sum = sum * z - 1.0 / 6.0;
    return sign * (x + x * z * sum);
}

/* Complementary error function by its continued fraction (large x) or series (small x), good to 1e-14 relative. */
static double erfc_positive(double x) {
    if (x < 2) {
        double term = x, sum = x;
        for (int n = 1; n < 60; n++) {
            term *= -x * x / n;
            sum += term / (2 * n + 1);
        }
        return 1 - 1.1283791670955126 * sum;
    }
    double fraction = 0;
    for (int n = 60; n > 0; n--) fraction = 0.5 * n / (x + fraction);
    return td_exp(-x * x) / ((x + fraction) * 1.7724538509055159);
}

double td_normal_quantile(double p) {
    if (!(p > 0 && p < 1)) return p == 0 ? -INFINITY : p == 1 ? INFINITY : NAN;
    if (p == 0.5) return 0;
    double tail = p < 0.5 ? p : 1 - p;
    /* start: Hastings' rational approximation (Abramowitz and Stegun 26.2.23), |error| < 4.5e-4; then Halley twice */
    double t = sqrt(-2 * td_log(tail));
    double x = t - (2.515517 + t * (0.802853 + t * 0.010328)) / (1 + t * (1.432788 + t * (0.189269 + t * 0.001308)));
    for (int i = 0; i < 2; i++) {
        double excess = 0.5 * erfc_positive(x * 0.7071067811865476) - tail;
        double step = excess / (0.3989422804014327 * td_exp(-0.5 * x * x));
        x += step / (1 - 0.5 * x * step);
    }
    return p < 0.5 ? -x : x;
}
