/* Recordings, labels, corpora in TIMIT's layout, and the tasks timit and speech-digits, on a miniature of TIMIT (tests/make_timit.py) and made-up digits. */
#include "base/file.h"
#include "speech/corpus.h"
#include "tasks/utterances.h"

#include <math.h>
#include <sndfile.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* clang-format off: last, as cmocka's macro fail() would be in the way of base/error.h */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */

enum { PATH_SIZE = 1200, RATE = 16000 };

static char work[1024];

static const char *at(char path[PATH_SIZE], const char *name) {
    assert_int_equal(path_join(path, PATH_SIZE, work, name), LSNN_OK);
    return path;
}

static void run(const char *format, const char *argument) {
    char command[4096];
    snprintf(command, sizeof command, format, argument);
    assert_int_equal(system(command), 0);
}

static int make_corpora(void **state) {
    (void)state;
    const char *temporary = getenv("TMPDIR");
    snprintf(work, sizeof work, "%s/lsnn-speech-XXXXXX", temporary != NULL ? temporary : "/tmp");
    if (mkdtemp(work) == NULL) {
        return 1;
    }
    run("python3 " LSNN_SOURCE_DIR "/tests/make_timit.py '%s/mini'", work);
    run("python3 " LSNN_SOURCE_DIR "/tests/make_timit.py '%s/above/timit' --lower", work);
    run("python3 " LSNN_SOURCE_DIR "/tests/make_digits.py '%s/data'", work);
    return 0;
}

static int remove_corpora(void **state) {
    (void)state;
    run("rm -rf '%s'", work);
    return 0;
}

static void need_said(const char *words) {
    if (strstr(lsnn_error(), words) == NULL) {
        fail_msg("'%s' does not say '%s'", lsnn_error(), words);
    }
}

static void write_text(const char *name, const char *text) {
    char path[PATH_SIZE];
    assert_int_equal(file_write_atomic(at(path, name), text, strlen(text)), LSNN_OK);
}

/* ---- recordings ---- */

static void save_sound(const char *name, int format, int rate, int channels, const short *samples, sf_count_t n) {
    char path[PATH_SIZE];
    SF_INFO info = {.samplerate = rate, .channels = channels, .format = format};
    SNDFILE *file = sf_open(at(path, name), SFM_WRITE, &info);
    assert_non_null(file);
    sf_command(file, SFC_SET_SCALE_INT_FLOAT_WRITE, NULL, SF_TRUE);
    assert_int_equal(sf_write_short(file, samples, n * channels), n * channels);
    assert_int_equal(sf_close(file), 0);
}

static void recordings_are_the_same_in_every_format(void **state) {
    (void)state;
    static const struct {
        const char *name;
        int format;
    } cases[] = {{"a.sph", SF_FORMAT_NIST | SF_FORMAT_PCM_16},   {"big.sph", SF_FORMAT_NIST | SF_FORMAT_PCM_16 | SF_ENDIAN_BIG},
                 {"a.wav", SF_FORMAT_WAV | SF_FORMAT_PCM_16},    {"a24.wav", SF_FORMAT_WAV | SF_FORMAT_PCM_24},
                 {"float.wav", SF_FORMAT_WAV | SF_FORMAT_FLOAT}, {"a.flac", SF_FORMAT_FLAC | SF_FORMAT_PCM_16}};
    enum { N = 1000 };
    short samples[N];
    for (int k = 0; k < N; k++) {
        samples[k] = (short)(k == 0 ? -32768 : k == 1 ? 32767 : k * 7919 % 30000 - 15000);
    }
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        char path[PATH_SIZE];
        sound s;
        save_sound(cases[c].name, cases[c].format, RATE, 1, samples, N);
        lsnn_status status = sound_open(at(path, cases[c].name), RATE, &s);
        if (status != LSNN_OK) {
            fail_msg("%s: %s", cases[c].name, lsnn_error());
        }
        assert_int_equal(s.n, N);
        for (int k = 0; k < N; k++) {
            assert_true(s.samples[k] == (float)samples[k]);
        }
        sound_release(&s);
    }
}

static lsnn_status try_sound(const char *name) {
    char path[PATH_SIZE];
    sound s;
    lsnn_status status = sound_open(at(path, name), RATE, &s);
    assert_int_not_equal(status, LSNN_OK);
    return status;
}

