/* Makes a corpus of spoken sentences in TIMIT's layout, with the synthesiser's own phone times: see espeak.sh.
 *
 *   speak FOLDER WORDS SEED SNR-DB N-TRAIN N-VALID N-TEST
 *
 * Sentences are random words of the list WORDS with little words between; ten by a speaker, who is a voice of espeak-ng with a pitch, a speed and a loudness of his own. The same voices
 * speak in all parts. Each sentence is brought to 16 kHz and gets noise, whose power falls with frequency as speech's does. The same arguments give the same bytes, with the same
 * version of espeak-ng. */
#include <espeak-ng/speak_lib.h>
#include <math.h>
#include <sndfile.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { RATE = 16000, SENTENCES = 10, MOST_PHONES = 400, MOST_NAMES = 400, TEXT_SIZE = 512, PATH_SIZE = 1200 };

static void give_up(const char *what, const char *about) {
    fprintf(stderr, "speak: %s %s\n", what, about);
    exit(1);
}

static void *need(void *memory) {
    if (memory == NULL) {
        give_up("no memory", "");
    }
    return memory;
}

/* ---- random numbers: splitmix64 ---- */

static uint64_t random_state;

static uint64_t random_bits(void) {
    uint64_t z = random_state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

static double random_uniform(double low, double high) {
    return low + (high - low) * (double)(random_bits() >> 11) / 9007199254740992.0;
}

static double random_normal(void) {
    double radius = sqrt(-2 * log(1 - random_uniform(0, 1)));
    return radius * cos(6.283185307179586 * random_uniform(0, 1));
}

/* ---- sentences ---- */

typedef struct word_list {
    size_t n;
    char **words;
} word_list;

/* Words of 3 to 9 lower-case letters. */
static word_list read_words(const char *path) {
    word_list list = {0};
    char line[256];
    FILE *file = fopen(path, "r");
    if (file == NULL) {
        give_up("can't read", path);
    }
    while (fgets(line, sizeof line, file) != NULL) {
        line[strcspn(line, "\r\n")] = '\0';
        size_t length = strlen(line);
        if (length >= 3 && length <= 9 && strspn(line, "abcdefghijklmnopqrstuvwxyz") == length) {
            list.words = need(realloc(list.words, (list.n + 1) * sizeof *list.words));
            list.words[list.n++] = need(strdup(line));
        }
    }
    fclose(file);
    if (list.n < 1000) {
        give_up("fewer than 1000 words in", path);
    }
    return list;
}

static void make_sentence(const word_list *list, char text[TEXT_SIZE]) {
    static const char *const little[] = {"the",  "a",  "of",  "to", "in", "and", "that", "with", "for", "on", "at", "by",  "from",
                                         "this", "it", "was", "is", "he", "she", "we",   "they", "but", "or", "as", "not", "you"};
    int n_words = 4 + (int)random_uniform(0, 3);
    size_t length = 0;
    for (int k = 0; k < n_words; k++) {
        const char *small = random_uniform(0, 1) < 0.6 ? little[(size_t)random_uniform(0, sizeof little / sizeof *little)] : NULL;
        const char *word = list->words[(size_t)random_uniform(0, (double)list->n)];
        length += (size_t)snprintf(text + length, TEXT_SIZE - length, "%s%s%s%s", k > 0 ? " " : "", small != NULL ? small : "",
                                   small != NULL ? " " : "", word);
    }
    snprintf(text + length, TEXT_SIZE - length, ".");
}

/* ---- what the synthesiser says ---- */

typedef struct phone {
    char name[16];
    int64_t start;
} phone;

/* One sentence, at the synthesiser's rate. */
static struct {
    int16_t *samples;
    size_t n, room;
    phone phones[MOST_PHONES];
    int n_phones;
} said;

static int hear(short *samples, int n, espeak_EVENT *event) {
    if (samples == NULL) {
        return 0;
    }
    for (; event->type != espeakEVENT_LIST_TERMINATED; event++) {
        if (event->type == espeakEVENT_PHONEME && said.n_phones < MOST_PHONES) {
            phone *p = &said.phones[said.n_phones++];
            snprintf(p->name, sizeof p->name, "%.8s", event->id.string);
            p->start = event->sample;
        }
    }
    if (said.n + (size_t)n > said.room) {
        said.room = 2 * said.room + (size_t)n;
        said.samples = need(realloc(said.samples, said.room * sizeof *said.samples));
    }
    memcpy(said.samples + said.n, samples, (size_t)n * sizeof *samples);
    said.n += (size_t)n;
    return 0;
}

/* false: it was not understood as English throughout. */
static bool say(const char *text) {
    said.n = 0;
    said.n_phones = 0;
    if (espeak_Synth(text, strlen(text) + 1, 0, POS_CHARACTER, 0, espeakCHARS_UTF8, NULL, NULL) != EE_OK || espeak_Synchronize() != EE_OK) {
        give_up("espeak-ng can't say", text);
    }
    for (int k = 0; k < said.n_phones; k++) {
        if (strchr(said.phones[k].name, '(') != NULL) {
            return false;
        }
    }
    return said.n > 0 && said.n_phones > 1 && said.n_phones < MOST_PHONES;
}

/* ---- 16 kHz, and noise ---- */

/* Sample m of the result lies at m * from / RATE: a sinc with its corner at 0.95 of the lower rate's half, under a Hann window. */
static double *resample(const int16_t *samples, size_t n, int from, size_t *n_out) {
    const double pi = 3.141592653589793;
    double corner = 0.95 * (from < RATE ? 1 : (double)RATE / from);
    int reach = (int)(24 / corner);
    *n_out = (size_t)((double)n * RATE / from);
    double *out = need(calloc(*n_out + 1, sizeof *out));
    for (size_t m = 0; m < *n_out; m++) {
        double place = (double)m * from / RATE;
        for (int64_t k = (int64_t)place - reach + 1; k <= (int64_t)place + reach; k++) {
            double x = (double)k - place;
            if (k >= 0 && k < (int64_t)n && fabs(x) < reach) {
                double sinc = fabs(x) < 1e-9 ? corner : sin(pi * corner * x) / (pi * x);
                out[m] += samples[k] * sinc * (0.5 + 0.5 * cos(pi * x / reach));
            }
        }
    }
    return out;
}

/* Noise through a one-pole low pass (750 Hz), to sound[n], snr decibels below the sound's mean power from first on, n_voice samples. */
static void add_noise(double *sound, size_t n, size_t first, size_t n_voice, double snr) {
    double power = 0;
    double noise_power = 0;
    double low = 0;
    double *noise = need(calloc(n, sizeof *noise));
    for (size_t k = first; k < first + n_voice; k++) {
        power += sound[k] * sound[k] / (double)n_voice;
    }
    for (size_t k = 0; k < n; k++) {
        low += 0.25 * (random_normal() - low);
        noise[k] = low;
        noise_power += low * low / (double)n;
    }
    double scale = sqrt(power / noise_power * pow(10, -snr / 10));
    for (size_t k = 0; k < n; k++) {
        sound[k] += scale * noise[k];
    }
    free(noise);
}

/* ---- files ---- */

static char names[MOST_NAMES][16];
static int n_names;

static void note_phone(const char *name) {
    int k = 0;
    while (k < n_names && strcmp(names[k], name) != 0) {
        k++;
    }
    if (k == n_names && n_names < MOST_NAMES) {
        strcpy(names[n_names++], name);
    }
}

/* espeak-ng writes a sound's variants (t2, I#, r-) as its name with one more character: the phone that they are folded into. */
static int plain_form(int variant) {
    size_t length = strlen(names[variant]);
    if (length > 1 && strchr("23#-", names[variant][length - 1]) != NULL) {
        for (int k = 0; k < n_names; k++) {
            if (strlen(names[k]) == length - 1 && strncmp(names[k], names[variant], length - 1) == 0) {
                return k;
            }
        }
    }
    return variant;
}

static FILE *create(const char *path) {
    FILE *file = fopen(path, "w");
    if (file == NULL) {
        give_up("can't write", path);
    }
    return file;
}

static void save_sound(const char *path, const double *sound, size_t n) {
    SF_INFO info = {.samplerate = RATE, .channels = 1, .format = SF_FORMAT_WAV | SF_FORMAT_PCM_16};
    SNDFILE *file = sf_open(path, SFM_WRITE, &info);
    int16_t *samples = need(malloc(n * sizeof *samples));
    for (size_t k = 0; k < n; k++) {
        samples[k] = (int16_t)lrint(fmax(-32768, fmin(32767, sound[k])));
    }
    if (file == NULL || sf_write_short(file, samples, (sf_count_t)n) != (sf_count_t)n || sf_close(file) != 0) {
        give_up("can't write", path);
    }
    free(samples);
}

/* The phones, all kinds of pauses as one, each to the start of the next; nothing that takes no time. */
static void save_labels(const char *path, size_t lead, size_t n, int from) {
    FILE *file = create(path);
    const char *name = "_";
    int64_t start = 0;
    for (int k = 0; k <= said.n_phones; k++) {
        const char *next = k == said.n_phones || said.phones[k].name[0] == '_' ? "_" : said.phones[k].name;
        int64_t stop = k == said.n_phones ? (int64_t)n : (int64_t)lead + said.phones[k].start * RATE / from;
        bool same = strcmp(name, next) == 0 && next[0] == '_';
        if (stop > start && (!same || k == said.n_phones)) {
            fprintf(file, "%lld %lld %s\n", (long long)start, (long long)stop, name);
            note_phone(name);
            start = stop;
        }
        name = same ? name : next;
    }
    fclose(file);
}

static void make_folder(const char *path) {
    char part[PATH_SIZE];
    for (const char *slash = path; slash != NULL; slash = strchr(slash + 1, '/')) {
        snprintf(part, sizeof part, "%.*s", (int)(slash - path), path);
        mkdir(part, 0777);
    }
    mkdir(path, 0777);
}

static int compare_names(const void *a, const void *b) {
    return strcmp(a, b);
}

/* ---- speakers ---- */

/* Voices without effects, women's and men's in turn. */
static const char *const voices[] = {"f1",     "m1",    "f2",     "m2",      "f3",     "m3",    "f4",      "m4",
                                     "f5",     "m5",    "Alicia", "m6",      "Andrea", "m7",    "Annie",   "m8",
                                     "linda",  "Alex",  "steph",  "Andy",    "anika",  "Gene",  "belinda", "Lee",
                                     "shelby", "Mario", "aunty",  "Michael", "steph2", "Diogo", "steph3",  "Denis"};
enum { N_VOICES = sizeof voices / sizeof *voices };

typedef struct part {
    const char *folder;
    char letter; /* in its speakers' names */
    int first_voice;
    int n_sentences;
} part;

static void speak_part(const part *p, const char *root, const word_list *words, double snr, int from, FILE *speakers, FILE *development) {
    for (int s = 0; s * SENTENCES < p->n_sentences; s++) {
        int voice = (p->first_voice + s) % N_VOICES;
        char name[64];
        char folder[PATH_SIZE];
        char id[32];
        int speed = (int)random_uniform(130, 200);
        int pitch = (int)random_uniform(30, 70);
        int range = (int)random_uniform(30, 70);
        double loudness = random_uniform(0.3, 0.8);
        snprintf(id, sizeof id, "%c%c%03d", voice % 2 == 0 ? 'F' : 'M', p->letter, s);
        snprintf(name, sizeof name, "en-us+%s", voices[voice]);
        snprintf(folder, sizeof folder, "%s/%s/DR1/%s", root, p->folder, id);
        make_folder(folder);
        if (espeak_SetVoiceByName(name) != EE_OK) {
            give_up("espeak-ng has no voice", name);
        }
        espeak_SetParameter(espeakRATE, speed, 0);
        espeak_SetParameter(espeakPITCH, pitch, 0);
        espeak_SetParameter(espeakRANGE, range, 0);
        fprintf(speakers, "%s %s words-a-minute %d pitch %d range %d loudness %.3f\n", id, name, speed, pitch, range, loudness);
        if (development != NULL) {
            fprintf(development, "%s\n", id);
        }
        for (int k = 0; k < SENTENCES && s * SENTENCES + k < p->n_sentences; k++) {
            char text[TEXT_SIZE];
            char path[PATH_SIZE + 32];
            size_t n_voice;
            do {
                make_sentence(words, text);
            } while (!say(text));
            double *voiced = resample(said.samples, said.n, from, &n_voice);
            size_t lead = (size_t)random_uniform(0.05 * RATE, 0.15 * RATE);
            size_t n = lead + n_voice + (size_t)random_uniform(0.05 * RATE, 0.15 * RATE);
            double *sound = need(calloc(n, sizeof *sound));
            for (size_t i = 0; i < n_voice; i++) {
                sound[lead + i] = loudness * voiced[i];
            }
            add_noise(sound, n, lead, n_voice, snr);
            snprintf(path, sizeof path, "%s/S%d.WAV", folder, k);
            save_sound(path, sound, n);
            strcpy(path + strlen(path) - 3, "PHN");
            save_labels(path, lead, n, from);
            strcpy(path + strlen(path) - 3, "TXT");
            FILE *file = create(path);
            fprintf(file, "0 %zu %s\n", n, text);
            fclose(file);
            free(voiced);
            free(sound);
        }
    }
}

int main(int n_arguments, char **arguments) {
    if (n_arguments != 8) {
        give_up("usage:", "speak FOLDER WORDS SEED SNR-DB N-TRAIN N-VALID N-TEST");
    }
    const char *root = arguments[1];
    word_list words = read_words(arguments[2]);
    random_state = strtoull(arguments[3], NULL, 10);
    double snr = strtod(arguments[4], NULL);
    const part parts[] = {
        {"TRAIN", 'R', 0, atoi(arguments[5])}, {"TEST", 'D', 7, atoi(arguments[6])}, {"TEST", 'T', 12, atoi(arguments[7])}};
    int from = espeak_Initialize(AUDIO_OUTPUT_SYNCHRONOUS, 0, NULL, espeakINITIALIZE_PHONEME_EVENTS);
    if (from <= 0) {
        give_up("espeak-ng does not start:", "are its data installed (espeak-ng-data)?");
    }
    espeak_SetSynthCallback(hear);
    char path[PATH_SIZE];
    make_folder(root);
    snprintf(path, sizeof path, "%s/SPEAKERS.TXT", root);
    FILE *speakers = create(path);
    snprintf(path, sizeof path, "%s/development.txt", root);
    FILE *development = create(path);
    for (int p = 0; p < 3; p++) {
        speak_part(&parts[p], root, &words, snr, from, speakers, p == 1 ? development : NULL);
    }
    fclose(speakers);
    fclose(development);
    snprintf(path, sizeof path, "%s/phones.txt", root);
    FILE *phones = create(path);
    qsort(names, (size_t)n_names, sizeof *names, compare_names);
    for (int k = 0; k < n_names; k++) {
        fprintf(phones, "%s %s\n", names[k], names[plain_form(k)]);
    }
    fclose(phones);
    espeak_Terminate();
    printf("%d, %d and %d sentences, %d phones, in %s\n", parts[0].n_sentences, parts[1].n_sentences, parts[2].n_sentences, n_names, root);
    return 0;
}
