#include "config/options.h"

#include <errno.h>
#include <limits.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define IMAGES   "digits,smnist"
#define RECALL   "store-recall"
#define ARRAYS   "arrays"
#define BOTHWAYS "store-recall,digits,smnist,arrays,timit,speech-digits" /* tasks whose samples may be seen from their end */
#define LENGTHS  "arrays,timit,speech-digits"                            /* tasks whose samples may have different lengths */
#define L2L      "l2l-teacher,l2l-sinusoid,l2l-own"
#define RL       "navigation,rl-own"
#define NAVIGATE "navigation"
#define TIMIT    "timit"
#define DIGITS   "speech-digits"
#define SPEECH   "timit,speech-digits"
#define SPIKING  "lsnn"
#define BASELINE "lstm,rnn"

/* clang-format off: one row a setting */
static const option table[] = {
    /* key, type, default, minimum, maximum, bounds, choices, unit, help, tasks, kinds */
    {"task", OPTION_CHOICE, NULL, 0, 0, NULL,
     "store-recall|digits|smnist|arrays|l2l-teacher|l2l-sinusoid|l2l-own|navigation|rl-own|timit|speech-digits", "",
     "what is learned: which inputs are shown, and what the loss and the score are", NULL, NULL},
    {"seed", OPTION_INT, "1", 0, 4611686018427387904.0, "[]", NULL, "",
     "seed of everything that is drawn: weights, delays, order of the samples, noise", NULL, NULL},

    {"net.kind", OPTION_CHOICE, "lsnn", 0, 0, NULL, "lsnn|lstm|rnn", "",
     "what the network is made of: spiking neurons, or, to compare with, LSTM or tanh units", NULL, NULL},
    {"net.n_units", OPTION_INT, "128", 1, 60000, "[]", NULL, "", "number of LSTM or tanh units", NULL, BASELINE},
    {"net.forget_bias", OPTION_REAL, "1", -100, 100, "[]", NULL, "", "initial bias of the LSTM's forget gates", NULL, "lstm"},
    {"net.n_lif", OPTION_INT, "120", 0, 60000, "[]", NULL, "", "number of LIF neurons (leaky integrate-and-fire)", NULL, SPIKING},
    {"net.n_adaptive", OPTION_INT, "100", 0, 60000, "[]", NULL, "",
     "number of adaptive LIF neurons, whose threshold rises with each spike of theirs", NULL, SPIKING},
    {"net.bidirectional", OPTION_BOOL, "false", 0, 0, NULL, "true|false", "",
     "two networks of this size, one of which sees each sequence from its end; their outputs are added", BOTHWAYS, NULL},
    {"net.dt", OPTION_REAL, "1", 0, 1000, "(]", NULL, "ms", "length of a simulation step", NULL, NULL},
    {"net.tau_m", OPTION_SPREAD, "20", 0, 1e6, "(]", NULL, "ms", "membrane time constant; a list has one value for each recurrent neuron",
     NULL, SPIKING},
    {"net.tau_a", OPTION_SPREAD, "700", 0, 1e6, "(]", NULL, "ms",
     "time constant of the threshold's adaptation; a list has one value for each adaptive neuron", NULL, SPIKING},
    {"net.beta", OPTION_SPREAD, "1.8", 0, 1e4, "[]", NULL, "",
     "strength of the threshold's adaptation; a list has one value for each adaptive neuron", NULL, SPIKING},
    {"net.tau_out", OPTION_REAL, "20", 0, 1e6, "[]", NULL, "ms",
     "time constant of the readout's leaky trace of the spikes; 0: no trace, the spikes of the step alone", NULL, SPIKING},
    {"net.r_m", OPTION_REAL, "1", 0, 1e6, "(]", NULL, "", "membrane resistance, which scales every current into a neuron", NULL, SPIKING},
    {"net.v_th", OPTION_REAL, "0.01", 0, 1e6, "(]", NULL, "", "baseline firing threshold", NULL, SPIKING},
    {"net.gamma", OPTION_REAL, "0.3", 0, 10, "(]", NULL, "", "height of the pseudo-derivative, which dampens the gradient through a spike",
     NULL, SPIKING},
    {"net.n_ref", OPTION_INT, "5", 0, 1000, "[]", NULL, "steps", "refractory time: steps without a spike after a spike", NULL, SPIKING},
    {"net.n_delay", OPTION_INT, "10", 1, 256, "[]", NULL, "steps",
     "longest synaptic delay D: recurrent delays are drawn from 1..D, input delays from 0..D-1", NULL, SPIKING},
    {"net.normalise", OPTION_CHOICE, "threshold", 0, 0, NULL, "threshold|baseline", "",
     "distance to threshold in the pseudo-derivative: divided by the adapted threshold, or by the baseline", NULL, SPIKING},
    {"net.detach_reset", OPTION_BOOL, "false", 0, 0, NULL, "true|false", "", "stop the gradient through the reset after a spike", NULL,
     SPIKING},
    {"net.bias", OPTION_BOOL, "true", 0, 0, NULL, "true|false", "", "give each output a trained bias", NULL, SPIKING},
    {"net.connectivity", OPTION_REAL, "1", 0, 1, "(]", NULL, "", "fraction of the possible synapses that exist, drawn at random", NULL,
     SPIKING},
    {"net.excitatory", OPTION_REAL, "-1", -1, 1, "[]", NULL, "",
     "Dale's law: fraction of excitatory neurons, the others are inhibitory; -1: no law, signs are free", NULL, SPIKING},
    {"net.excitatory_adaptive", OPTION_REAL, "-1", -1, 1, "[]", NULL, "",
     "Dale's law: fraction of excitatory neurons among the adaptive ones, if it differs; -1: as net.excitatory", NULL, SPIKING},
    {"net.noise", OPTION_REAL, "0", 0, 1e3, "[]", NULL, "", "standard deviation of the Gaussian noise current into each neuron; 0: none",
     NULL, SPIKING},
    {"net.noise_trainable", OPTION_BOOL, "false", 0, 0, NULL, "true|false", "", "train each neuron's size of the noise", NULL, SPIKING},
    {"net.init", OPTION_CHOICE, "normal", 0, 0, NULL, "normal|balanced", "",
     "initial weights: normal; or for Dale's law, each neuron's excitation and inhibition in balance", NULL, SPIKING},
    {"net.scale_in", OPTION_REAL, "1", 0, 1e3, "[]", NULL, "", "factor on the initial input weights", NULL, NULL},
    {"net.scale_rec", OPTION_REAL, "1", 0, 1e3, "[]", NULL, "", "factor on the initial recurrent weights", NULL, NULL},

    {"rewire.connectivity", OPTION_REAL, "0", 0, 1, "[)", NULL, "",
     "DEEP R: fraction of all input, recurrent and readout synapses that is connected at any time; 0: no rewiring", NULL, SPIKING},
    {"rewire.l1", OPTION_REAL, "0.01", 0, 1e6, "[]", NULL, "", "DEEP R: pull of every connected weight towards 0, times the learning rate",
     NULL, SPIKING},
    {"rewire.temperature", OPTION_REAL, "0", 0, 1e6, "[]", NULL, "",
     "DEEP R: temperature T; each weight takes noise of size sqrt(2 T learning rate) at each step", NULL, SPIKING},
    {"rewire.soft", OPTION_BOOL, "false", 0, 0, NULL, "true|false", "",
     "DEEP R without a fixed count: noise alone keeps about rewire.connectivity connected; needs l1 and temperature above 0", NULL,
     SPIKING},
    {"rewire.gradients", OPTION_CHOICE, "connected", 0, 0, NULL, "connected|all", "",
     "DEEP R: gradients of connected synapses alone, or of the dormant ones too, which costs dense arithmetic", NULL, SPIKING},

    {"loss.rate_strength", OPTION_REAL, "0.1", 0, 1e9, "[]", NULL, "", "strength of the firing rate regularisation; 0: none", NULL,
     SPIKING},
    {"loss.rate_target", OPTION_REAL, "10", 0, 1000, "[]", NULL, "Hz", "firing rate that the regularisation pulls every neuron towards",
     NULL, SPIKING},
    {"loss.l2", OPTION_REAL, "0", 0, 1e6, "[]", NULL, "",
     "strength of the pull of every weight towards 0: times the sum of squared weights", NULL, NULL},

    {"train.iterations", OPTION_INT, "1000", 0, 1e9, "[]", NULL, "iterations", "length of the training, in updates of the weights", NULL,
     NULL},
    {"train.batch", OPTION_INT, "256", 1, 65536, "[]", NULL, "", "sequences an iteration", NULL, NULL},
    {"train.length_group", OPTION_INT, "16", 1, 10000, "[]", NULL, "",
     "batches whose samples are sorted by length together, so that little time goes to filling up the shorter ones; 1: as they come",
     LENGTHS, NULL},
    {"train.lr", OPTION_REAL, "0.01", 0, 10, "(]", NULL, "", "learning rate of Adam at the start", NULL, NULL},
    {"train.lr_schedule", OPTION_CHOICE, "step", 0, 0, NULL, "step|cosine|constant", "",
     "how the learning rate falls: by lr_factor every lr_every iterations, along a half cosine to lr_end times its start, or not", NULL,
     NULL},
    {"train.lr_factor", OPTION_REAL, "0.8", 0, 1, "(]", NULL, "", "factor on the learning rate at each step of the step schedule", NULL,
     NULL},
    {"train.lr_every", OPTION_INT, "2500", 1, 1e9, "[]", NULL, "iterations", "time between the steps of the step schedule", NULL, NULL},
    {"train.lr_end", OPTION_REAL, "0", 0, 1, "[]", NULL, "",
     "what the cosine leaves of the learning rate at its end, as a part of its start", NULL, NULL},
    {"train.lr_warmup", OPTION_INT, "0", 0, 1e9, "[]", NULL, "iterations", "time over which the learning rate first rises from 0 in a line",
     NULL, NULL},
    {"train.beta1", OPTION_REAL, "0.9", 0, 1, "[)", NULL, "", "Adam's decay of the mean gradient", NULL, NULL},
    {"train.beta2", OPTION_REAL, "0.999", 0, 1, "[)", NULL, "", "Adam's decay of the mean squared gradient", NULL, NULL},
    {"train.epsilon", OPTION_REAL, "1e-8", 0, 1, "(]", NULL, "", "Adam's small number in the denominator", NULL, NULL},
    {"train.clip", OPTION_REAL, "0", 0, 1e9, "[]", NULL, "", "longest gradient: a longer one is scaled down to this norm; 0: never", NULL,
     NULL},
    {"train.carry_state", OPTION_BOOL, "false", 0, 0, NULL, "true|false", "",
     "start each iteration from the network state in which the one before ended, not at rest", NULL, NULL},
    {"train.valid_every", OPTION_INT, "100", 1, 1e9, "[]", NULL, "iterations", "time between validations", NULL, NULL},
    {"train.valid_batches", OPTION_INT, "20", 1, 1e6, "[]", NULL, "",
     "batches a validation draws where data are generated; data from files are used whole", NULL, NULL},
    {"train.test_batches", OPTION_INT, "20", 1, 1e6, "[]", NULL, "",
     "batches the final test draws where data are generated; data from files are used whole", NULL, NULL},
    {"train.checkpoint_every", OPTION_INT, "100", 1, 1e9, "[]", NULL, "iterations", "time between checkpoints", NULL, NULL},
    {"train.stop_score", OPTION_REAL, "-1", -1, 1e9, "[]", NULL, "", "stop early once the validation score is this good; -1: never", NULL,
     NULL},
    {"train.patience", OPTION_INT, "0", 0, 1e6, "[]", NULL, "",
     "stop early after so many validations in a row without a better score than the best; 0: never", NULL, NULL},

    {"image.pixel_ms", OPTION_INT, "1", 1, 100, "[]", NULL, "ms", "time that each pixel is shown", IMAGES, NULL},
    {"image.coding", OPTION_CHOICE, "crossings", 0, 0, NULL, "crossings|pixels", "",
     "how pixels reach the network: as spikes where grey levels are crossed, or as one number from 0 to 1", IMAGES, NULL},
    {"image.n_thresholds", OPTION_INT, "40", 2, 256, "[]", NULL, "",
     "grey levels whose crossings, up and down, are spikes of the input neurons", IMAGES, NULL},
    {"image.cue_ms", OPTION_INT, "56", 0, 10000, "[]", NULL, "ms", "time after the image during which the cue input is on", IMAGES, NULL},
    {"image.readout_ms", OPTION_INT, "28", 1, 10000, "[]", NULL, "ms",
     "last part of the sequence over which the outputs are averaged; with crossings, a part of the cue", IMAGES, NULL},
    {"image.permuted", OPTION_BOOL, "false", 0, 0, NULL, "true|false", "", "show the pixels in one fixed random order", IMAGES, NULL},
    {"image.shift", OPTION_INT, "0", 0, 8, "[]", NULL, "pixels",
     "training images are moved at random by up to so many pixels each way, anew each time", IMAGES, NULL},
    {"image.jitter", OPTION_REAL, "0", 0, 1, "[]", NULL, "",
     "training pixels are changed at random by up to this part of the full brightness, anew each time", IMAGES, NULL},
    {"image.n_valid", OPTION_INT, "200", 1, 50000, "[]", NULL, "", "training images that are set aside for validation", IMAGES, NULL},
    {"image.n_test", OPTION_INT, "300", 1, 1500, "[]", NULL, "", "images that are held out for the test", "digits", NULL},

    {"store-recall.symbol_ms", OPTION_INT, "200", 1, 10000, "[]", NULL, "ms", "time that each symbol is shown", RECALL, NULL},
    {"store-recall.n_symbols", OPTION_INT, "12", 2, 1000, "[]", NULL, "", "symbols a sequence", RECALL, NULL},
    {"store-recall.n_group", OPTION_INT, "25", 1, 1000, "[]", NULL, "",
     "input neurons in each of the four groups: value 0, value 1, store, recall", RECALL, NULL},
    {"store-recall.rate", OPTION_REAL, "50", 0, 1000, "(]", NULL, "Hz", "Poisson firing rate of an input group while it is on", RECALL,
     NULL},
    {"store-recall.p_command", OPTION_REAL, "0.142857142857", 0, 1, "(]", NULL, "",
     "probability that a symbol comes with a command, store or recall", RECALL, NULL},

    {"arrays.file", OPTION_TEXT, "", 0, 0, NULL, NULL, "", "safetensors file that holds both arrays; empty: each is a .npy file", ARRAYS,
     NULL},
    {"arrays.inputs", OPTION_TEXT, "inputs", 0, 0, NULL, NULL, "", "name of the inputs in arrays.file, or path of a .npy file", ARRAYS,
     NULL},
    {"arrays.targets", OPTION_TEXT, "targets", 0, 0, NULL, NULL, "", "name of the targets in arrays.file, or path of a .npy file", ARRAYS,
     NULL},
    {"arrays.lengths", OPTION_TEXT, "", 0, 0, NULL, NULL, "",
     "name of the sequences' lengths in arrays.file, or path of a .npy file; empty: all are as long as the array of the inputs", ARRAYS,
     NULL},
    {"arrays.kind", OPTION_CHOICE, "class", 0, 0, NULL, "class|class-per-step|values", "",
     "what the targets are: a class a sequence, a class a step, or values at each step", ARRAYS, NULL},
    {"arrays.input", OPTION_CHOICE, "spikes", 0, 0, NULL, "spikes|currents", "",
     "what the inputs are: spikes, 0 or 1, or currents, any numbers", ARRAYS, NULL},
    {"arrays.n_classes", OPTION_INT, "0", 0, 65535, "[]", NULL, "", "number of classes; 0: the largest class in the targets, plus 1",
     ARRAYS, NULL},
    {"arrays.readout_ms", OPTION_INT, "0", 0, 1e9, "[]", NULL, "ms",
     "last part of the sequence over which the outputs are averaged, for kind class; 0: all of it", ARRAYS, NULL},
    {"arrays.valid_fraction", OPTION_REAL, "0.1", 0, 0.9, "[]", NULL, "",
     "fraction of the sequences that is set aside for validation; at least one", ARRAYS, NULL},
    {"arrays.test_fraction", OPTION_REAL, "0.2", 0, 0.9, "[]", NULL, "",
     "fraction of the sequences that is held out for the test; at least one", ARRAYS, NULL},

    {"l2l.n_examples", OPTION_INT, "500", 1, 100000, "[]", NULL, "", "examples of one function that an episode shows", L2L, NULL},
    {"l2l.example_ms", OPTION_INT, "20", 1, 10000, "[]", NULL, "ms",
     "time that each example is shown, and over which the answer is averaged", L2L, NULL},
    {"l2l.n_code", OPTION_INT, "100", 2, 1000, "[]", NULL, "", "input neurons that code each value: the inputs, and the previous target",
     L2L, NULL},
    {"l2l.code_width", OPTION_REAL, "0.03", 0, 10, "(]", NULL, "",
     "standard deviation of an input neuron's tuning curve, as a fraction of the value's range", L2L, NULL},
    {"l2l.code_rate", OPTION_REAL, "200", 0, 1000, "(]", NULL, "Hz",
     "Poisson firing rate of an input neuron at the centre of its tuning curve", L2L, NULL},
    {"l2l.unpaired", OPTION_BOOL, "false", 0, 0, NULL, "true|false", "",
     "a control: instead of the previous target, show the function's value at some other input: which values it takes, but not where", L2L,
     NULL},
    {"l2l.n_hidden", OPTION_INT, "10", 1, 100, "[]", NULL, "", "hidden units of a teacher", "l2l-teacher", NULL},
    {"l2l.weights", OPTION_REAL, "1", 0, 30, "(]", NULL, "", "a teacher's weights and biases are drawn from minus to plus this",
     "l2l-teacher", NULL},
    {"l2l.amplitude", OPTION_SPREAD, "0.1..5", 0, 1e6, "(]", NULL, "", "range that a sinusoid's amplitude is drawn from", "l2l-sinusoid",
     NULL},
    {"l2l.phase", OPTION_SPREAD, "0..3.14159265", -1e3, 1e3, "[]", NULL, "", "range that a sinusoid's phase is drawn from, in radians",
     "l2l-sinusoid", NULL},
    {"l2l.reach", OPTION_REAL, "5", 0, 1e6, "(]", NULL, "", "a sinusoid's input is drawn from minus to plus this", "l2l-sinusoid", NULL},

    {"rl.episode_ms", OPTION_INT, "2000", 1, 1e6, "[]", NULL, "ms", "length of an episode, in each step of which the agent acts", RL, NULL},
    {"rl.n_code", OPTION_INT, "40", 2, 1000, "[]", NULL, "", "input neurons that code each number which the agent observes", RL, NULL},
    {"rl.code_width", OPTION_REAL, "0.0353553391", 0, 10, "(]", NULL, "",
     "standard deviation of an input neuron's tuning curve, as a fraction of the number's range", RL, NULL},
    {"rl.code_rate", OPTION_REAL, "500", 0, 1000, "(]", NULL, "Hz",
     "Poisson firing rate of an input neuron at the centre of its tuning curve", RL, NULL},
    {"rl.n_event", OPTION_INT, "40", 1, 1000, "[]", NULL, "",
     "input neurons that fire together in the step after an event, for each kind of event", RL, NULL},
    {"rl.discount", OPTION_REAL, "0.99", 0, 1, "[]", NULL, "", "worth of a reward one step later", RL, NULL},
    {"rl.lambda", OPTION_REAL, "1", 0, 1, "[]", NULL, "",
     "generalised advantage estimation: 1 takes rewards to the end of the episode, 0 the next one and the value after it", RL, NULL},
    {"rl.clip", OPTION_REAL, "0.2", 0, 1e6, "(]", NULL, "",
     "proximal policy optimisation: how far an action's probability is to move away from 1 times that when it was drawn", RL, NULL},
    {"rl.entropy", OPTION_REAL, "0.001", 0, 1e6, "[]", NULL, "",
     "weight of the policy's entropy, which keeps it from being certain too early", RL, NULL},
    {"rl.value", OPTION_REAL, "1", 0, 1e6, "[]", NULL, "", "weight of the value's squared error", RL, NULL},
    {"rl.updates", OPTION_INT, "1", 1, 1000, "[]", NULL, "",
     "updates of the weights an iteration, each after a replay of its episodes but for the first", RL, NULL},
    {"rl.test_spread", OPTION_REAL, "1", 0, 1, "[]", NULL, "",
     "in validation and test, part of the policy's standard deviation that actions are drawn with: 1 as in training, 0 always their mean",
     RL, NULL},

    {"navigation.goal_radius", OPTION_REAL, "0.3", 0, 1, "(]", NULL, "", "radius of the goal; that of the disc is 1", NAVIGATE, NULL},
    {"navigation.goal_distance", OPTION_REAL, "0.85", 0, 1, "[]", NULL, "", "distance of the goal's centre from the middle", NAVIGATE,
     NULL},
    {"navigation.step", OPTION_REAL, "0.02", 0, 1, "(]", NULL, "", "longest way in a step, that of an action of length 1", NAVIGATE, NULL},
    {"navigation.penalty", OPTION_REAL, "0.02", 0, 100, "[]", NULL, "", "what a step that ends at the border costs; the goal gives 1",
     NAVIGATE, NULL},
    {"navigation.move_ms", OPTION_INT, "0", 0, 1e8, "[]", NULL, "ms",
     "a control: time after which the goal is somewhere else, again and again; 0: never", NAVIGATE, NULL},

    {"data.path", OPTION_TEXT, "", 0, 0, NULL, NULL, "",
     "folder of the corpus, in which TRAIN and TEST are; empty: the folder timit among the data sets", TIMIT, NULL},

    {"speech.sample_rate", OPTION_INT, "16000", 1000, 1e6, "[]", NULL, "Hz", "samples a second, which all recordings must have", SPEECH,
     NULL},
    {"speech.features", OPTION_CHOICE, "mfcc", 0, 0, NULL, "mfcc|mel", "",
     "what is taken of a frame: mel-frequency cepstral coefficients, or the logarithms of a mel filter bank", SPEECH, NULL},
    {"speech.window_ms", OPTION_REAL, "25", 0, 1000, "(]", NULL, "ms", "length of a frame", SPEECH, NULL},
    {"speech.hop_ms", OPTION_REAL, "10", 0, 1000, "(]", NULL, "ms", "time from one frame to the next", SPEECH, NULL},
    {"speech.window", OPTION_CHOICE, "hamming", 0, 0, NULL, "hamming|rectangle", "", "what a frame's samples are multiplied by", SPEECH,
     NULL},
    {"speech.preemphasis", OPTION_REAL, "0.97", 0, 1, "[]", NULL, "", "part of the sample before that is taken off each sample", SPEECH,
     NULL},
    {"speech.n_filters", OPTION_INT, "26", 2, 1000, "[]", NULL, "", "filters of the mel filter bank", SPEECH, NULL},
    {"speech.low_hz", OPTION_REAL, "0", 0, 1e6, "[]", NULL, "Hz", "lower end of the filter bank", SPEECH, NULL},
    {"speech.high_hz", OPTION_REAL, "0", 0, 1e6, "[]", NULL, "Hz", "upper end of the filter bank; 0: half of speech.sample_rate", SPEECH,
     NULL},
    {"speech.n_coefficients", OPTION_INT, "13", 1, 1000, "[]", NULL, "", "cepstral coefficients, with features mfcc", SPEECH, NULL},
    {"speech.lifter", OPTION_INT, "22", 0, 1000, "[]", NULL, "", "lifter, which raises the higher cepstral coefficients; 0: none", SPEECH,
     NULL},
    {"speech.energy", OPTION_BOOL, "true", 0, 0, NULL, "true|false", "",
     "take the frame's log energy: in place of coefficient 0, or as one more number behind the filters", SPEECH, NULL},
    {"speech.differences", OPTION_INT, "2", 0, 2, "[]", NULL, "",
     "how often differences from frame to frame are added: 0, 1 (first) or 2 (and second)", SPEECH, NULL},
    {"speech.difference_width", OPTION_INT, "2", 1, 20, "[]", NULL, "frames", "how far to each side a difference looks", SPEECH, NULL},
    {"speech.per_recording", OPTION_CHOICE, "nothing", 0, 0, NULL, "nothing|mean|deviation", "",
     "what is evened out in each recording by itself: each feature's mean, or mean and standard deviation", SPEECH, NULL},
    {"speech.per_speaker", OPTION_CHOICE, "nothing", 0, 0, NULL, "nothing|mean|deviation", "",
     "the same over all of a speaker's recordings in a split, in place of each", SPEECH, NULL},
    {"speech.warp", OPTION_REAL, "0", 0, 0.5, "[]", NULL, "",
     "part by which frequencies are lower, and higher, in two more copies of each training recording, like those of other vocal tracts; 0: none",
     SPEECH, NULL},
    {"speech.frame_ms", OPTION_INT, "5", 1, 100, "[]", NULL, "ms", "time that each frame is shown to the network", SPEECH, NULL},
    {"speech.fold", OPTION_BOOL, "false", 0, 0, NULL, "true|false", "",
     "fold the phones: TIMIT's 61 to 39, other corpora's as their phones.txt says", TIMIT, NULL},
    {"speech.allow_gaps", OPTION_BOOL, "false", 0, 0, NULL, "true|false", "",
     "let labels leave gaps, whose frames do not count; else they are an error", TIMIT, NULL},
    {"speech.leave_out", OPTION_TEXT, "george", 0, 0, NULL, NULL, "", "the speaker whose recordings are for the test", DIGITS, NULL},
    {"speech.valid_speaker", OPTION_TEXT, "", 0, 0, NULL, NULL, "",
     "the speaker whose recordings are for validation; empty: recordings 0 to 4 of each digit by each speaker who is not left out", DIGITS,
     NULL},
};
/* clang-format on */

