/* lsnn sweep. */
#include "study.h"

#include <stdlib.h>
#include <string.h>

int command_sweep(const struct arguments *arguments) {
    struct study study;
    const char *equals = strchr(arguments->over, '=');
    if (equals == NULL || equals == arguments->over) {
        return complain(LSNN_ERR_USAGE, "--over is '%s'; it takes a setting and its values: net.tau_a=300,700,1200", arguments->over);
    }
    char *setting = strndup(arguments->over, (size_t)(equals - arguments->over));
    lsnn_status status = study_begin(&study, arguments);
    if (status == LSNN_OK && setting != NULL) {
        status = lsnn_sweep(arguments->operands[0], setting, equals + 1, study.context, &study.options);
    }
    int code = study_end(&study, status, arguments);
    free(setting);
    return code;
}