static void cut(const char *from, const char *to, size_t n) {
    char path[PATH_SIZE];
    uint8_t *bytes;
    size_t size;
    assert_int_equal(file_read(at(path, from), &bytes, &size), LSNN_OK);
    assert_true(n < size);
    assert_int_equal(file_write_atomic(at(path, to), bytes, n), LSNN_OK);
    free(bytes);
}

static void what_is_no_recording_is_refused(void **state) {
    (void)state;
    short samples[4000] = {1, 2, 3};
    save_sound("right.wav", SF_FORMAT_WAV | SF_FORMAT_PCM_16, RATE, 1, samples, 2000);
    save_sound("right.sph", SF_FORMAT_NIST | SF_FORMAT_PCM_16, RATE, 1, samples, 2000);
    save_sound("slow.wav", SF_FORMAT_WAV | SF_FORMAT_PCM_16, 8000, 1, samples, 2000);
    save_sound("two.wav", SF_FORMAT_WAV | SF_FORMAT_PCM_16, RATE, 2, samples, 2000);
    save_sound("none.wav", SF_FORMAT_WAV | SF_FORMAT_PCM_16, RATE, 1, samples, 0);
    write_text("empty.wav", "");
    write_text("text.wav", "0 2400 h#\n");
    write_text("header.wav", "NIST_1A\n   1024\nsample_count -i 20\nsample_rate -i 16000\nend_head\n");
    assert_int_equal(try_sound("missing.wav"), LSNN_ERR_IO);
    assert_int_equal(try_sound("empty.wav"), LSNN_ERR_DATA);
    need_said("empty.wav: is empty");
    assert_int_equal(try_sound("text.wav"), LSNN_ERR_DATA);
    need_said("no recording that can be read");
    need_said("begins with NIST_1A");
    assert_int_equal(try_sound("header.wav"), LSNN_ERR_DATA);
    need_said("header.wav: ");
    assert_int_equal(try_sound("slow.wav"), LSNN_ERR_DATA);
    need_said("has 8000 samples a second, speech.sample_rate is 16000");
    assert_int_equal(try_sound("two.wav"), LSNN_ERR_DATA);
    need_said("has 2 channels");
    assert_int_equal(try_sound("none.wav"), LSNN_ERR_DATA);
    need_said("has no samples");
    cut("right.wav", "short.wav", 3000);
    assert_int_equal(try_sound("short.wav"), LSNN_ERR_DATA);
    need_said("the file is cut short");
    cut("right.sph", "short.sph", 3000);
    assert_int_equal(try_sound("short.sph"), LSNN_ERR_DATA);
    need_said("header says 2000 samples, but it holds 988");
    for (size_t n = 1; n < 1200; n += n < 60 ? 1 : 61) { /* any length of a good file: an error, or all samples that its header speaks of */
        cut("right.wav", "some.wav", n);
        try_sound("some.wav");
        cut("right.sph", "some.sph", n);
        try_sound("some.sph");
    }
}

/* ---- phones and labels ---- */

static int class_of(const phone_set *set, const char *phone) {
    for (int k = 0; k < set->n_phones; k++) {
        if (strcmp(set->phones[k].text, phone) == 0) {
            return set->class_of[k];
        }
    }
    fail_msg("no phone %s", phone);
    return -1;
}

static void timit_has_61_phones_that_fold_to_39(void **state) {
    (void)state;
    phone_set all, folded;
    assert_int_equal(phone_set_timit(&all, false), LSNN_OK);
    assert_int_equal(phone_set_timit(&folded, true), LSNN_OK);
    assert_int_equal(all.n_phones, 61);
    assert_int_equal(all.n_classes, 61);
    assert_int_equal(folded.n_phones, 61);
    assert_int_equal(folded.n_classes, 39);
    /* The table, as groups. */
    static const char *const groups[][10] = {
        {"aa", "ao"},  {"ah", "ax", "ax-h"}, {"er", "axr"}, {"hh", "hv"},
        {"ih", "ix"},  {"l", "el"},          {"m", "em"},   {"n", "en", "nx"},
        {"ng", "eng"}, {"sh", "zh"},         {"uw", "ux"},  {"h#", "pcl", "tcl", "kcl", "bcl", "dcl", "gcl", "pau", "epi"}};
    int merged = 0;
    for (size_t g = 0; g < sizeof groups / sizeof *groups; g++) {
        for (int k = 1; groups[g][k] != NULL; k++, merged++) {
            assert_int_equal(class_of(&folded, groups[g][k]), class_of(&folded, groups[g][0]));
            assert_int_not_equal(class_of(&all, groups[g][k]), class_of(&all, groups[g][0]));
        }
    }
    assert_int_equal(61 - 1 - merged, 39); /* without q */
    assert_int_equal(class_of(&folded, "q"), -1);
    assert_true(class_of(&all, "q") >= 0);
    assert_string_equal(folded.classes[class_of(&folded, "h#")].text, "sil");
    phone_set_release(&all);
    phone_set_release(&folded);
}