size_t option_count(void) {
    return sizeof table / sizeof *table;
}

const option *option_at(size_t index) {
    return &table[index];
}

size_t option_index(const char *key) {
    size_t i = 0;
    while (i < option_count() && strcmp(table[i].key, key) != 0) {
        i++;
    }
    return i;
}

/* Is `word`, of length n, one of the words in `list` between separators? */
static bool has_word(const char *list, char separator, const char *word, size_t n) {
    bool is_word = n > 0 && !memchr(word, separator, n);
    for (const char *at = list; at && is_word; at = strchr(at, separator), at = at ? at + 1 : NULL) {
        if (strncmp(at, word, n) == 0 && (at[n] == separator || at[n] == '\0')) {
            return true;
        }
    }
    return false;
}

bool option_is_for(const option *row, const char *task, const char *kind) {
    return (!row->tasks || has_word(row->tasks, ',', task, strlen(task))) && (!row->kinds || has_word(row->kinds, ',', kind, strlen(kind)));
}

bool option_is_group(const char *text) {
    size_t n = strlen(text);
    for (size_t i = 0; i < option_count(); i++) {
        if (strncmp(table[i].key, text, n) == 0 && table[i].key[n] == '.') {
            return true;
        }
    }
    return false;
}

const char *option_nearest(const char *key, const char *task, const char *kind) {
    const char *nearest = NULL;
    size_t least = SIZE_MAX;
    for (size_t i = 0; i < option_count(); i++) {
        const char *dot = strchr(table[i].key, '.');
        size_t distance = edit_distance(key, table[i].key);
        if (dot && !strchr(key, '.')) {
            size_t bare = edit_distance(key, dot + 1);
            distance = bare < distance ? bare : distance;
        }
        if (distance < least && option_is_for(&table[i], task, kind)) {
            least = distance;
            nearest = table[i].key;
        }
    }
    return nearest;
}

