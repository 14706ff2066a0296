#include "data/download.h"

#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "config/share.h"
#include "data/archive.h"

/* ---- the data sets ---- */

enum { PATH_SIZE = 2048, MAX_FILES = 4, MAX_MIRRORS = 2 };

typedef struct data_file {
    const char *name;   /* decompressed; what is downloaded has .gz at its end */
    const char *sha256; /* and size, of the decompressed content; of an archive, see check_recordings, and at most this size */
    size_t n_bytes;
    const char *archive; /* of recordings: its name on the mirrors; NULL: no archive */
} data_file;

typedef struct data_set {
    const char *name, *summary, *licence;
    const char *mirrors[MAX_MIRRORS];
    int n_files; /* 0: ships with the program */
    data_file files[MAX_FILES];
} data_set;

static const data_set sets[] = {
    {"digits",
     "1,797 handwritten digits of 8 x 8 pixels (UCI optical recognition, test part); ships with the program",
     "CC BY 4.0",
     {NULL},
     0,
     {{0}}},
    {"mnist",
     "70,000 handwritten digits of 28 x 28 pixels (60,000 to train, 10,000 to test); 11 MB",
     "CC BY-SA 3.0",
     {"https://ossci-datasets.s3.amazonaws.com/mnist", "https://storage.googleapis.com/cvdf-datasets/mnist"},
     4,
     {{"train-images-idx3-ubyte", "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db", 47040016, NULL},
      {"train-labels-idx1-ubyte", "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5", 60008, NULL},
      {"t10k-images-idx3-ubyte", "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7", 7840016, NULL},
      {"t10k-labels-idx1-ubyte", "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2", 10008, NULL}}},
    {"fsdd",
     "3,000 spoken digits by six speakers (free spoken digit dataset, version 1.0.10); 16 MB",
     "CC BY-SA 4.0",
     {"https://github.com/Jakobovski/free-spoken-digit-dataset/archive/refs/tags"},
     1,
     {{"recordings.tar", "1801eae019c063377d98f831d3f93574f259475df7332bb0e3d1b080fb5e6959", 48 << 20, "v1.0.10.tar.gz"}}},
};

enum { N_SETS = sizeof sets / sizeof *sets };

static const char *variable(const char *name) {
    const char *value = getenv(name);
    return value != NULL && *value != 0 ? value : NULL;
}

lsnn_status data_folder(char *out, size_t size, const char *folder, const char *set) {
    char home[PATH_SIZE];
    const char *above = folder != NULL ? folder : variable("LSNN_DATA");
    if (above == NULL) {
        const char *data_home = variable("XDG_DATA_HOME"), *user_home = variable("HOME");
        if (data_home == NULL && user_home == NULL) {
            return fail(LSNN_ERR_IO, "no folder for data: neither LSNN_DATA nor HOME is set; point LSNN_DATA or --data at one");
        }
        lsnn_status status = data_home != NULL ? path_join(home, sizeof home, data_home, "lsnn")
                                               : path_join(home, sizeof home, user_home, ".local/share/lsnn");
        if (status != LSNN_OK) {
            return status;
        }
        above = home;
    }
    return path_join(out, size, above, set);
}

/* folder/NAME if it is there, else folder/NAME.gz if that is, else "". */
static lsnn_status find(char path[PATH_SIZE], const char *folder, const data_file *file) {
    char packed[64];
    snprintf(packed, sizeof packed, "%s.gz", file->name);
    const char *const names[] = {file->name, packed};
    for (int i = 0; i < 2; ++i) {
        lsnn_status status = path_join(path, PATH_SIZE, folder, names[i]);
        if (status != LSNN_OK || file_exists(path)) {
            return status;
        }
    }
    *path = 0;
    return LSNN_OK;
}