static void other_corpora_bring_their_phones(void **state) {
    (void)state;
    char path[PATH_SIZE];
    phone_set set;
    write_text("phones.txt", "a vowel\r\n\n  e\tvowel\n_: -\nt#\n");
    assert_int_equal(phone_set_open(&set, at(path, "phones.txt"), true), LSNN_OK);
    assert_int_equal(set.n_classes, 2);
    assert_int_equal(class_of(&set, "a"), class_of(&set, "e"));
    assert_int_equal(class_of(&set, "_:"), -1);
    assert_int_equal(class_of(&set, "t#"), 1);
    phone_set_release(&set);
    assert_int_equal(phone_set_open(&set, at(path, "phones.txt"), false), LSNN_OK);
    assert_int_equal(set.n_classes, 4);
    phone_set_release(&set);
    static const struct {
        const char *text, *words;
    } wrong[] = {{"", "has 0 classes"},
                 {"a\n", "has 1 classes"},
                 {"a\nb\na\n", "line 3: a stands there twice"},
                 {"a b c\n", "line 1: has more than two words"},
                 {"a\naaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n", "line 2: a phone's name"}};
    for (size_t k = 0; k < sizeof wrong / sizeof *wrong; k++) {
        write_text("phones.txt", wrong[k].text);
        assert_int_equal(phone_set_open(&set, at(path, "phones.txt"), false), LSNN_ERR_DATA);
        need_said(wrong[k].words);
    }
    assert_int_equal(unlink(at(path, "phones.txt")), 0);
}

static void labels_are_checked_line_by_line(void **state) {
    (void)state;
    char path[PATH_SIZE];
    phone_set set;
    phone_labels labels;
    assert_int_equal(phone_set_timit(&set, false), LSNN_OK);
    write_text("right.phn", "0 100 h#\r\n100 250 sh\n\n250 1005 iy\n");
    assert_int_equal(phone_labels_open(&labels, at(path, "right.phn"), &set, 1000, 10, false), LSNN_OK);
    assert_int_equal(labels.n, 3);
    static const struct {
        int sample;
        const char *phone;
    } places[] = {{0, "h#"}, {99, "h#"}, {100, "sh"}, {249, "sh"}, {250, "iy"}, {1004, "iy"}};
    for (size_t k = 0; k < sizeof places / sizeof *places; k++) {
        assert_int_equal(phone_labels_class(&labels, places[k].sample), class_of(&set, places[k].phone));
    }
    assert_int_equal(phone_labels_class(&labels, 1005), -1);
    phone_labels_release(&labels);

    static const struct {
        const char *text, *words;
    } wrong[] = {{"", "has no labels"},
                 {"\n \n", "has no labels"},
                 {"0 100\n", "line 1: is not of the form '0 2400 h#'"},
                 {"0 100 h#\n100 sh 200\n", "line 2: is not of the form"},
                 {"-5 100 h#\n", "line 1: is not of the form"},
                 {"0 100 h# x\n", "line 1: is not of the form"},
                 {"0 1e2 h#\n", "line 1: is not of the form"},
                 {"0 99999999999999999999 h#\n", "line 1: is not of the form"},
                 {"0 100 h#\n100 200 xyz\n", "line 2: 'xyz' is none of TIMIT's 61 phones"},
                 {"0 100 h#\n100 100 sh\n", "line 2: sh ends at sample 100, but begins at 100"},
                 {"100 200 h#\n0 100 sh\n", "line 2: sh begins at sample 0, the line before it at 100; put the lines in order"},
                 {"0 100 h#\n90 200 sh\n", "line 2: sh begins at sample 90, within the phone before it, which ends at 100"},
                 {"0 100 h#\n120 200 sh\n", "line 2: sh begins at sample 120, but the phone before it ends at 100; fill the gap"},
                 {"0 100 h#\n100 1011 sh\n", "line 2: sh ends at sample 1011, but the recording at 1000"}};
    for (size_t k = 0; k < sizeof wrong / sizeof *wrong; k++) {
        write_text("wrong.phn", wrong[k].text);
        assert_int_equal(phone_labels_open(&labels, at(path, "wrong.phn"), &set, 1000, 10, false), LSNN_ERR_DATA);
        need_said("wrong.phn");
        need_said(wrong[k].words);
    }
    write_text("wrong.phn", "20 100 h#\n120 200 sh\n");
    assert_int_equal(phone_labels_open(&labels, at(path, "wrong.phn"), &set, 1000, 10, true), LSNN_OK);
    assert_int_equal(phone_labels_class(&labels, 19), -1);
    assert_int_equal(phone_labels_class(&labels, 110), -1);
    assert_int_equal(phone_labels_class(&labels, 120), class_of(&set, "sh"));
    assert_int_equal(phone_labels_class(&labels, 500), -1);
    phone_labels_release(&labels);
    phone_set_release(&set);
}

