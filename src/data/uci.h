/* The 8 x 8 handwritten digits of E. Alpaydin and C. Kaynak (UCI repository, "Optical Recognition of Handwritten Digits", test part; CC BY 4.0). */
#ifndef LSNN_DATA_UCI_H
#define LSNN_DATA_UCI_H

#include "base/error.h"

enum { UCI_WIDTH = 8, UCI_PIXELS = UCI_WIDTH * UCI_WIDTH, UCI_BRIGHTEST = 16 };

typedef struct uci_digits {
    int64_t n;
    uint8_t *pixels; /* [n][64] 0 (paper) .. 16 (ink), row by row */
    uint8_t *labels; /* [n] 0..9 */
} uci_digits;

/* Reads lines of 64 pixels and the class, with commas between, gzip or not. Errors: IO, MEMORY, DATA (names the line and what is wrong there). */
lsnn_status uci_digits_open(const char *path, uci_digits *out);
void uci_digits_release(uci_digits *digits);

#endif
