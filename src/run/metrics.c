#include "run/metrics.h"

#include "base/file.h"
#include "base/json_number.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

lsnn_status metrics_open(metrics *m, const char *folder, int64_t bytes) {
    lsnn_status status = LSNN_OK;
    *m = (metrics){.bytes = bytes};
    TRY(path_join(m->path, sizeof m->path, folder, "metrics.jsonl"));
    m->file = fopen(m->path, "ae");
    if (m->file == NULL) {
        return fail_errno(LSNN_ERR_IO, "%s can't be written", m->path);
    }
    if (fseeko(m->file, 0, SEEK_END) != 0 || ftello(m->file) < bytes) {
        TRY(fail(LSNN_ERR_DATA, "%s has %lld bytes, the checkpoint knows of %lld; it was changed or cut, and the run can't go on from it",
                 m->path, (long long)ftello(m->file), (long long)bytes));
    }
    if (ftruncate(fileno(m->file), bytes) != 0) {
        TRY(fail_errno(LSNN_ERR_IO, "%s can't be cut to %lld bytes", m->path, (long long)bytes));
    }
    return LSNN_OK;
out:
    metrics_close(m);
    return status;
}

static void set_number(json_t *object, const char *key, double x) {
    json_object_set_new(object, key, json_of_number(x));
}

/* Of each matrix: live now, born and died in this iteration. */
static void set_synapses(json_t *object, const metrics_line *line) {
    static const char *const names[3] = {"w_in", "w_rec", "w_out"};
    json_t *live = json_object();
    json_t *born = json_object();
    json_t *died = json_object();
    for (int q = 0; q < 3; q++) {
        const lsnn_synapse_count *now = &line->synapses[q];
        json_object_set_new(live, names[q], json_integer(now->live));
        json_object_set_new(born, names[q], json_integer(now->born - line->synapses_before[q].born));
        json_object_set_new(died, names[q], json_integer(now->died - line->synapses_before[q].died));
    }
    json_object_set_new(object, "live", live);
    json_object_set_new(object, "born", born);
    json_object_set_new(object, "died", died);
}

lsnn_status metrics_write(metrics *m, const metrics_line *line) {
    json_t *object = json_object();
    json_object_set_new(object, "iteration", json_integer(line->iteration));
    set_number(object, "loss", line->loss);
    set_number(object, "rate_loss", line->rate_loss);
    if (!isnan(line->l2_loss)) {
        set_number(object, "l2_loss", line->l2_loss);
    }
    set_number(object, "rate_hz", line->rate_hz);
    set_number(object, "lr", line->learning_rate);
    set_number(object, "gradient_norm", line->gradient_norm);
    set_number(object, "seconds", line->seconds);
    if (!isnan(line->score)) {
        set_number(object, "score", line->score);
        json_object_set_new(object, "score_name", json_string(line->score_name));
        set_number(object, "valid_loss", line->valid_loss);
    }
    if (line->goals.n_episodes > 0) {
        set_number(object, "goals", line->goals.per_episode);
        set_number(object, "found", line->goals.found);
        set_number(object, "first_goal", line->goals.first_mean);
        set_number(object, "return", line->goals.return_mean);
        set_number(object, "reward", line->goals.reward);
    }
    if (line->rewired) {
        set_synapses(object, line);
    }
    char *text = json_dumps(object, JSON_COMPACT | JSON_REAL_PRECISION(9));
    json_decref(object);
    if (text == NULL) {
        return fail(LSNN_ERR_MEMORY, "no memory for a line of %s", m->path);
    }
    int n = fprintf(m->file, "%s\n", text);
    free(text);
    if (n < 0 || fflush(m->file) != 0) {
        return fail_errno(LSNN_ERR_IO, "%s can't be written; make room and go on with --resume", m->path);
    }
    m->bytes += n;
    return LSNN_OK;
}

lsnn_status metrics_sync(metrics *m) {
    if (fsync(fileno(m->file)) != 0) {
        return fail_errno(LSNN_ERR_IO, "%s can't be written; make room and go on with --resume", m->path);
    }
    return LSNN_OK;
}

void metrics_close(metrics *m) {
    if (m->file != NULL) {
        fclose(m->file);
        m->file = NULL;
    }
}

/* ---- reading ---- */

void score_curve_release(score_curve *curve) {
    free(curve->iteration);
    free(curve->score);
    *curve = (score_curve){0};
}

lsnn_status score_curve_add(score_curve *curve, double iteration, double score) {
    if ((curve->n & (curve->n - 1)) == 0) { /* full: it grows by powers of two */
        size_t room = (curve->n > 0 ? 2 * curve->n : 1) * sizeof(double);
        double *iterations = realloc(curve->iteration, room);
        curve->iteration = iterations != NULL ? iterations : curve->iteration;
        double *scores = realloc(curve->score, room);
        curve->score = scores != NULL ? scores : curve->score;
        if (iterations == NULL || scores == NULL) {
            return fail(LSNN_ERR_MEMORY, "no memory for a curve of scores");
        }
    }
    curve->iteration[curve->n] = iteration;
    curve->score[curve->n++] = score;
    return LSNN_OK;
}

/* The line's score, if there was a validation. */
static lsnn_status read_score(score_curve *out, const char *path, const char *line, size_t n) {
    if (memmem(line, n, "\"score\":", 8) == NULL) {
        return LSNN_OK;
    }
    lsnn_status status = LSNN_OK;
    json_t *object = json_loadb(line, n, 0, NULL);
    const json_t *iteration = json_object_get(object, "iteration"), *score = json_object_get(object, "score");
    if (!json_is_number(iteration) || !(json_is_number(score) || json_is_null(score))) {
        status = fail(LSNN_ERR_DATA, "%s has a damaged line: %.*s; put it right, or start anew with another --out", path,
                      n < 80 ? (int)n : 80, line);
    } else if (json_is_number(score)) {
        status = score_curve_add(out, json_number_value(iteration), json_number_value(score));
    }
    json_decref(object);
    return status;
}

lsnn_status metrics_read_scores(const char *folder, score_curve *out) {
    lsnn_status status = LSNN_OK;
    char path[1024];
    uint8_t *bytes = NULL;
    size_t n;
    *out = (score_curve){0};
    TRY(path_join(path, sizeof path, folder, "metrics.jsonl"));
    if (!file_exists(path)) {
        return LSNN_OK;
    }
    TRY(file_read(path, &bytes, &n));
    const char *at = (const char *)bytes, *end = at + n, *newline;
    for (; (newline = memchr(at, '\n', (size_t)(end - at))) != NULL; at = newline + 1) {
        TRY(read_score(out, path, at, (size_t)(newline - at)));
    }
out:
    if (status != LSNN_OK) {
        score_curve_release(out);
    }
    free(bytes);
    return status;
}
