/* Finds when each phone of a recording begins, from what is said in it: see asterisk.sh.
 *
 *   align MODEL-FOLDER PHONE-DICTIONARY < LIST
 *
 * A line of LIST is the path of a G.722 recording, a tab, the path for its samples (16 bits, 16 kHz, no header), a tab, and a grammar (JSGF) whose words are phones. For each, a line of
 * the path, the number of samples, the mean acoustic score of a frame, and the phones with the frames (10 ms) in which they begin: AA 12 SIL 30 ...; or of the path and
 * the word none, if the recording does not fit the grammar. pocketsphinx's acoustic models take a phone by its neighbours, as they do within words. */
#include <pocketsphinx.h>
#include <sphinxbase/err.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The parts of spandsp.h that are needed, in their order; the whole has types that pocketsphinx's headers have too. */
/* clang-format off */
#include <spandsp/telephony.h>
#include <spandsp/g722.h>
/* clang-format on */

enum { LONGEST = 16000 * 120, LINE = 1 << 20 };

static void give_up(const char *what, const char *about) {
    fprintf(stderr, "align: %s %s\n", what, about);
    exit(1);
}

/* Two samples a byte. */
static int read_g722(const char *path, int16_t *samples) {
    static uint8_t bytes[LONGEST / 2];
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        give_up("can't read", path);
    }
    int n = (int)fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    g722_decode_state_t *decoder = g722_decode_init(NULL, 64000, 0);
    if (decoder == NULL) {
        give_up("no memory to decode", path);
    }
    n = g722_decode(decoder, samples, bytes, n);
    g722_decode_free(decoder);
    return n;
}

static void save_samples(const char *path, const int16_t *samples, int n) {
    FILE *file = fopen(path, "wb");
    if (file == NULL || fwrite(samples, sizeof *samples, (size_t)n, file) != (size_t)n || fclose(file) != 0) {
        give_up("can't write", path);
    }
}

/* Prints the result's line. */
static void align(ps_decoder_t *decoder, const char *path, const char *grammar, const int16_t *samples, int n) {
    if (ps_set_jsgf_string(decoder, "said", grammar) != 0 || ps_set_search(decoder, "said") != 0) {
        give_up("no grammar:", grammar);
    }
    if (ps_start_utt(decoder) != 0 || ps_process_raw(decoder, samples, (size_t)n, false, true) < 0 || ps_end_utt(decoder) != 0) {
        give_up("can't align", path);
    }
    int32_t best = 0;
    bool whole = ps_get_hyp(decoder, &best) != NULL;
    double score = 0;
    int n_frames = ps_get_n_frames(decoder);
    for (ps_seg_t *s = whole ? ps_seg_iter(decoder) : NULL; s != NULL; s = ps_seg_next(s)) {
        int32_t acoustic = 0;
        ps_seg_prob(s, &acoustic, NULL, NULL);
        score += acoustic;
    }
    if (!whole || n_frames < 1) {
        printf("%s\tnone\n", path);
        return;
    }
    printf("%s\t%d\t%.3f\t", path, n, score / n_frames);
    for (ps_seg_t *s = ps_seg_iter(decoder); s != NULL; s = ps_seg_next(s)) {
        int begin;
        int end;
        ps_seg_frames(s, &begin, &end);
        if (end >= begin && strcmp(ps_seg_word(s), "(NULL)") != 0) {
            printf("%s %d ", ps_seg_word(s), begin);
        }
    }
    printf("\n");
}

int main(int n_arguments, char **arguments) {
    static int16_t samples[LONGEST];
    static char line[LINE];
    if (n_arguments != 3) {
        give_up("usage:", "align MODEL-FOLDER PHONE-DICTIONARY < LIST");
    }
    err_set_logfp(NULL);
    cmd_ln_t *config = cmd_ln_init(NULL, ps_args(), true, "-hmm", arguments[1], "-dict", arguments[2], "-fsgusefiller", "no",
                                   "-remove_silence", "no", "-beam", "1e-100", "-pbeam", "1e-100", "-wbeam", "1e-100", "-maxhmmpf", "-1",
                                   "-bestpath", "no", "-wip", "1.0", "-dither", "no", NULL);
    ps_decoder_t *decoder = config != NULL ? ps_init(config) : NULL;
    if (decoder == NULL) {
        give_up("pocketsphinx does not start with", arguments[1]);
    }
    while (fgets(line, sizeof line, stdin) != NULL) {
        char *rest = line;
        char *path = strsep(&rest, "\t");
        char *to = strsep(&rest, "\t");
        if (rest == NULL) {
            give_up("not a line of a list:", line);
        }
        int n = read_g722(path, samples);
        save_samples(to, samples, n);
        align(decoder, path, rest, samples, n);
    }
    ps_free(decoder);
    cmd_ln_free_r(config);
    return 0;
}
