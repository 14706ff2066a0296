#include "net/net.h"

#include <math.h>

void lsnn_net_spec_init(lsnn_net_spec *spec) {
    *spec = (lsnn_net_spec){
        .input = LSNN_SPIKES,
        .dt = 1,
        .tau_m = {.low = 20, .high = 20},
        .tau_a = {.low = 700, .high = 700},
        .beta = {.low = 1.8f, .high = 1.8f},
        .tau_out = 20,
        .r_m = 1,
        .v_th = 0.01f,
        .gamma = 0.3f,
        .n_ref = 0,
        .n_delay = 1,
        .normalise = LSNN_BY_THRESHOLD,
        .bias = true,
        .connectivity = 1,
        .excitatory = -1,
        .excitatory_adaptive = -1,
        .scale_in = 1,
        .scale_rec = 1,
        .seed = 1,
    };
}

static lsnn_status check_number(const char *name, double value, double low, bool low_is_out, double high) {
    if (!(value >= low && value <= high) || (low_is_out && value <= low)) {
        return fail(LSNN_ERR_SETTING, "net.%s is %g; it must be in %s%g, %g]", name, value, low_is_out ? "(" : "[", low, high);
    }
    return LSNN_OK;
}

static lsnn_status check_spread(const char *name, const lsnn_spread *s, int n, double low, bool low_is_out) {
    lsnn_status status = LSNN_OK;
    if (s->values == NULL) {
        TRY(check_number(name, s->low, low, low_is_out, 1e6));
        TRY(check_number(name, s->high, low, low_is_out, 1e6));
        if (s->high < s->low) {
            return fail(LSNN_ERR_SETTING, "net.%s is %g..%g; the first must not be larger than the second", name, (double)s->low,
                        (double)s->high);
        }
    }
    for (int j = 0; s->values != NULL && j < n; j++) {
        TRY(check_number(name, s->values[j], low, low_is_out, 1e6));
    }
out:
    return status;
}

static lsnn_status check_signs(const char *name, const int8_t *signs, int n) {
    for (int i = 0; signs != NULL && i < n; i++) {
        if (signs[i] < -1 || signs[i] > 1) {
            return fail(LSNN_ERR_SETTING, "%s[%d] is %d; it must be -1, 0 or 1", name, i, signs[i]);
        }
    }
    return LSNN_OK;
}

static lsnn_status check_delays(const char *name, const int32_t *delay, size_t n, int low, int high) {
    for (size_t k = 0; delay != NULL && k < n; k++) {
        if (delay[k] < low || delay[k] > high) {
            return fail(LSNN_ERR_SETTING, "%s[%zu] is %d; it must be in %d..%d steps (see n_delay)", name, k, (int)delay[k], low, high);
        }
    }
    return LSNN_OK;
}

lsnn_status net_spec_check(const lsnn_net_spec *spec) {
    lsnn_status status = LSNN_OK;
    const double none = 65535;
    TRY(check_number("n_in", spec->n_in, 1, false, none));
    TRY(check_number("n_lif", spec->n_lif, 0, false, none));
    TRY(check_number("n_adaptive", spec->n_adaptive, 0, false, none));
    TRY(check_number("n_out", spec->n_out, 1, false, none));
    int n_rec = spec->n_lif + spec->n_adaptive;
    if (n_rec < 1 || n_rec > 65535) {
        return fail(LSNN_ERR_SETTING, "net.n_lif + net.n_adaptive is %d; a network has 1..65535 recurrent neurons", n_rec);
    }
    TRY(check_number("dt", spec->dt, 0, true, 1000));
    TRY(check_spread("tau_m", &spec->tau_m, n_rec, 0, true));
    TRY(check_spread("tau_a", &spec->tau_a, n_rec, 0, true));
    TRY(check_spread("beta", &spec->beta, n_rec, 0, false));
    TRY(check_number("tau_out", spec->tau_out, 0, false, 1e6));
    TRY(check_number("r_m", spec->r_m, 0, true, 1e6));
    TRY(check_number("v_th", spec->v_th, 0, true, 1e6));
    TRY(check_number("gamma", spec->gamma, 0, true, 10));
    TRY(check_number("n_ref", spec->n_ref, 0, false, 1000));
    TRY(check_number("n_delay", spec->n_delay, 1, false, 256));
    TRY(check_number("connectivity", spec->connectivity, 0, true, 1));
    TRY(check_number("excitatory", spec->excitatory, -1, false, 1));
    TRY(check_number("excitatory_adaptive", spec->excitatory_adaptive, -1, false, 1));
    TRY(check_number("noise", spec->noise, 0, false, 1e6));
    TRY(check_number("scale_in", spec->scale_in, 0, false, 1e6));
    TRY(check_number("scale_rec", spec->scale_rec, 0, false, 1e6));
    if (spec->init != LSNN_INIT_NORMAL && spec->init != LSNN_INIT_BALANCED) {
        TRY(fail(LSNN_ERR_SETTING, "net.init is %d; it must be LSNN_INIT_NORMAL or LSNN_INIT_BALANCED", (int)spec->init));
    }
    if (spec->init == LSNN_INIT_BALANCED && spec->excitatory < 0) {
        TRY(fail(LSNN_ERR_SETTING,
                 "net.init is balanced, but signs are free; set net.excitatory (0.75 in the paper), or net.init to normal"));
    }
    if (spec->input != LSNN_SPIKES && spec->input != LSNN_CURRENTS) {
        TRY(fail(LSNN_ERR_SETTING, "net.input is %d; it must be LSNN_SPIKES or LSNN_CURRENTS", (int)spec->input));
    }
    if (spec->normalise != LSNN_BY_THRESHOLD && spec->normalise != LSNN_BY_BASELINE) {
        TRY(fail(LSNN_ERR_SETTING, "net.normalise is %d; it must be LSNN_BY_THRESHOLD or LSNN_BY_BASELINE", (int)spec->normalise));
    }
    TRY(check_signs("sign_in", spec->sign_in, spec->n_in));
    TRY(check_signs("sign_rec", spec->sign_rec, n_rec));
    TRY(check_delays("delay_in", spec->delay_in, (size_t)n_rec * (size_t)spec->n_in, 0, spec->n_delay - 1));
    TRY(check_delays("delay_rec", spec->delay_rec, (size_t)n_rec * (size_t)n_rec, 1, spec->n_delay));
out:
    return status;
}
