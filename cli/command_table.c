/* The table of commands and flags, and looking things up in it. */
#include <stdio.h>
#include <string.h>

#include "command.h"

#define FIELD(field) .offset = offsetof(struct arguments, field)
#define THREADS                                                                                                                 \
    {                                                                                                                           \
        .name = "threads", .argument = "N", .help = "threads to compute with; 0, the default: one a core", .kind = FLAG_NUMBER, \
        FIELD(threads), .highest = 1024                                                                                         \
    }
#define DATA                                                                                                                \
    {                                                                                                                       \
        .name = "data", .argument = "DIR", .help = "folder of the data sets; default: LSNN_DATA, else ~/.local/share/lsnn", \
        .kind = FLAG_TEXT, FIELD(data), .completion = COMPLETE_FOLDERS                                                      \
    }
#define JSON \
    { .name = "json", .help = "print the result as one JSON object on one line", .kind = FLAG_SWITCH, FIELD(json) }
#define QUIET \
    { .name = "quiet", .help = "no progress and no hints; warnings stay", .kind = FLAG_SWITCH, FIELD(quiet) }
#define SET                                                                                                                \
    {                                                                                                                      \
        .name = "set", .argument = "KEY=VALUE", .help = "change a setting (lsnn show lists them); may come several times", \
        .kind = FLAG_LIST, .completion = COMPLETE_SETTINGS                                                                 \
    }
#define SPLIT(text) \
    { .name = "split", .argument = "train|valid|test", .help = text, .kind = FLAG_CHOICE, FIELD(split), .completion = COMPLETE_WORDS }
#define SAMPLE(text) \
    { .name = "sample", .argument = "N", .help = text, .kind = FLAG_NUMBER, FIELD(sample), .highest = NUMBER_MAX }
#define SEED(text) \
    { .name = "seed", .argument = "N", .help = text, .kind = FLAG_NUMBER, FIELD(seed), .highest = NUMBER_MAX }
#define END \
    { .name = NULL }

#define NUMBER_MAX ((int64_t)1 << 62)

static const struct flag json_only[] = {JSON, END};
static const struct flag no_flags[] = {END};