size_t edit_distance(const char *a, const char *b) {
    enum { LONGEST = 64 };
    size_t row[LONGEST + 1], n_a = strnlen(a, LONGEST), n_b = strnlen(b, LONGEST);
    for (size_t j = 0; j <= n_b; j++) {
        row[j] = j;
    }
    for (size_t i = 1; i <= n_a; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= n_b; j++) {
            size_t replaced = diagonal + (a[i - 1] != b[j - 1]), shorter = row[j] < row[j - 1] ? row[j] : row[j - 1];
            diagonal = row[j];
            row[j] = replaced < shorter + 1 ? replaced : shorter + 1;
        }
    }
    return row[n_b];
}

void excerpt(char out[EXCERPT_SIZE], const char *text) {
    size_t n = strlen(text), room = EXCERPT_SIZE - sizeof "'...'";
    bool whole = n <= room;
    n = whole ? n : room;
    while (!whole && n > 0 && ((unsigned char)text[n] & 0xC0) == 0x80) {
        n--; /* not in the middle of a UTF-8 character */
    }
    snprintf(out, EXCERPT_SIZE, "'%.*s%s'", (int)n, text, whole ? "" : "...");
    for (char *c = out; *c; c++) {
        if ((unsigned char)*c < ' ' || *c == 0x7F) {
            *c = ' ';
        }
    }
}

