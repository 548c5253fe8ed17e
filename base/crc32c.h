/* CRC-32C (Castagnoli), the checksum of journal frames. Polynomial 0x1EDC6F41 reflected, initial and final inversion
 * (RFC 3720 appendix B.4: crc of "123456789" is 0xE3069283). */
#ifndef TAPEDECK_BASE_CRC32C_H
#define TAPEDECK_BASE_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/* Continues from crc (0 to start) over size bytes. */
uint32_t td_crc32c(uint32_t crc, const void *data, size_t size);

#endif