static const struct flag train_flags[] = {
    SET,
    SEED("seed of everything that is drawn at random: the same as --set seed=N"),
    THREADS,
    {.name = "out",
     .argument = "RUN",
     .help = "run folder to write; default: runs/EXPERIMENT-seedN",
     .kind = FLAG_TEXT,
     FIELD(out),
     .completion = COMPLETE_FOLDERS},
    DATA,
    {.name = "resume", .help = "go on with the run in the run folder", .kind = FLAG_SWITCH, FIELD(resume)},
    {.name = "no-test",
     .help = "leave the test data alone: the result is the validation score (for a search)",
     .kind = FLAG_SWITCH,
     FIELD(no_test)},
    JSON,
    QUIET,
    END,
};
static const struct flag eval_flags[] = {
    SET,
    SPLIT("which part of the data; default: test"),
    SEED("of test data that are drawn at random; 0, the default: the run's own"),
    {.name = "references",
     .help =
         "of learning to learn functions: the error after so many examples, and that of simple ways to learn on the same episodes; of navigation: agents "
         "that follow a rule",
     .kind = FLAG_SWITCH,
     FIELD(references)},
    {.name = "against",
     .argument = "OTHER",
     .help = "where an agent acts: how much better than another network of the task it is on the same episodes",
     .kind = FLAG_TEXT,
     FIELD(against),
     .completion = COMPLETE_FOLDERS},
    THREADS,
    DATA,
    JSON,
    END,
};
static const struct flag show_flags[] = {SET, DATA, JSON, END};
static const struct flag probe_flags[] = {
    {.name = "out",
     .argument = "FILE.safetensors",
     .help = "file to write",
     .kind = FLAG_TEXT,
     FIELD(out),
     .is_required = true,
     .completion = COMPLETE_FILES},
    SAMPLE("which sample of the split; default: 0"),
    SPLIT("which part of the data; default: test"),
    THREADS,
    DATA,
    END,
};
static const struct flag plot_flags[] = {
    {.name = "out",
     .argument = "FIGURE",
     .help = "file to write; ends in .svg, .png or .pdf; of navigation also .html, a page that plays the episode",
     .kind = FLAG_TEXT,
     FIELD(out),
     .is_required = true,
     .completion = COMPLETE_FILES},
    SAMPLE("which sample of the split; default: 0"),
    SPLIT("which part of the data; default: test"),
    SET,
    {.name = "curves", .help = "draw the run's loss, score and rate over training instead", .kind = FLAG_SWITCH, FIELD(curves)},
    {.name = "connections",
     .help = "draw which synapses the network has, before and after training, instead",
     .kind = FLAG_SWITCH,
     FIELD(connections)},
    {.name = "learning",
     .help = "of learning to learn functions: draw the error against the examples seen, beside that of simple ways to learn, instead",
     .kind = FLAG_SWITCH,
     FIELD(learning)},
    {.name = "beliefs",
     .help =
         "of learning to learn functions: draw what the network takes four of them for after 1, 2, 5, ... examples, from --sample on, instead",
     .kind = FLAG_SWITCH,
     FIELD(beliefs)},
    {.name = "goals",
     .help =
         "of navigation: draw how long the agent takes to its first goal, its second and so on, beside others that follow a rule, instead",
     .kind = FLAG_SWITCH,
     FIELD(goals)},
    {.name = "paths",
     .help = "of navigation: draw the agent's paths in four episodes, from --sample on, before and after training, instead",
     .kind = FLAG_SWITCH,
     FIELD(paths)},
    {.name = "first",
     .argument = "MS",
     .help = "draw only so many milliseconds of the sample; 0, the default: all",
     .kind = FLAG_NUMBER,
     FIELD(first),
     .highest = NUMBER_MAX},
    THREADS,
    DATA,
    END,
};
static const struct flag data_flags[] = {
    DATA,
    {.name = "json", .help = "list: print one JSON object on one line", .kind = FLAG_SWITCH, FIELD(json)},
    {.name = "quiet", .help = "get: no progress; warnings stay", .kind = FLAG_SWITCH, FIELD(quiet)},
    END,
};
#define SEEDS(text) \
    { .name = "seeds", .argument = "LIST", .help = text, .kind = FLAG_TEXT, FIELD(seeds) }
#define STUDY_OUT                                                                                                                        \
    {                                                                                                                                    \
        .name = "out", .argument = "DIR", .help = "folder of the runs, the page and its figures; default: runs/NAME", .kind = FLAG_TEXT, \
        FIELD(out), .completion = COMPLETE_FOLDERS                                                                                       \
    }
#define REPORT \
    { .name = "report", .help = "no run: page and figures anew, from the folder's records", .kind = FLAG_SWITCH, FIELD(report) }

#define STUDY_FLAGS SET, STUDY_OUT, REPORT, THREADS, DATA, JSON, QUIET

static const struct flag reproduce_flags[] = {
    {.name = "rows", .argument = "LIST", .help = "only these rows of the table, with commas between", .kind = FLAG_TEXT, FIELD(rows)},
    SEEDS("other seeds than the table's: 1,2 or 1..3"),
    STUDY_FLAGS,
    END,
};
static const struct flag sweep_flags[] = {
    {.name = "over",
     .argument = "KEY=LIST",
     .help = "the setting and its values, with commas between: net.tau_a=300,700,1200",
     .kind = FLAG_TEXT,
     FIELD(over),
     .is_required = true},
    SEEDS("seeds for each value: 1,2 or 1..3; default: 1"),
    STUDY_FLAGS,
    END,
};
static const struct flag bench_flags[] = {
    {.name = "set",
     .argument = "KEY=VALUE",
     .help =
         "time a work of your own; may come several times: batch, steps, inputs, neurons, delays, connectivity, rate (Hz), lstm, training and stepwise (true, false)",
     .kind = FLAG_LIST},
    {.name = "write",
     .argument = "FILE",
     .help = "write the work to a safetensors file instead, for other programs",
     .kind = FLAG_TEXT,
     FIELD(write),
     .completion = COMPLETE_FILES},
    THREADS,
    JSON,
    END,
};