/* ---- corpora ---- */

static int count_of(const corpus *c, corpus_part part, const char *in_path) {
    int n = 0;
    for (int64_t k = 0; k < c->n[part]; k++) {
        n += strstr(c->sentences[part][k].sound, in_path) != NULL;
    }
    return n;
}

static void timit_is_dealt_out_by_its_lists(void **state) {
    (void)state;
    static const char *const roots[] = {"mini", "above"}; /* the second in lower case, in a folder timit */
    for (int r = 0; r < 2; r++) {
        char path[PATH_SIZE];
        corpus c;
        assert_int_equal(corpus_open(&c, at(path, roots[r])), LSNN_OK);
        assert_true(c.is_timit);
        assert_string_equal(c.phones, "");
        assert_int_equal(c.n[CORPUS_TRAIN], 5 * 3); /* speakers, sentences but SA */
        assert_int_equal(c.n[CORPUS_VALID], 2 * 3);
        assert_int_equal(c.n[CORPUS_TEST], 3 * 3);
        assert_int_equal(count_of(&c, CORPUS_VALID, r == 0 ? "TEST/DR1/FAKS0/S" : "test/dr1/faks0/s"), 3);
        assert_int_equal(count_of(&c, CORPUS_VALID, r == 0 ? "TEST/DR5/MRJM4/S" : "test/dr5/mrjm4/s"), 3);
        for (int p = 0; p < CORPUS_PARTS; p++) {
            assert_int_equal(count_of(&c, (corpus_part)p, r == 0 ? "/SA" : "/sa"), 0);
            assert_int_equal(count_of(&c, (corpus_part)p, r == 0 ? "MSJS1" : "msjs1"), 0);
            for (int64_t k = 1; k < c.n[p]; k++) {
                assert_true(strcmp(c.sentences[p][k - 1].sound, c.sentences[p][k].sound) < 0);
            }
        }
        corpus_release(&c);
    }
}

static void other_corpora_are_dealt_out_by_their_folders_and_a_list(void **state) {
    (void)state;
    char path[PATH_SIZE];
    corpus c;
    run("cd '%s' && cp -r mini own", work);
    write_text("own/development.txt", "mcpm0\r\nFELC0/SX37\n\n");
    assert_int_equal(corpus_open(&c, at(path, "own")), LSNN_OK);
    assert_false(c.is_timit);
    assert_int_equal(c.n[CORPUS_VALID], 5 + 1);
    assert_int_equal(count_of(&c, CORPUS_VALID, "TRAIN/DR1/MCPM0/"), 5);
    assert_int_equal(count_of(&c, CORPUS_VALID, "TEST/DR1/FELC0/SX37."), 1);
    assert_int_equal(c.n[CORPUS_TRAIN], 4 * 5); /* SA sentences count */
    assert_int_equal(c.n[CORPUS_TEST], 6 * 5 - 1);
    corpus_release(&c);
    write_text("own/development.txt", "MCPM0\nFELC0/SX3\n"); /* SX37 is not SX3 */
    assert_int_equal(corpus_open(&c, path), LSNN_ERR_DATA);
    need_said("no sentence of the corpus is FELC0/SX3's or called so");
}

static lsnn_status try_corpus(const char *name) {
    char path[PATH_SIZE];
    corpus c;
    lsnn_status status = corpus_open(&c, at(path, name));
    assert_int_not_equal(status, LSNN_OK);
    return status;
}