lsnn_status lsnn_data_list(const char *folder, void (*each)(void *user, const lsnn_data_set *set), void *user) {
    for (int i = 0; i < N_SETS; ++i) {
        lsnn_data_set set = {.name = sets[i].name, .summary = sets[i].summary, .licence = sets[i].licence, .present = true};
        if (sets[i].n_files == 0) {
            set.present = share_path(set.path, sizeof set.path, "data") == LSNN_OK;
        } else {
            lsnn_status status = data_folder(set.path, sizeof set.path, folder, sets[i].name);
            for (int f = 0; status == LSNN_OK && f < sets[i].n_files; ++f) {
                char path[PATH_SIZE];
                status = find(path, set.path, &sets[i].files[f]);
                set.present = set.present && *path != 0;
            }
            if (status != LSNN_OK) {
                return status;
            }
        }
        each(user, &set);
    }
    return LSNN_OK;
}

/* ---- one transfer ---- */

typedef struct transfer {
    const lsnn_data_options *options;
    const char *name; /* for the progress */
    int file;         /* FILE.part, open and locked */
    int64_t offset;   /* what was there when this request began */
    int64_t length, max;
    int write_error; /* errno of a full disk and the like */
    bool too_long;
} transfer;

/* Returns less than was given to end the transfer. */
static size_t receive(char *bytes, size_t size, size_t count, void *user) {
    transfer *t = user;
    size_t n = size * count, done = 0;
    if ((int64_t)n > t->max - t->length) {
        t->too_long = true;
        return 0;
    }
    while (done < n) {
        ssize_t more = write(t->file, bytes + done, n - done);
        if (more < 0 && errno != EINTR) {
            t->write_error = errno;
            return 0;
        }
        done += more > 0 ? (size_t)more : 0;
    }
    t->length += (int64_t)n;
    return n;
}

static int report(void *user, curl_off_t total, curl_off_t now, curl_off_t up_total, curl_off_t up_now) {
    (void)up_total;
    (void)up_now;
    const transfer *t = user;
    return t->options->progress == NULL
               ? 0
               : t->options->progress(t->options->user, t->name, t->offset + now, total > 0 ? t->offset + total : 0);
}

static lsnn_status cut_to_nothing(transfer *t, const char *part) {
    if (ftruncate(t->file, 0) != 0 || lseek(t->file, 0, SEEK_SET) != 0) {
        return fail_errno(LSNN_ERR_IO, "%s: can't write", part);
    }
    t->length = 0;
    return LSNN_OK;
}

/* Requests what FILE.part still lacks. NETWORK: the message is the bare reason. */
static lsnn_status request(CURL *curl, transfer *t, const char *url, const char *part) {
    char reason[CURL_ERROR_SIZE] = "";
    t->offset = t->length;
    t->too_long = false;
    curl_easy_reset(curl);
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, reason);
    curl_easy_setopt(curl, CURLOPT_USERAGENT, "lsnn/" LSNN_VERSION);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L); /* signals belong to the program */
    curl_easy_setopt(curl, CURLOPT_FAILONERROR, 1L);
    curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 1L);
    curl_easy_setopt(curl, CURLOPT_MAXREDIRS, 5L);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, 20L);
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 100L); /* bytes a second, */
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, 30L);   /* for so many seconds, is a dead connection */
    curl_easy_setopt(curl, CURLOPT_RESUME_FROM_LARGE, (curl_off_t)t->offset);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, receive);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, t);
    curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, report);
    curl_easy_setopt(curl, CURLOPT_XFERINFODATA, t);
    CURLcode result = curl_easy_perform(curl);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, NULL); /* it goes out of scope */
    if (result == CURLE_OK) {
        return LSNN_OK;
    }
    if (result == CURLE_ABORTED_BY_CALLBACK) {
        return fail(LSNN_STOPPED, "%s: stopped; what has come is kept in %s, the same command goes on from there", url, part);
    }
    if (result == CURLE_OUT_OF_MEMORY) {
        return fail(LSNN_ERR_MEMORY, "%s: not enough memory to download it", url);
    }
    if (t->too_long) {
        return fail(LSNN_ERR_DATA, "more than %lld bytes came", (long long)t->max);
    }
    if (t->write_error != 0) {
        errno = t->write_error;
        return fail_errno(LSNN_ERR_IO, "%s: can't write", part);
    }
    return fail(LSNN_ERR_NETWORK, "%s", *reason != 0 ? reason : curl_easy_strerror(result));
}