static const struct example list_examples[] = {{"list", "what can be trained"}, {0}};
static const struct example train_examples[] = {
    {"train digits", "real handwritten digits, in a minute or two"},
    {"train digits --set net.beta=0 --seed 2", "another setting, another seed"},
    {"train mine.yaml --out runs/mine", "an experiment file of your own"},
    {"train mine.yaml --out runs/mine --resume", "go on after a stop"},
    {0},
};
static const struct example eval_examples[] = {
    {"eval runs/digits-seed1", "the run's best network on test data"},
    {"eval runs/digits-seed1 --split valid --json", "on validation data, for a script"},
    {"eval runs/navigation-seed1 --references", "how often it finds the goal, and how often others do"},
    {"eval runs/l2l-teacher-seed1 --references", "how fast it learns a function, and how fast others do"},
    {0},
};
static const struct example show_examples[] = {
    {"show digits", "an experiment as it ships"},
    {"show digits --set net.n_lif=200", "what a change would need"},
    {"show runs/digits-seed1", "what a run was made with"},
    {0},
};
static const struct example probe_examples[] = {
    {"probe runs/digits-seed1 --sample 7 --out seven.safetensors", "everything about the eighth test sample"},
    {0},
};
static const struct example plot_examples[] = {
    {"plot runs/digits-seed1 --out digit.png", "a test sample, spike by spike"},
    {"plot runs/digits-seed1 --curves --out curves.svg", "how the training went"},
    {"plot smnist-deepr --connections --out wiring.png", "which synapses rewiring found"},
    {"plot seven.safetensors --out seven.pdf", "a probe that is there already"},
    {"plot runs/l2l-teacher-seed1 --first 2000 --out start.png", "the first two seconds of an episode"},
    {"plot runs/l2l-teacher-seed1 --beliefs --out beliefs.png", "what the network takes new functions for"},
    {"plot runs/navigation-seed1 --paths --out paths.png", "how an agent walks before and after training"},
    {"plot runs/navigation-seed1 --out agent.html", "an agent and its spikes, moving, in a browser"},
    {0},
};
static const struct example data_examples[] = {
    {"data list", "which data sets are here"},
    {"data get mnist", "download MNIST"},
    {0},
};
static const struct example bench_examples[] = {
    {"bench", "the standard works on this machine"},
    {"bench --set neurons=1000 --set connectivity=0.1", "a work of your own"},
    {"bench --set batch=32 --write work.safetensors", "the same for other programs"},
    {0},
};
static const struct example reproduce_examples[] = {
    {"reproduce", "which tables there are"},
    {"reproduce smnist", "the sequential MNIST table, for as many nights as it takes"},
    {"reproduce smnist --rows smnist-lif --seeds 1", "one row, one seed"},
    {"reproduce smnist --report", "the page and its figures once more"},
    {0},
};
static const struct example sweep_examples[] = {
    {"sweep store-recall --over net.tau_a=300,1200,4800 --seeds 1..3", "three seeds for each of three values"},
    {"sweep smnist-deepr --over rewire.connectivity=0.05,0.12,0.3 --set train.iterations=6000", "accuracy against connectivity"},
    {0},
};
static const struct example help_examples[] = {{"help train", "the flags of train"}, {0}};
static const struct example no_examples[] = {{0}};