static void what_is_no_corpus_is_refused(void **state) {
    (void)state;
    assert_int_equal(try_corpus("nowhere"), LSNN_ERR_IO);
    need_said("no such folder; set data.path");
    assert_int_equal(try_corpus("mini/TRAIN"), LSNN_ERR_DATA);
    need_said("has neither TRAIN nor TEST, but DR1, DR4, DR8;");
    run("mkdir -p '%s/bare/TRAIN/DR1' ", work);
    assert_int_equal(try_corpus("bare"), LSNN_ERR_DATA);
    need_said("no sentences in it that TIMIT's lists know");
    run("cd '%s' && cp -r mini lacks", work);
    run("rm '%s/lacks/TRAIN/DR1/FCJF0/SX37.PHN'", work);
    assert_int_equal(try_corpus("lacks"), LSNN_ERR_DATA);
    need_said("FCJF0/SX37.WAV: has no labels (SX37.PHN) beside it");
    run("cd '%s' && cp -r mini twice && cp twice/TRAIN/DR1/FCJF0/SX37.WAV twice/TRAIN/DR1/FCJF0/sx37.sph", work);
    assert_int_equal(try_corpus("twice"), LSNN_ERR_DATA);
    need_said("FCJF0/SX37.WAV: is the same sentence as sx37.sph beside it");
    run("cd '%s/lacks' && rm TRAIN/DR1/FCJF0/SX37.WAV TEST/DR1/MDAB0/SI1027.WAV", work);
    assert_int_equal(try_corpus("lacks"), LSNN_ERR_DATA);
    need_said("MDAB0/SI1027.PHN: has no recording (SI1027.WAV) beside it");
}

/* ---- the tasks ---- */

static task *open_task(const char *settings) {
    char data[PATH_SIZE];
    lsnn_experiment *e = NULL;
    task *t = NULL;
    lsnn_status status = experiment_parse(&e, "test", settings, "file");
    status = status == LSNN_OK ? task_open(&t, e, &(lsnn_run_options){.data_folder = at(data, "data")}) : status;
    if (status != LSNN_OK) {
        print_message("%s\n", lsnn_error());
    }
    lsnn_experiment_free(e);
    return t;
}

typedef struct sample {
    real *x; /* [n_steps][n_in] */
    int32_t *class_of;
} sample;

static sample take_sample(const task *t, split part, int64_t k) {
    sample s = {.x = calloc((size_t)t->n_steps * (size_t)t->n_in, sizeof *s.x),
                .class_of = calloc((size_t)t->n_windows, sizeof *s.class_of)};
    assert_true(s.x != NULL && s.class_of != NULL);
    for (int w = 0; w < t->n_windows; w++) {
        s.class_of[w] = -1;
    }
    sample_writer to = {
        .input = {.numbers = s.x, .step = (size_t)t->n_in, .input = 1}, .n_batch = 1, .n_out = t->n_out, .class_of = s.class_of};
    t->kind->write(t, part, 1, (uint64_t)k, &to);
    return s;
}

static void free_sample(sample *s) {
    free(s->x);
    free(s->class_of);
}

/* The phone at a sample, by a plain reading of the file. */
static void phone_at(const char *path, int64_t place, char phone[16]) {
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    long long start, stop;
    char name[16];
    strcpy(phone, "");
    while (fscanf(file, "%lld %lld %15s", &start, &stop, name) == 3) {
        if (place >= start && place < stop) {
            strcpy(phone, name);
        }
    }
    fclose(file);
}

