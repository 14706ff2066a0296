/* Numbers in JSON, which has no word for those that are not finite. */
#ifndef LSNN_BASE_JSON_NUMBER_H
#define LSNN_BASE_JSON_NUMBER_H

#include <jansson.h>
#include <math.h>

/* null for what is not finite. */
static inline json_t *json_of_number(double x) {
    return isfinite(x) ? json_real(x) : json_null();
}
/* NaN for what is no number, or not there. */
static inline double json_number_at(const json_t *object, const char *key) {
    const json_t *value = json_object_get(object, key);
    return json_is_number(value) ? json_number_value(value) : NAN;
}

#endif