static const struct command commands[] = {
    {.name = "list",
     .operands = "",
     .summary = "list the experiments that ship",
     .details = "Prints the name and a summary of each experiment that ships, one a line.",
     .examples = list_examples,
     .flags = json_only,
     .run = command_list},
    {.name = "train",
     .operands = "EXPERIMENT|FILE.yaml",
     .summary = "train a network",
     .details =
         "Trains the network of an experiment and then evaluates the best one on test data. The run folder gets settings.yaml, metrics.jsonl, "
         "best.safetensors, last.safetensors and a checkpoint. Ctrl-C saves and says how to go on; a resumed run ends in the same bits as one "
         "that was never stopped.",
     .examples = train_examples,
     .flags = train_flags,
     .n_operands_min = 1,
     .n_operands_max = 1,
     .completion = COMPLETE_EXPERIMENTS,
     .run = command_train},
    {.name = "eval",
     .operands = "RUN|MODEL",
     .summary = "evaluate a trained network",
     .details =
         "Evaluates the best network of a run folder, or a model file. For squared errors, half the width of the 95 % confidence interval over sequences follows after +-.",
     .examples = eval_examples,
     .flags = eval_flags,
     .n_operands_min = 1,
     .n_operands_max = 1,
     .completion = COMPLETE_FILES,
     .run = command_eval},
    {.name = "show",
     .operands = "EXPERIMENT|RUN|MODEL",
     .summary = "show settings, where each comes from, and what the network needs",
     .details =
         "Prints every setting in force, its unit and where it comes from, and then the network's neurons, synapses, parameters and memory.",
     .examples = show_examples,
     .flags = show_flags,
     .n_operands_min = 1,
     .n_operands_max = 1,
     .completion = COMPLETE_EXPERIMENTS,
     .run = command_show},
    {.name = "probe",
     .operands = "RUN|MODEL",
     .summary = "write everything about one sample to a file",
     .details =
         "Runs one sample forward and backward and writes input, spikes, voltages, thresholds, outputs, loss and every gradient as named arrays "
         "to a safetensors file.",
     .examples = probe_examples,
     .flags = probe_flags,
     .n_operands_min = 1,
     .n_operands_max = 1,
     .completion = COMPLETE_FILES,
     .run = command_probe},
    {.name = "plot",
     .operands = "RUN|MODEL|FILE",
     .summary = "draw a sample, a training's curves, a network's connections, or what it does",
     .details =
         "Draws one sample of a run or model (input, spikes of LIF and adaptive neurons, thresholds, outputs over time), a file written by lsnn "
         "probe, a metrics.jsonl (loss, score and rate over training), or the connections of a run's best network or a model; of networks that have "
         "learned to learn functions, the error against the examples seen, and what the network takes a function for; of agents of the task navigation, their paths, "
         "the time from goal to goal, and, if the file's name ends in .html, a page for a browser in which the agent walks and its neurons spike. With --set, the "
         "task's settings are others, as navigation.move_ms, while the network stays as it is.",
     .examples = plot_examples,
     .flags = plot_flags,
     .n_operands_min = 1,
     .n_operands_max = 1,
     .completion = COMPLETE_FILES,
     .run = command_plot},
    {.name = "data",
     .operands = "list|get NAME",
     .summary = "list or download data sets",
     .details = "Lists the data sets that the program knows and where they are, or downloads one; a download that was interrupted goes on.",
     .examples = data_examples,
     .flags = data_flags,
     .n_operands_min = 1,
     .n_operands_max = 2,
     .completion = COMPLETE_WORDS,
     .words = "list|get",
     .run = command_data},
    {.name = "reproduce",
     .operands = "[TABLE|FILE.yaml]",
     .summary = "train all networks of a table, and write it",
     .details =
         "Trains the networks of a table of the paper, row by row and seed by seed, and writes the page README.md with the paper's figures beside ours, its "
         "figures, a record of each run and the best network of each row. What is finished stays: the same command goes on where it stopped. Without a name: "
         "lists the tables that ship.",
     .examples = reproduce_examples,
     .flags = reproduce_flags,
     .n_operands_max = 1,
     .completion = COMPLETE_TABLES,
     .run = command_reproduce},
    {.name = "sweep",
     .operands = "EXPERIMENT|FILE.yaml",
     .summary = "train an experiment with several values of a setting",
     .details =
         "Trains the experiment with each value and seed, and writes the page README.md and the figure sweep.svg. The same command goes on where it stopped.",
     .examples = sweep_examples,
     .flags = sweep_flags,
     .n_operands_min = 1,
     .n_operands_max = 1,
     .completion = COMPLETE_EXPERIMENTS,
     .run = command_sweep},
    {.name = "bench",
     .operands = "",
     .summary = "time training on this machine",
     .details =
         "Times whole training iterations of networks of the size of sequential MNIST: dense (smnist_dense), and 12 % connected with DEEP R "
         "(smnist_deepr), and an LSTM of 128 units (smnist_lstm); then sequences of 10,000 steps (long), and one sequence step by step (inference). Says how near to the limits of "
         "the machine's arithmetic and memory they come. With --set: one work of your own instead, whose defaults are those of smnist_dense; "
         "below connectivity 1 with DEEP R; with training=false forward only. The input is made up: 30 strokes in 784 steps, each crossing "
         "(inputs - 2) / 2 thresholds upwards at one step and as many downwards 1 to 5 steps later; the last input is a cue in the last "
         "fifteenth of the steps. The weights are scaled until the network fires at the rate.",
     .examples = bench_examples,
     .flags = bench_flags,
     .run = command_bench},
    {.name = "help",
     .operands = "[COMMAND]",
     .summary = "explain a command",
     .details = "Prints the help of a command, or of the whole program.",
     .examples = help_examples,
     .flags = no_flags,
     .n_operands_max = 1,
     .completion = COMPLETE_NOTHING,
     .run = command_help},
    {.name = "version",
     .operands = "",
     .summary = "print the version",
     .details = "Prints the program's version.",
     .examples = no_examples,
     .flags = no_flags,
     .run = command_version},
    {.name = "document",
     .operands = "man DIR|completion|settings",
     .summary = "write man pages, the bash completion, or the table of settings",
     .details = "Used by the build.",
     .examples = no_examples,
     .flags = no_flags,
     .n_operands_min = 1,
     .n_operands_max = 2,
     .is_hidden = true,
     .run = command_document},
    {.name = NULL},
};