static void frames_have_the_phone_at_their_centre(void **state) {
    (void)state;
    char settings[PATH_SIZE + 200], path[PATH_SIZE];
    corpus c;
    phone_set phones;
    assert_int_equal(corpus_open(&c, at(path, "mini")), LSNN_OK);
    for (int folded = 0; folded < 2; folded++) {
        assert_int_equal(phone_set_timit(&phones, folded == 1), LSNN_OK);
        snprintf(settings, sizeof settings, "task: timit\ndata.path: %s\nspeech: {fold: %s, frame_ms: 3}\n", path,
                 folded == 1 ? "true" : "false");
        task *t = open_task(settings);
        assert_non_null(t);
        assert_int_equal(t->n_in, 39);
        assert_int_equal(t->n_out, folded == 1 ? 39 : 61);
        assert_int_equal(t->input, LSNN_CURRENTS);
        assert_int_equal(t->loss, LOSS_CROSS_ENTROPY);
        assert_true(t->lower_is_better);
        int longest = 0;
        int n_unknown = 0;
        for (int p = 0; p < SPLITS; p++) {
            assert_int_equal(t->n_samples[p], c.n[p]);
            for (int64_t k = 0; k < c.n[p]; k++) {
                sound recording;
                assert_int_equal(sound_open(c.sentences[p][k].sound, RATE, &recording), LSNN_OK);
                int n_frames = 1 + (int)ceil((double)(recording.n - 400) / 160);
                int length = t->kind->length(t, (split)p, (uint64_t)k);
                assert_int_equal(length, 3 * n_frames);
                longest = length > longest ? length : longest;
                sample s = take_sample(t, (split)p, k);
                for (int w = 0; w < t->n_windows; w++) {
                    char phone[16];
                    phone_at(c.sentences[p][k].labels, w * 160 + 200, phone);
                    int expected = w < n_frames && *phone != '\0' ? class_of(&phones, phone) : -1;
                    n_unknown += w < n_frames && expected < 0;
                    assert_int_equal(s.class_of[w], expected);
                }
                for (int i = 0; i < t->n_in; i++) {
                    assert_true(s.x[i] == s.x[2 * t->n_in + i] &&
                                (n_frames == 1 || s.x[i] != s.x[3 * t->n_in + i])); /* a frame is held for 3 steps */
                    for (int step = length; step < t->n_steps; step++) {
                        assert_true(s.x[step * t->n_in + i] == 0);
                    }
                }
                free_sample(&s);
                sound_release(&recording);
            }
        }
        assert_int_equal(t->n_steps, longest);
        assert_int_equal(t->n_windows * 3, longest);
        assert_true(folded == 0 || n_unknown > 0); /* q, which does not count */
        for (int w = 0; w < t->n_windows; w++) {
            assert_int_equal(t->window_start[w], 3 * w);
            assert_int_equal(t->window_stop[w], 3 * w + 3);
        }
        task_close(t);
        phone_set_release(&phones);
    }
    corpus_release(&c);
}

static void features_have_mean_0_and_deviation_1_over_the_training_sentences(void **state) {
    (void)state;
    char settings[PATH_SIZE + 200], path[PATH_SIZE];
    static const struct {
        const char *more;
        int n_in;
    } cases[] = {{"", 39},
                 {"features: mel, n_filters: 40", 123},
                 {"features: mel, n_filters: 20, energy: false, differences: 1", 40},
                 {"n_coefficients: 10, differences: 0", 10}};
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        snprintf(settings, sizeof settings, "task: timit\ndata.path: %s\nspeech: {frame_ms: 1, %s}\n", at(path, "mini"), cases[c].more);
        task *t = open_task(settings);
        assert_non_null(t);
        assert_int_equal(t->n_in, cases[c].n_in);
        double sums[123] = {0}, squares[123] = {0}, n = 0;
        for (int64_t k = 0; k < t->n_samples[SPLIT_TRAIN]; k++) {
            sample s = take_sample(t, SPLIT_TRAIN, k);
            int length = t->kind->length(t, SPLIT_TRAIN, (uint64_t)k);
            n += length;
            for (int at_step = 0; at_step < length * t->n_in; at_step++) {
                sums[at_step % t->n_in] += (double)s.x[at_step];
                squares[at_step % t->n_in] += (double)s.x[at_step] * (double)s.x[at_step];
            }
            free_sample(&s);
        }
        for (int i = 0; i < t->n_in; i++) {
            assert_true(fabs(sums[i] / n) < 1e-4);
            assert_true(fabs(squares[i] / n - 1) < 1e-3);
        }
        task_close(t);
    }
}

typedef struct evenness {
    bool means_are_0, deviations_are_1;
} evenness;

/* Of the features of n test samples together. */
static evenness evenness_of(const task *t, int64_t first, int64_t n) {
    enum { N_IN = 13 };
    evenness even = {true, true};
    double sums[N_IN] = {0}, squares[N_IN] = {0}, n_frames = 0;
    for (int64_t k = first; k < first + n; k++) {
        sample s = take_sample(t, SPLIT_TEST, k);
        int length = t->kind->length(t, SPLIT_TEST, (uint64_t)k);
        n_frames += length;
        for (int at_step = 0; at_step < length * N_IN; at_step++) {
            sums[at_step % N_IN] += (double)s.x[at_step];
            squares[at_step % N_IN] += (double)s.x[at_step] * (double)s.x[at_step];
        }
        free_sample(&s);
    }
    for (int i = 0; i < N_IN; i++) {
        even.means_are_0 = even.means_are_0 && fabs(sums[i] / n_frames) < 1e-4;
        even.deviations_are_1 = even.deviations_are_1 && fabs(squares[i] / n_frames - 1) < 1e-3;
    }
    return even;
}