/* Decodes the UTF-8 character at *at and steps over it; -1 if it is damaged. */
static long next_character(const unsigned char **at) {
    static const long least[] = {0, 0x80, 0x800, 0x10000};
    unsigned char first = *(*at)++;
    if (first < 0x80) {
        return first;
    }
    int n_more = first >= 0xF0 ? 3 : first >= 0xE0 ? 2 : 1;
    if (first < 0xC0 || first >= 0xF8) {
        return -1;
    }
    long character = first & (0x3F >> n_more);
    for (int i = 0; i < n_more; i++, (*at)++) {
        if ((**at & 0xC0) != 0x80) {
            return -1;
        }
        character = character << 6 | (**at & 0x3F);
    }
    return character >= least[n_more] ? character : -1;
}

bool is_printable_line(const char *text) {
    const unsigned char *at = (const unsigned char *)text;
    while (*at) {
        long c = next_character(&at);
        bool printable =
            (c >= ' ' && c <= '~') || (c >= 0xA0 && c <= 0xD7FF) || (c >= 0xE000 && c <= 0xFFFD) || (c >= 0x10000 && c <= 0x10FFFF);
        if (!printable || c == 0x2028 || c == 0x2029 || c == 0xFEFF) { /* line and paragraph separators, byte order mark */
            return false;
        }
    }
    return true;
}

