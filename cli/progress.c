#include "progress.h"

#include <langinfo.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "report.h"

enum { PLAIN_COLUMNS = 99, BAR_COLUMNS = 24, BAR_COLUMNS_MIN = 6 };
static const double REDRAW_SECONDS = 0.1, PLAIN_SECONDS = 10.0;

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

static int terminal_columns(void) {
    struct winsize size;
    return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

void progress_init(struct progress *progress, bool is_quiet, const volatile int *stop) {
    *progress = (struct progress){
        .is_quiet = is_quiet,
        .is_terminal = is_terminal(stderr),
        .is_utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0,
        .shown_at = now() - REDRAW_SECONDS, /* a terminal sees the first state, a log only the later ones */
        .stop = stop,
    };
}

void progress_end(struct progress *progress) {
    if (progress->is_open) {
        fputc('\n', stderr);
        progress->is_open = false;
    }
}

/* Is it time for a line? `is_news`: a log wants to have this one. */
static bool is_due(struct progress *progress, bool is_news, bool is_last) {
    if (progress->is_quiet) {
        return false;
    }
    double time = now(), since = time - progress->shown_at;
    bool is_due = progress->is_terminal ? is_last || since >= REDRAW_SECONDS : is_news || since >= PLAIN_SECONDS;
    if (is_due) {
        progress->shown_at = time;
    }
    return is_due;
}

static void print_bar(const struct progress *progress, double fraction, int columns) {
    colour_room green, faint, normal;
    int n_full = (int)(fraction * columns);
    fputs(colour(stderr, "32", &green), stderr);
    for (int i = 0; i < columns; i++) {
        if (i == n_full) {
            fputs(colour(stderr, "2", &faint), stderr);
        }
        fputs(progress->is_utf8 ? (i < n_full ? "━" : "─") : (i < n_full ? "#" : "."), stderr);
    }
    fputs(colour(stderr, "0", &normal), stderr);
    fputc(' ', stderr);
}

/* Rewrites the terminal's line: percent, a bar where there is room for one, and as much of the text as fits. */
static void draw(struct progress *progress, double fraction, const char *text) {
    int columns = terminal_columns() - 1; /* the last column would wrap */
    int bar = columns - 6 - (int)strlen(text);
    bar = bar > BAR_COLUMNS ? BAR_COLUMNS : bar;
    fputs("\r\033[K", stderr);
    if (columns >= 5) {
        fprintf(stderr, "%3d%% ", (int)(100.0 * fraction));
        columns -= 5;
    }
    if (bar >= BAR_COLUMNS_MIN) {
        print_bar(progress, fraction, bar);
        columns -= bar + 1;
    }
    fprintf(stderr, "%.*s", columns, text);
    fflush(stderr);
    progress->is_open = true;
}

/* Appends to text[size]; what does not fit is cut. */
static void append(char *text, size_t size, const char *addition) {
    size_t length = strlen(text);
    snprintf(text + length, size - length, "%s%s", length > 0 ? "  " : "", addition);
}

static void describe(char *text, size_t size, const lsnn_progress *state) {
    char part[80];
    number_room room;
    text[0] = '\0';
    snprintf(part, sizeof part, "loss %.4g", state->loss);
    append(text, size, part);
    if (!isnan(state->score) && state->score_name != NULL) {
        snprintf(part, sizeof part, "%s %s", state->score_name, format_score(state->score_name, state->score, 1, &room));
        append(text, size, part);
    }
    if (!isnan(state->rate_hz)) {
        snprintf(part, sizeof part, "%.1f Hz", state->rate_hz);
        append(text, size, part);
    }
    double speed = state->iterations_a_second;
    if (isfinite(speed) && speed > 0.0) {
        snprintf(part, sizeof part, speed < 1.0 ? "%.1f s/it" : "%.1f it/s", speed < 1.0 ? 1.0 / speed : speed);
        append(text, size, part);
    }
    if (isfinite(state->seconds_left)) {
        snprintf(part, sizeof part, "%s left", format_duration(state->seconds_left, &room));
        append(text, size, part);
    }
}

void progress_iteration(void *user, const lsnn_progress *state) {
    struct progress *progress = user;
    bool is_last = state->iteration >= state->n_iterations;
    if (!is_due(progress, state->validated, is_last)) {
        return;
    }
    double fraction = is_last ? 1.0 : (double)state->iteration / (double)state->n_iterations;
    char text[PLAIN_COLUMNS + 1];
    describe(text, sizeof text, state);
    if (progress->is_terminal) {
        draw(progress, fraction, text);
    } else {
        char line[PLAIN_COLUMNS + 1];
        snprintf(line, sizeof line, "%lld/%lld", (long long)state->iteration, (long long)state->n_iterations);
        append(line, sizeof line, text);
        fprintf(stderr, "%s\n", line);
    }
}

void progress_message(void *user, const char *text) {
    struct progress *progress = user;
    if (progress->is_open) {
        fputs("\r\033[K", stderr);
        progress->is_open = false;
        progress->shown_at -= REDRAW_SECONDS;
    }
    fprintf(stderr, "%s\n", text);
}

int progress_download(void *user, const char *file, int64_t bytes, int64_t bytes_total) {
    struct progress *progress = user;
    bool is_last = bytes_total > 0 && bytes >= bytes_total;
    if (is_due(progress, false, is_last)) {
        char text[PLAIN_COLUMNS + 1];
        number_room room, room_total;
        snprintf(text, sizeof text, "%.60s  %s of %s", file, format_bytes((double)bytes, &room),
                 bytes_total > 0 ? format_bytes((double)bytes_total, &room_total) : "?");
        if (progress->is_terminal) {
            draw(progress, bytes_total > 0 ? (double)bytes / (double)bytes_total : 0.0, text);
        } else {
            fprintf(stderr, "%s\n", text);
        }
    }
    return progress->stop != NULL && *progress->stop != 0;
}