/* As request, but from the start if the server can't go on where FILE.part ends, or has no more than that. */
static lsnn_status request_whole(CURL *curl, transfer *t, const char *url, const char *part) {
    lsnn_status status = request(curl, t, url, part);
    if (status == LSNN_ERR_NETWORK && t->offset > 0) {
        long code = 0;
        curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &code);
        if (code == 200 || code == 416) { /* the whole content instead of the rest; "range not satisfiable" */
            status = cut_to_nothing(t, part);
            return status != LSNN_OK ? status : request(curl, t, url, part);
        }
    }
    return status;
}

/* ---- one file ---- */

/* A line "SHA-256  NAME" for each .wav file of an archive, as sha256sum prints it. */
typedef struct wav_list {
    int n, room;
    char (*lines)[128];
} wav_list;

static lsnn_status list_wav(void *user, const char *name, const uint8_t *bytes, size_t n) {
    wav_list *list = user;
    const char *slash = strrchr(name, '/');
    const char *bare = slash != NULL ? slash + 1 : name;
    if (!path_has_ending(bare, ".wav")) {
        return LSNN_OK;
    }
    if (list->n == list->room) {
        int room = 2 * list->room + 1024;
        char(*larger)[128] = realloc(list->lines, (size_t)room * sizeof *larger);
        if (larger == NULL) {
            return fail(LSNN_ERR_MEMORY, "no memory for a list of %d recordings", room);
        }
        list->lines = larger;
        list->room = room;
    }
    char sha256[65];
    sha256_hex(bytes, n, sha256);
    snprintf(list->lines[list->n++], sizeof *list->lines, "%s  %.59s\n", sha256, bare);
    return LSNN_OK;
}

static int by_name(const void *a, const void *b) {
    return strcmp((const char *)a + 66, (const char *)b + 66);
}

/* The SHA-256 of what `LC_ALL=C sha256sum *.wav` prints in a folder with an archive's .wav files: whoever packs the same recordings, it stays the same. */
static lsnn_status check_recordings(const char *path, size_t max, char found[65]) {
    lsnn_status status = LSNN_OK;
    wav_list list = {0};
    char *text = NULL;
    TRY(archive_each(path, max, list_wav, &list));
    text = calloc((size_t)list.n + 1, sizeof *list.lines);
    if (text == NULL) {
        TRY(fail(LSNN_ERR_MEMORY, "no memory for a list of %d recordings", list.n));
    }
    if (list.n > 0) {
        qsort(list.lines, (size_t)list.n, sizeof *list.lines, by_name);
    }
    size_t length = 0;
    for (int k = 0; k < list.n; ++k) {
        strcpy(text + length, list.lines[k]);
        length += strlen(list.lines[k]);
    }
    sha256_hex(text, length, found);
out:
    free(list.lines);
    free(text);
    return status;
}

/* Has the file (gzip or not) the content that it should? DATA: the message says what it has. */
static lsnn_status check_content(const char *path, const data_file *file) {
    lsnn_status status = LSNN_OK;
    uint8_t *bytes = NULL;
    size_t n;
    char found[65];
    if (file->archive != NULL) {
        TRY(check_recordings(path, file->n_bytes, found));
    } else {
        TRY(file_read_gzip(path, file->n_bytes, &bytes, &n));
        sha256_hex(bytes, n, found);
    }
    if (strcmp(found, file->sha256) != 0) {
        status = fail(LSNN_ERR_DATA, "%s: the SHA-256 of the %s is %s where %s was expected", path,
                      file->archive != NULL ? "list of its recordings' SHA-256" : "decompressed content", found, file->sha256);
    }
out:
    free(bytes);
    return status;
}