/* ---- ranges ---- */

static bool is_numeric(const option *row) {
    return row->bounds != NULL;
}

void option_range(const option *row, char out[OPTION_RANGE_SIZE]) {
    if (!is_numeric(row)) {
        snprintf(out, OPTION_RANGE_SIZE, "%s", row->choices ? row->choices : "");
        return;
    }
    const char *before = row->bounds[0] == '(' ? "above " : "";
    const char *between = row->bounds[0] == '(' ? ", up to " : row->bounds[1] == ')' ? " to below " : "..";
    int digits = row->type == OPTION_INT ? 19 : 10; /* 2^62 is whole with 19, and 0.9 is 0.9 with 10 */
    snprintf(out, OPTION_RANGE_SIZE, "%s%.*g%s%.*g", before, digits, row->minimum, between, digits, row->maximum);
}

static bool in_range(const option *row, double x) {
    bool above = row->bounds[0] == '(' ? x > row->minimum : x >= row->minimum;
    bool below = row->bounds[1] == ')' ? x < row->maximum : x <= row->maximum;
    return above && below;
}

/* "key: 'found' PROBLEM; allowed is RANGE UNIT". */
static lsnn_status refuse(const option *row, const char *found, const char *problem) {
    char shown[EXCERPT_SIZE], range[OPTION_RANGE_SIZE];
    excerpt(shown, found);
    option_range(row, range);
    const char *forms = row->type == OPTION_SPREAD ? " (one number, a range LOW..HIGH, or a list [A, B, ...])" : "";
    return fail(LSNN_ERR_SETTING, "%s: %s %s; allowed is %s%s%s%s", row->key, shown, problem, range, *row->unit ? " " : "", row->unit,
                forms);
}

