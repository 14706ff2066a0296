#include "figure/score_scale.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

score_scale score_scale_of(const char *score_name) {
    bool accuracy = strstr(score_name, "accuracy") != NULL;
    bool error = strstr(score_name, "error") != NULL && strstr(score_name, "squared error") == NULL;
    bool gain = strstr(score_name, "an episode") != NULL;
    return (score_scale){
        .percent = accuracy || error, .accuracy = accuracy, .gain = gain, .low = INFINITY, .high = -INFINITY, .least = INFINITY};
}

double score_shown(const score_scale *scale, double score) {
    return scale->percent ? 100 * score : score;
}

/* From perfect: what an accuracy lacks to 100 %, or the error. */
static double distance_of(const score_scale *scale, double shown) {
    return scale->accuracy ? 100 - shown : shown;
}

void score_take_in(score_scale *scale, double score) {
    double shown = score_shown(scale, score), distance = distance_of(scale, shown);
    if (isfinite(shown)) {
        scale->low = fmin(scale->low, shown);
        scale->high = fmax(scale->high, shown);
        scale->least = distance > 0 ? fmin(scale->least, distance) : scale->least;
    }
}

static double best_distance(const score_scale *scale) {
    return distance_of(scale, scale->accuracy ? scale->high : scale->low);
}

static double worst_distance(const score_scale *scale) {
    return distance_of(scale, scale->accuracy ? scale->low : scale->high);
}

static bool is_logarithmic(const score_scale *scale) {
    double worst = worst_distance(scale);
    return !scale->gain && isfinite(worst) && worst >= 4 * scale->least && best_distance(scale) >= 0;
}

axis score_axis(const score_scale *scale) {
    const double room = 1.2;
    if (is_logarithmic(scale)) {
        double worst = worst_distance(scale), near = scale->least / (best_distance(scale) > 0 ? room : 2);
        double far = fmin(worst * room, scale->percent ? fmax(worst, 100) : 1e300);
        return scale->accuracy ? (axis){.low = 100 - far, .high = 100 - near, .logarithmic = true, .to_hundred = true}
                               : (axis){.low = near, .high = far, .logarithmic = true};
    }
    axis all = axis_around(scale->low, scale->high);
    all.low = scale->low >= 0 ? fmax(all.low, 0) : all.low;
    all.high = scale->percent && scale->low <= scale->high && scale->high <= 100 ? fmin(all.high, 100) : all.high;
    all.high = scale->percent && scale->low > scale->high ? 100 : all.high;
    return all;
}

void score_text(const score_scale *scale, char *out, size_t size, double score) {
    double shown = score_shown(scale, score), distance = fabs(distance_of(scale, shown));
    if (scale->percent && distance < 1e6) {
        number_fixed_text(out, size, shown, distance > 0 && distance < 0.995 ? 2 : 1);
    } else {
        number_text(out, size, isfinite(shown) ? shown : score, 3);
    }
}

void score_label(const score_scale *scale, char *out, size_t size, const char *before, const char *score_name) {
    bool perfect = is_logarithmic(scale) && best_distance(scale) <= 0;
    snprintf(out, size, "%s%s%s%s%s", before, before[0] != '\0' ? " " : "", score_name[0] != '\0' ? score_name : "score",
             scale->percent ? " (%)" : "",
             !perfect          ? ""
             : scale->accuracy ? "; 100 at the end"
                               : "; 0 at the end");
    out[0] = (char)toupper((unsigned char)out[0]);
}

bool score_better(const score_scale *scale, double a, double b) {
    return isnan(b) ? !isnan(a) : scale->accuracy || scale->gain ? a > b : a < b;
}
