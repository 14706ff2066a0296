/* How many synapses of each matrix live, were born and died: from a run to its files, and back for `lsnn show`. */
#include "run/synapses.h"

#include "base/file.h"
#include "run/checkpoint.h"
#include "run/evaluate.h"

#include <stdio.h>

static const char key[] = "synapses";

void synapses_write(const model *m, tensor_writer *writer) {
    lsnn_synapse_count c[3];
    char text[512];
    size_t n = 0;
    if (!model_count_synapses(m, c)) {
        return;
    }
    for (int q = 0; q < 3; q++) {
        n += (size_t)snprintf(text + n, sizeof text - n, "%s%lld %lld %lld %lld", q > 0 ? " " : "", (long long)c[q].possible,
                              (long long)c[q].live, (long long)c[q].born, (long long)c[q].died);
    }
    tensor_writer_text(writer, key, text);
}

static bool synapses_read(const tensor_file *file, lsnn_synapse_count counts[3]) {
    const char *text = tensor_file_metadata(file, key);
    for (int q = 0; q < 3; q++) {
        long long number[4];
        int n = 0;
        if (text == NULL || sscanf(text, "%lld %lld %lld %lld%n", &number[0], &number[1], &number[2], &number[3], &n) != 4) {
            return false;
        }
        counts[q] = (lsnn_synapse_count){.possible = number[0], .live = number[1], .born = number[2], .died = number[3]};
        text += n;
    }
    return true;
}

lsnn_status lsnn_run_synapses(const char *run_or_model, lsnn_synapse_count counts[3], bool *rewired) {
    lsnn_status status = LSNN_OK;
    tensor_file *file = NULL;
    char damage[1024], path[1024];
    *rewired = false;
    if (folder_exists(run_or_model)) {
        TRY(checkpoint_open(run_or_model, &file, damage));
    } else {
        TRY(model_find(path, sizeof path, run_or_model));
        TRY(tensor_file_open(&file, path));
    }
    *rewired = file != NULL && synapses_read(file, counts);
out:
    tensor_file_close(file);
    return status;
}