/* ---- values ---- */

static bool is_blank(char c) {
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* The text without outer blanks: its start, and its length to *n. */
static const char *trim(const char *text, size_t *n) {
    while (*n > 0 && is_blank(*text)) {
        text++;
        --*n;
    }
    while (*n > 0 && is_blank(text[*n - 1])) {
        --*n;
    }
    return text;
}

/* Decimal numbers only: strtod would take hexadecimal ones, inf and nan too, and its decimal point would be the host program's locale's. */
static bool read_number(const char *text, size_t n, double *out) {
    char digits[128], *end;
    text = trim(text, &n);
    if (n == 0 || n >= sizeof digits || strspn(text, "0123456789+-.eE") < n) {
        return false;
    }
    memcpy(digits, text, n);
    digits[n] = '\0';
    locale_t plain = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    if (!plain) {
        return false;
    }
    *out = strtod_l(digits, &end, plain);
    freelocale(plain);
    return end == digits + n;
}

static lsnn_status parse_int(option_value *out, const option *row) {
    char *end;
    size_t n = strlen(out->text);
    errno = 0;
    long long x = strtoll(out->text, &end, 10);
    if (n == 0 || strspn(out->text, "0123456789+-") < n || *end != '\0') {
        return refuse(row, out->text, "is not a whole number");
    }
    if (errno == ERANGE || x < (long long)row->minimum || x > (long long)row->maximum) {
        return refuse(row, out->text, "is out of range");
    }
    out->integer = x;
    return LSNN_OK;
}

/* One number of n characters; `whole` is the text that it comes from. */
static lsnn_status parse_number(double *out, const option *row, const char *text, size_t n, const char *whole) {
    double x;
    if (!read_number(text, n, &x)) {
        return refuse(row, whole,
                      row->type == OPTION_SPREAD ? "is not a finite number, a range or a list of numbers" : "is not a finite number");
    }
    if (!in_range(row, x) || !in_range(row, (double)(float)x)) {
        return refuse(row, whole, in_range(row, x) ? "is out of range in single precision" : "is out of range");
    }
    *out = x;
    return LSNN_OK;
}

static lsnn_status parse_list(option_value *out, const option *row) {
    const char *at = out->text + 1, *stop = out->text + strlen(out->text) - 1;
    if (stop < at || *stop != ']') {
        return refuse(row, out->text, "is a list without its closing bracket");
    }
    size_t n = 1;
    for (const char *c = at; c < stop; c++) {
        n += *c == ',';
    }
    if (n > INT_MAX) {
        return refuse(row, out->text, "is too long a list");
    }
    out->list = malloc(n * sizeof *out->list);
    if (!out->list) {
        return fail(LSNN_ERR_MEMORY, "%s: no memory for a list of %zu numbers", row->key, n);
    }
    for (; out->n_list < (int)n; out->n_list++) {
        const char *comma = memchr(at, ',', (size_t)(stop - at)), *end = comma ? comma : stop;
        char item[EXCERPT_SIZE + 1]; /* for the message; long enough for excerpt() to see that it is too long */
        size_t n_item = (size_t)(end - at);
        const char *start = trim(at, &n_item);
        snprintf(item, sizeof item, "%.*s", (int)(n_item < sizeof item ? n_item : sizeof item), start);
        double x;
        lsnn_status status = parse_number(&x, row, start, n_item, item);
        if (status != LSNN_OK) {
            return fail(status, "%s (value %d of the list)", lsnn_error(), out->n_list + 1);
        }
        out->list[out->n_list] = (float)x;
        at = end + 1;
    }
    return LSNN_OK;
}

static lsnn_status parse_spread(option_value *out, const option *row) {
    for (char *c = out->text; *c; c++) {
        *c = is_blank(*c) ? ' ' : *c; /* one line, as it is printed as it stands */
    }
    if (out->text[0] == '[') {
        return parse_list(out, row);
    }
    const char *dots = strstr(out->text, "..");
    size_t n = strlen(out->text), n_low = dots ? (size_t)(dots - out->text) : n;
    double low, high;
    lsnn_status status;
    TRY(parse_number(&low, row, out->text, n_low, out->text));
    high = low;
    if (dots) {
        TRY(parse_number(&high, row, dots + 2, n - n_low - 2, out->text));
    }
    if (low > high) {
        return refuse(row, out->text, "starts above its end");
    }
    out->low = (float)low;
    out->high = (float)high;
out:
    return status;
}

static lsnn_status parse_bool(option_value *out, const option *row) {
    static const char *const words[] = {"false", "true", "no", "yes"};
    for (int i = 0; i < 4; i++) {
        if (strcmp(out->text, words[i]) == 0) {
            out->truth = i % 2 == 1;
            strcpy(out->text, words[i % 2]); /* there is room for both: see copy_trimmed */
            return LSNN_OK;
        }
    }
    return refuse(row, out->text, "is neither true nor false");
}

static lsnn_status parse_text(const option_value *out, const option *row) {
    if (!is_printable_line(out->text)) {
        char shown[EXCERPT_SIZE];
        excerpt(shown, out->text);
        return fail(LSNN_ERR_SETTING,
                    "%s: %s has a line break, a control character or bytes that are not UTF-8; allowed is one line of printable text",
                    row->key, shown);
    }
    return LSNN_OK;
}

static lsnn_status parse_by_type(option_value *out, const option *row) {
    switch (row->type) {
        case OPTION_INT: return parse_int(out, row);
        case OPTION_REAL: return parse_number(&out->real, row, out->text, strlen(out->text), out->text);
        case OPTION_BOOL: return parse_bool(out, row);
        case OPTION_CHOICE:
            return has_word(row->choices, '|', out->text, strlen(out->text)) ? LSNN_OK
                                                                             : refuse(row, out->text, "is not one of the choices");
        case OPTION_TEXT: return parse_text(out, row);
        case OPTION_SPREAD: return parse_spread(out, row);
    }
    return LSNN_OK;
}

/* Room for at least "false" too, which may replace "no". */
static char *copy_trimmed(const char *text) {
    size_t n = strlen(text);
    const char *start = trim(text, &n);
    char *copy = calloc(n + sizeof "false", 1);
    if (copy) {
        memcpy(copy, start, n);
    }
    return copy;
}

lsnn_status option_parse(option_value *out, const option *row, const char *text) {
    option_value value = {.text = copy_trimmed(text)};
    if (!value.text) {
        return fail(LSNN_ERR_MEMORY, "%s: no memory for its value", row->key);
    }
    lsnn_status status = parse_by_type(&value, row);
    if (status == LSNN_OK) {
        *out = value;
    } else {
        option_value_release(&value);
    }
    return status;
}

void option_value_release(option_value *value) {
    free(value->text);
    free(value->list);
    *value = (option_value){0};
}