static const struct variable variables[] = {
    {"LSNN_DATA", "folder of the data sets, where --data is not given"},
    {"LSNN_DATA_URL", "folder on the web to download data sets from, instead of their own addresses"},
    {"LSNN_SHARE", "folder of what ships (experiments/, models/ and so on), where it is elsewhere"},
    {"LSNN_ISA", "vector kernels: generic, sse2, avx2, avx512 or neon; default: the best of this processor"},
    {"NO_COLOR", "if set and not empty: no colours"},
    {NULL, NULL},
};

const struct command *command_table(void) {
    return commands;
}

const struct variable *variable_table(void) {
    return variables;
}

const struct command *command_find(const char *name) {
    for (const struct command *command = commands; command->name != NULL; command++) {
        if (strcmp(command->name, name) == 0) {
            return command;
        }
    }
    return NULL;
}

/* Levenshtein's distance, of the first characters of long words. */
static int distance(const char *a, const char *b) {
    enum { LONGEST = 40 };
    int row[LONGEST + 1];
    int n_a = (int)strnlen(a, LONGEST), n_b = (int)strnlen(b, LONGEST);
    for (int j = 0; j <= n_b; j++) {
        row[j] = j;
    }
    for (int i = 1; i <= n_a; i++) {
        int diagonal = row[0];
        row[0] = i;
        for (int j = 1; j <= n_b; j++) {
            int change = diagonal + (a[i - 1] != b[j - 1]);
            int insert = row[j - 1] + 1, omit = row[j] + 1;
            diagonal = row[j];
            row[j] = change < insert ? change : insert;
            row[j] = row[j] < omit ? row[j] : omit;
        }
    }
    return row[n_b];
}

const char *command_nearest(const char *name) {
    const char *nearest = NULL;
    int least = 0;
    for (const struct command *command = commands; command->name != NULL; command++) {
        int d = distance(name, command->name);
        if (!command->is_hidden && (nearest == NULL || d < least)) {
            nearest = command->name;
            least = d;
        }
    }
    return nearest;
}

const char *flag_nearest(const struct command *command, const char *name, size_t length) {
    char text[64];
    snprintf(text, sizeof text, "%.*s", (int)(length < sizeof text ? length : sizeof text - 1), name);
    const char *nearest = "help";
    int least = distance(text, nearest);
    for (const struct flag *flag = command->flags; flag->name != NULL; flag++) {
        int d = distance(text, flag->name);
        if (d < least) {
            nearest = flag->name;
            least = d;
        }
    }
    return nearest;
}

const struct flag *flag_find(const struct command *command, const char *name, size_t length) {
    for (const struct flag *flag = command->flags; flag->name != NULL; flag++) {
        if (strlen(flag->name) == length && memcmp(flag->name, name, length) == 0) {
            return flag;
        }
    }
    return NULL;
}
