#include "run/metrics.h"

#include "base/file.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
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

/* null for what JSON can't say */
static void set_number(json_t *object, const char *key, double x) {
    json_object_set_new(object, key, isfinite(x) ? json_real(x) : json_null());
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
    set_number(object, "rate_hz", line->rate_hz);
    set_number(object, "lr", line->learning_rate);
    set_number(object, "gradient_norm", line->gradient_norm);
    set_number(object, "seconds", line->seconds);
    if (!isnan(line->score)) {
        set_number(object, "score", line->score);
        json_object_set_new(object, "score_name", json_string(line->score_name));
        set_number(object, "valid_loss", line->valid_loss);
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
