#include "report.h"

#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int complain(lsnn_status status, const char *format, ...) {
    colour_room red, normal;
    fprintf(stderr, "%slsnn:%s ", colour(stderr, "31", &red), colour(stderr, "0", &normal));
    char text[4096];
    va_list values;
    va_start(values, format);
    vsnprintf(text, sizeof text, format, values);
    va_end(values);
    for (char *at = text; *at != '\0'; at++) { /* one line, whatever words of the user it quotes */
        *at = (unsigned char)*at < ' ' ? ' ' : *at;
    }
    fprintf(stderr, "%s\n", text);
    return lsnn_status_exit_code(status);
}

int report(lsnn_status status) {
    if (status == LSNN_OK) {
        return 0;
    }
    const char *message = lsnn_error();
    return complain(status, "%s", message[0] != '\0' ? message : lsnn_status_meaning(status));
}

void status_each(void (*each)(void *user, lsnn_status status), void *user) {
#define CALL_EACH(name, exit_code, meaning) each(user, LSNN_##name);
    LSNN_STATUS_MAP(CALL_EACH)
#undef CALL_EACH
}

bool is_terminal(FILE *stream) {
    const char *kind = getenv("TERM");
    return isatty(fileno(stream)) && kind != NULL && strcmp(kind, "dumb") != 0;
}

const char *colour(FILE *stream, const char *code, colour_room *room) {
    const char *no_colour = getenv("NO_COLOR");
    room->text[0] = '\0';
    if ((no_colour == NULL || no_colour[0] == '\0') && is_terminal(stream)) {
        snprintf(room->text, sizeof room->text, "\033[%sm", code);
    }
    return room->text;
}

void print_quoted(FILE *stream, const char *word) {
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./=:,+@%";
    if (word[0] != '\0' && word[strspn(word, plain)] == '\0') {
        fputs(word, stream);
        return;
    }
    fputc('\'', stream);
    for (const char *c = word; *c != '\0'; c++) {
        if (*c == '\'') {
            fputs("'\\''", stream);
        } else {
            fputc(*c, stream);
        }
    }
    fputc('\'', stream);
}

/* Accuracies and error rates are fractions of 1; a squared error has the target's unit. */
static bool is_fraction(const char *score_name) {
    return strstr(score_name, "accuracy") != NULL || (strstr(score_name, "error") != NULL && strstr(score_name, "squared") == NULL);
}

const char *format_score(const char *score_name, double score, int decimals, number_room *room) {
    if (is_fraction(score_name)) {
        snprintf(room->text, sizeof room->text, "%.*f %%", decimals, 100.0 * score);
    } else {
        snprintf(room->text, sizeof room->text, "%.4g", score);
    }
    return room->text;
}

const char *format_interval(double interval, number_room *room) {
    room->text[0] = '\0';
    if (!isnan(interval)) {
        snprintf(room->text, sizeof room->text, " +- %.2g", interval);
    }
    return room->text;
}

const char *format_rate(double rate_hz, number_room *room) {
    room->text[0] = '\0';
    if (!isnan(rate_hz)) {
        snprintf(room->text, sizeof room->text, "rate %.1f Hz, ", rate_hz);
    }
    return room->text;
}

const char *format_bytes(double bytes, number_room *room) {
    static const char *const units[] = {"bytes", "kB", "MB", "GB", "TB"};
    size_t unit = 0;
    while (bytes >= 999.5 && unit + 1 < sizeof units / sizeof units[0]) {
        bytes /= 1000.0;
        unit++;
    }
    snprintf(room->text, sizeof room->text, "%.*f %s", unit > 0 && bytes < 99.95 ? 1 : 0, bytes, units[unit]);
    return room->text;
}

const char *format_duration(double seconds, number_room *room) {
    long long whole = seconds > 0.0 && seconds < 1e12 ? llround(seconds) : 0;
    if (whole >= 3600) {
        snprintf(room->text, sizeof room->text, "%lld:%02lld:%02lld", whole / 3600, whole / 60 % 60, whole % 60);
    } else {
        snprintf(room->text, sizeof room->text, "%lld:%02lld", whole / 60, whole % 60);
    }
    return room->text;
}

json_t *json_number(double value) {
    return isfinite(value) ? json_real(value) : json_null();
}

json_t *json_text(const char *text) {
    if (text == NULL) {
        return json_null();
    }
    json_t *json = json_string(text);
    if (json != NULL) {
        return json;
    }
    char *ascii = strdup(text);
    if (ascii == NULL) {
        return NULL;
    }
    for (char *c = ascii; *c != '\0'; c++) {
        if ((unsigned char)*c >= 128) {
            *c = '?';
        }
    }
    json = json_string(ascii);
    free(ascii);
    return json;
}

static json_t *json_row(const double *row) {
    json_t *list = json_array();
    for (int k = 0; k < LSNN_GOALS_IN_A_ROW; k++) {
        json_array_append_new(list, json_number(row[k]));
    }
    return list;
}

json_t *json_goals(const lsnn_goals *goals) {
    return json_pack("{s:I, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "n_episodes", (json_int_t)goals->n_episodes,
                     "per_episode", json_number(goals->per_episode), "per_episode_interval", json_number(goals->per_episode_interval),
                     "found", json_number(goals->found), "first_mean", json_number(goals->first_mean), "first_median",
                     json_number(goals->first_median), "return_mean", json_number(goals->return_mean), "return_median",
                     json_number(goals->return_median), "ratio", json_number(goals->ratio), "reward", json_number(goals->reward),
                     "in_a_row", json_row(goals->in_a_row), "reached", json_row(goals->reached));
}

json_t *json_result(const lsnn_result *result, const char *run, int n_threads) {
    json_t *object =
        json_pack("{s:o, s:I, s:o, s:I, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:I, s:o, s:b, s:o, s:i, s:s}", "experiment",
                  json_text(result->experiment), "seed", (json_int_t)result->seed, "split", json_text(result->split), "n",
                  (json_int_t)result->n, "loss", json_number(result->loss), "score_name", json_text(result->score_name), "score",
                  json_number(result->score), "score_interval", json_number(result->score_interval), "rate_hz",
                  json_number(result->rate_hz), "spikes", json_number(result->spikes), "operations", json_number(result->operations),
                  "iterations", (json_int_t)result->iterations, "seconds", json_number(result->seconds), "was_finished",
                  (int)result->was_finished, "run", json_text(run), "threads", n_threads, "version", lsnn_version());
    if (object != NULL && result->goals.n_episodes > 0) {
        json_object_set_new(object, "goals", json_goals(&result->goals));
    }
    return object;
}

int print_json(json_t *object) {
    if (object == NULL) {
        return complain(LSNN_ERR_MEMORY, "not enough memory for the result");
    }
    int failed = json_dumpf(object, stdout, JSON_COMPACT | JSON_REAL_PRECISION(15));
    json_decref(object);
    putchar('\n');
    return failed && !ferror(stdout) ? complain(LSNN_ERR_MEMORY, "not enough memory for the result") : 0;
}