__attribute__((format(printf, 2, 3))) static void say(const lsnn_data_options *options, const char *format, ...) {
    if (options->message != NULL) {
        char text[3 * PATH_SIZE];
        va_list arguments;
        va_start(arguments, format);
        vsnprintf(text, sizeof text, format, arguments);
        va_end(arguments);
        options->message(options->user, text);
    }
}

/* Opens, or creates, FILE.part at its end, for this process alone. */
static lsnn_status open_part(const char *part, transfer *t) {
    int file = open(part, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (file < 0) {
        return fail_errno(LSNN_ERR_IO, "%s: can't write", part);
    }
    off_t length = -1;
    if (flock(file, LOCK_EX | LOCK_NB) != 0 || (length = lseek(file, 0, SEEK_END)) < 0) {
        lsnn_status status = errno == EWOULDBLOCK ? fail(LSNN_ERR_BUSY, "%s: another process is downloading it; wait for it", part)
                                                  : fail_errno(LSNN_ERR_IO, "%s: can't write", part);
        close(file);
        return status;
    }
    t->file = file;
    t->length = length;
    return LSNN_OK;
}

/* Downloads what FILE.part lacks, and checks the whole. */
static lsnn_status fetch(CURL *curl, transfer *t, const char *url, const char *part, const data_file *file) {
    lsnn_status status = request_whole(curl, t, url, part);
    return status == LSNN_OK ? check_content(part, file) : status;
}

/* As fetch, with another try from the start if what FILE.part had before belongs to something else, and with the address in the messages. */
static lsnn_status fetch_from(CURL *curl, transfer *t, const char *url, const char *part, const data_file *file) {
    lsnn_status status = LSNN_OK;
    bool had_some = t->length > 0;
    say(t->options, "%s %s", had_some ? "going on with" : "downloading", url);
    status = fetch(curl, t, url, part, file);
    if (status == LSNN_ERR_DATA && had_some) {
        say(t->options, "what an earlier download left in %s does not fit; downloading it from the start", part);
        TRY(cut_to_nothing(t, part));
        status = fetch(curl, t, url, part, file);
    }
    if (status == LSNN_ERR_NETWORK) {
        fail(status, "%s: %s", url, lsnn_error());
    } else if (status == LSNN_ERR_DATA) {
        fail(status, "%s: is not the file that it should be, and was removed again (%s); try again, or put the right file there by hand",
             url, lsnn_error());
    }
out:
    return status;
}

/* Downloads one file from the first mirror that works to FILE.part, checks it, and puts it in place. remote: its name there; NULL: the same. */
static lsnn_status get_file(CURL *curl, const char *const mirrors[MAX_MIRRORS], const char *remote, const char *folder,
                            const data_file *file, const lsnn_data_options *options) {
    lsnn_status status = LSNN_OK;
    char name[64], target[PATH_SIZE], part[PATH_SIZE], url[PATH_SIZE];
    transfer t = {.options = options, .name = name, .file = -1, .max = (int64_t)(file->n_bytes + file->n_bytes / 8 + 4096)};
    snprintf(name, sizeof name, "%s.gz.part", file->name);
    TRY(path_join(part, sizeof part, folder, name));
    name[strlen(name) - strlen(".part")] = 0;
    TRY(path_join(target, sizeof target, folder, name));
    TRY(open_part(part, &t));
    if (file_exists(target)) { /* another process has just put it there, maybe after this one opened it as FILE.part */
        goto out;
    }
    status = LSNN_ERR_NETWORK;
    for (int m = 0; m < MAX_MIRRORS && mirrors[m] != NULL && status == LSNN_ERR_NETWORK; ++m) {
        TRY(path_join(url, sizeof url, mirrors[m], remote != NULL ? remote : name));
        status = fetch_from(curl, &t, url, part, file);
    }
    TRY(status);
    if (fsync(t.file) != 0 || rename(part, target) != 0) {
        status = fail_errno(LSNN_ERR_IO, "%s: can't write", target);
    }
out:
    if (t.file >= 0) {
        if (status == LSNN_ERR_DATA || (status != LSNN_OK && t.length == 0)) {
            unlink(part);
        }
        close(t.file); /* and the lock is gone */
    }
    return status;
}

/* ---- a whole data set ---- */

/* Is the file there already? If so, whatever it is, it stays; a content that differs is worth a warning. */
static lsnn_status check_present(const char *folder, const data_file *file, const lsnn_data_options *options, bool *present) {
    char path[PATH_SIZE];
    lsnn_status status = find(path, folder, file);
    *present = status == LSNN_OK && *path != 0;
    if (*present) {
        status = check_content(path, file);
        if (status == LSNN_ERR_DATA) {
            say(options, "warning: %s; the file is left as it is (remove it to download the original)", lsnn_error());
            status = LSNN_OK;
        }
    }
    return status;
}

/* Adds to a failed download what can be done by hand. */
static void advise(const data_set *set, const char *folder) {
    char missing[512] = "", path[PATH_SIZE];
    for (int f = 0; f < set->n_files; ++f) {
        if (find(path, folder, &set->files[f]) == LSNN_OK && *path == 0) {
            size_t length = strlen(missing);
            snprintf(missing + length, sizeof missing - length, "%s%s.gz", length > 0 ? ", " : "", set->files[f].name);
        }
    }
    fail(LSNN_ERR_NETWORK, "%s; try again later (it goes on where it stopped), or put %s by hand into %s", lsnn_error(), missing, folder);
}

static const data_set *find_set(const char *name) {
    for (int i = 0; i < N_SETS; ++i) {
        if (strcmp(sets[i].name, name) == 0) {
            return &sets[i];
        }
    }
    return NULL;
}

lsnn_status lsnn_data_get(const char *name, const lsnn_data_options *options) {
    static const lsnn_data_options no_options;
    lsnn_status status = LSNN_OK;
    char folder[PATH_SIZE];
    CURL *curl = NULL;
    int n_new = 0;
    options = options != NULL ? options : &no_options;
    const data_set *set = find_set(name);
    if (set == NULL) {
        return fail(LSNN_ERR_USAGE, "no data set is called '%s'; there are digits, mnist and fsdd", name);
    }
    if (set->n_files == 0) {
        say(options, "%s ships with the program; there is nothing to download", set->name);
        return LSNN_OK;
    }
    const char *base_url = options->base_url != NULL ? options->base_url : variable("LSNN_DATA_URL");
    const char *const base[MAX_MIRRORS] = {base_url};
    TRY(data_folder(folder, sizeof folder, options->folder, set->name));
    for (int f = 0; f < set->n_files; ++f) {
        bool present;
        TRY(check_present(folder, &set->files[f], options, &present));
        if (present) {
            continue;
        }
        TRY(folder_create(folder));
        if (curl == NULL && (curl = curl_easy_init()) == NULL) {
            status = fail(LSNN_ERR_MEMORY, "%s: not enough memory to download it", set->name);
            goto out;
        }
        TRY(get_file(curl, base_url != NULL ? base : set->mirrors, base_url != NULL ? NULL : set->files[f].archive, folder, &set->files[f],
                     options));
        ++n_new;
    }
    say(options, "%s: all %d files are in %s (%d new)", set->name, set->n_files, folder, n_new);
out:
    curl_easy_cleanup(curl);
    if (status == LSNN_ERR_NETWORK) {
        advise(set, folder);
    }
    return status;
}