/* speech.per_recording and per_speaker: the mean over each recording, or each speaker's, is taken off, and the deviation divided by. */
static void recordings_and_speakers_are_evened_out(void **state) {
    (void)state;
    enum { OF_A_SPEAKER = 3 }; /* sentences in the test */
    static const char *const kinds[] = {"nothing", "mean", "deviation"};
    char settings[PATH_SIZE + 200], path[PATH_SIZE];
    for (int c = 0; c < 6; c++) {
        bool of_speakers = c >= 3;
        snprintf(settings, sizeof settings, "task: timit\ndata.path: %s\nspeech: {frame_ms: 1, differences: 0, %s: %s}\n", at(path, "mini"),
                 of_speakers ? "per_speaker" : "per_recording", kinds[c % 3]);
        task *t = open_task(settings);
        assert_non_null(t);
        assert_int_equal(t->n_samples[SPLIT_TEST], 3 * OF_A_SPEAKER);
        evenness alone = {true, true}, together = {true, true};
        for (int64_t k = 0; k < t->n_samples[SPLIT_TEST]; k++) {
            evenness even = evenness_of(t, k, 1);
            alone = (evenness){alone.means_are_0 && even.means_are_0, alone.deviations_are_1 && even.deviations_are_1};
        }
        for (int64_t k = 0; k < t->n_samples[SPLIT_TEST]; k += OF_A_SPEAKER) {
            evenness even = evenness_of(t, k, OF_A_SPEAKER);
            together = (evenness){together.means_are_0 && even.means_are_0, together.deviations_are_1 && even.deviations_are_1};
        }
        assert_int_equal(alone.means_are_0, !of_speakers && c % 3 >= 1);
        assert_int_equal(alone.deviations_are_1, !of_speakers && c % 3 == 2);
        assert_int_equal(together.means_are_0, c % 3 >= 1);
        assert_int_equal(together.deviations_are_1, c % 3 == 2);
        task_close(t);
    }
}

/* speech.warp: each training recording three times, with the same labels and length, and other features; what is not trained on is as it was. */
static void training_recordings_get_other_voices(void **state) {
    (void)state;
    char settings[PATH_SIZE + 200], path[PATH_SIZE];
    task *t[2];
    for (int c = 0; c < 2; c++) {
        snprintf(settings, sizeof settings, "task: timit\ndata.path: %s\nspeech: {frame_ms: 1, per_speaker: deviation, warp: %s}\n",
                 at(path, "mini"), c == 0 ? "0" : "0.1");
        t[c] = open_task(settings);
        assert_non_null(t[c]);
    }
    int64_t n = t[0]->n_samples[SPLIT_TRAIN];
    assert_int_equal(t[1]->n_samples[SPLIT_TRAIN], 3 * n);
    assert_int_equal(t[1]->n_samples[SPLIT_VALID], t[0]->n_samples[SPLIT_VALID]);
    assert_int_equal(t[1]->n_samples[SPLIT_TEST], t[0]->n_samples[SPLIT_TEST]);
    assert_int_equal(t[1]->n_steps, t[0]->n_steps);
    size_t size = (size_t)t[0]->n_steps * (size_t)t[0]->n_in * sizeof(real);
    for (int64_t k = 0; k < n; k++) {
        sample plain = take_sample(t[0], SPLIT_TRAIN, k);
        sample voices[3];
        for (int v = 0; v < 3; v++) {
            voices[v] = take_sample(t[1], SPLIT_TRAIN, v * n + k);
            assert_int_equal(t[1]->kind->length(t[1], SPLIT_TRAIN, (uint64_t)(v * n + k)),
                             t[0]->kind->length(t[0], SPLIT_TRAIN, (uint64_t)k));
            assert_memory_equal(voices[v].class_of, plain.class_of, (size_t)t[0]->n_windows * sizeof *plain.class_of);
            assert_true(v == 0 || memcmp(voices[v].x, voices[0].x, size) != 0);
        }
        assert_true(memcmp(voices[1].x, voices[2].x, size) != 0);
        for (int v = 0; v < 3; v++) {
            free_sample(&voices[v]);
        }
        free_sample(&plain);
    }
    for (int c = 0; c < 2; c++) {
        task_close(t[c]);
    }
}

