/* Recorded order latencies, for the latency model that interpolates between them. */
#ifndef TAPEDECK_DATA_LATENCY_ROWS_H
#define TAPEDECK_DATA_LATENCY_ROWS_H

#include <stdint.h>

#include "base/error.h"

/* Sent, arrived at the exchange (0 or less: rejected there), answered. Nanoseconds since 1970. */
typedef struct td_latency_row {
    int64_t request_ns, exchange_ns, response_ns;
} td_latency_row;

/* CSV with the header request_ns,exchange_ns,response_ns (or hftbacktest's req_ts,exch_ts,resp_ts), or hftbacktest's .npz with an array
 * `data` of those fields. TD_BAD_DATA with file and line when requests are not increasing, an answer comes before its request, or an
 * order arrives before it was sent. At least one row. The caller frees. */
td_status td_latency_rows_read(const char *path, td_latency_row **rows, int64_t *count, td_error *error);

#endif