static void settings_that_do_not_fit_are_refused(void **state) {
    (void)state;
    static const struct {
        const char *more, *words;
    } wrong[] = {{"n_coefficients: 27", "speech.n_coefficients is 27, speech.n_filters 26"},
                 {"high_hz: 9000", "speech.high_hz 9000"},
                 {"low_hz: 4000, high_hz: 4000", "low < high <= 8000"},
                 {"n_filters: 200", "lies between two bins of the FFT"},
                 {"hop_ms: 0.001", "make them longer"},
                 {"per_recording: mean, per_speaker: deviation", "speech.per_recording is mean and speech.per_speaker deviation"},
                 {"sample_rate: 8000", "has 16000 samples a second, speech.sample_rate is 8000"}};
    char settings[PATH_SIZE + 200], path[PATH_SIZE];
    for (size_t k = 0; k < sizeof wrong / sizeof *wrong; k++) {
        snprintf(settings, sizeof settings, "task: timit\ndata.path: %s\nspeech: {%s}\n", at(path, "mini"), wrong[k].more);
        assert_null(open_task(settings));
        need_said(wrong[k].words);
    }
}

static void digits_are_split_by_speaker(void **state) {
    (void)state;
    static const struct {
        const char *more;
        int n[SPLITS];
    } cases[] = {{"leave_out: bob", {2 * 10 * 5, 2 * 10 * 3, 80}}, {"leave_out: ann, valid_speaker: cid", {80, 80, 80}}};
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        char settings[300];
        snprintf(settings, sizeof settings, "task: speech-digits\nspeech: {sample_rate: 8000, frame_ms: 3, %s}\n", cases[c].more);
        task *t = open_task(settings);
        assert_non_null(t);
        int seen[10] = {0};
        int longest = 0;
        for (int p = 0; p < SPLITS; p++) {
            assert_int_equal(t->n_samples[p], cases[c].n[p]);
            for (int64_t k = 0; k < t->n_samples[p]; k++) {
                int length = t->kind->length(t, (split)p, (uint64_t)k);
                longest = length > longest ? length : longest;
                sample s = take_sample(t, (split)p, k);
                seen[s.class_of[0]]++;
                assert_true(length % 3 == 0 && s.x[0] != 0 &&
                            s.x[(length - 1) * t->n_in] != 0); /* it is shown from the first step to the last */
                assert_true(length == t->n_steps || s.x[length * t->n_in] == 0);
                free_sample(&s);
            }
        }
        assert_int_equal(t->n_steps, longest);
        assert_true(t->n_windows == 1 && t->window_start[0] == 0 && t->window_stop[0] == longest);
        for (int d = 0; d < 10; d++) {
            assert_int_equal(seen[d], 24);
        }
        task_close(t);
    }
    assert_null(open_task("task: speech-digits\nspeech: {sample_rate: 8000, leave_out: eve}\n"));
    need_said("speech.leave_out is 'eve', but the speakers are ann, bob, cid");
    assert_null(open_task("task: speech-digits\nspeech: {sample_rate: 8000, leave_out: bob, valid_speaker: bob}\n"));
    need_said("both bob");
    assert_null(open_task("task: speech-digits\nspeech: {leave_out: bob}\n"));
    need_said("has 8000 samples a second");
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(recordings_are_the_same_in_every_format),
                                       cmocka_unit_test(what_is_no_recording_is_refused),
                                       cmocka_unit_test(timit_has_61_phones_that_fold_to_39),
                                       cmocka_unit_test(other_corpora_bring_their_phones),
                                       cmocka_unit_test(labels_are_checked_line_by_line),
                                       cmocka_unit_test(timit_is_dealt_out_by_its_lists),
                                       cmocka_unit_test(other_corpora_are_dealt_out_by_their_folders_and_a_list),
                                       cmocka_unit_test(what_is_no_corpus_is_refused),
                                       cmocka_unit_test(frames_have_the_phone_at_their_centre),
                                       cmocka_unit_test(features_have_mean_0_and_deviation_1_over_the_training_sentences),
                                       cmocka_unit_test(recordings_and_speakers_are_evened_out),
                                       cmocka_unit_test(training_recordings_get_other_voices),
                                       cmocka_unit_test(settings_that_do_not_fit_are_refused),
                                       cmocka_unit_test(digits_are_split_by_speaker)};
    return cmocka_run_group_tests(tests, make_corpora, remove_corpora);
}
