#include "config/share.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "config/options.h"

#ifndef LSNN_INSTALL_SHARE
#define LSNN_INSTALL_SHARE ""
#endif
#ifndef LSNN_SOURCE_DIR
#define LSNN_SOURCE_DIR ""
#endif

enum { PATH_SIZE = 4096 };

lsnn_status share_path(char *out, size_t size, const char *relative) {
    const char *wanted = getenv("LSNN_SHARE");
    bool is_wanted = wanted && *wanted;
    const char *const places[] = {is_wanted ? wanted : LSNN_INSTALL_SHARE, is_wanted ? "" : LSNN_SOURCE_DIR};
    for (int i = 0; i < 2; i++) {
        char folder[PATH_SIZE];
        if (*places[i] && path_join(folder, sizeof folder, places[i], "experiments") == LSNN_OK && folder_exists(folder)) {
            return path_join(out, size, places[i], relative);
        }
    }
    return fail(LSNN_ERR_IO, "no folder experiments/ in %s%s%s; set LSNN_SHARE to the folder that has what ships with lsnn", places[0],
                *places[0] && *places[1] ? " or in " : "", places[1]);
}

lsnn_status share_find(char *out, size_t size, const char *folder, const char *name, const char *ending, bool *found) {
    char relative[PATH_SIZE];
    lsnn_status status = LSNN_OK;
    *found = false;
    if (strlen(name) < SHARE_NAME_SIZE - 1) {
        snprintf(relative, sizeof relative, "%s/%s%s", folder, name, ending);
        TRY(share_path(out, size, relative));
        *found = file_exists(out);
    }
out:
    return status;
}

static int is_shown(const struct dirent *entry) {
    return entry->d_name[0] != '.';
}

static int by_bytes(const struct dirent **a, const struct dirent **b) {
    return strcmp((*a)->d_name, (*b)->d_name);
}

lsnn_status share_each(const char *folder, const char *ending, lsnn_status (*each)(void *user, const char *name, const char *path),
                       void *user) {
    lsnn_status status;
    char whole[PATH_SIZE], path[PATH_SIZE], name[SHARE_NAME_SIZE];
    struct dirent **entries = NULL;
    int n = 0;
    TRY(share_path(whole, sizeof whole, folder));
    n = scandir(whole, &entries, is_shown, by_bytes);
    if (n < 0) {
        n = 0;
        TRY(fail_errno(LSNN_ERR_IO, "%s: can't be listed", whole));
    }
    for (int i = 0; i < n; i++) {
        if (path_has_ending(entries[i]->d_name, ending)) {
            TRY(path_join(path, sizeof path, whole, entries[i]->d_name));
            share_base_name(name, path);
            TRY(each(user, name, path));
        }
    }
out:
    for (int i = 0; i < n; i++) {
        free(entries[i]);
    }
    free(entries);
    return status;
}

typedef struct search {
    const char *wanted;
    size_t least;
    char *nearest;
} search;

static lsnn_status compare(void *user, const char *name, const char *path) {
    search *s = user;
    (void)path;
    size_t distance = edit_distance(s->wanted, name);
    if (distance < s->least) {
        s->least = distance;
        snprintf(s->nearest, SHARE_NAME_SIZE, "%s", name);
    }
    return LSNN_OK;
}

lsnn_status share_nearest(const char *folder, const char *ending, const char *wanted, char nearest[SHARE_NAME_SIZE]) {
    *nearest = '\0';
    return share_each(folder, ending, compare, &(search){wanted, SIZE_MAX, nearest});
}

bool share_is_path(const char *text) {
    return strchr(text, '/') || path_has_ending(text, ".yaml") || path_has_ending(text, ".yml");
}

void share_base_name(char out[SHARE_NAME_SIZE], const char *path) {
    static const char *const endings[] = {".yaml", ".yml", ".safetensors"};
    size_t n = strlen(path);
    while (n > 1 && path[n - 1] == '/') {
        n--;
    }
    size_t start = n;
    while (start > 0 && path[start - 1] != '/') {
        start--;
    }
    size_t n_base = n - start;
    for (int i = 0; i < 3; i++) {
        size_t n_ending = strlen(endings[i]);
        if (n_base > n_ending && strncmp(path + n - n_ending, endings[i], n_ending) == 0) {
            n_base -= n_ending;
            break;
        }
    }
    snprintf(out, SHARE_NAME_SIZE, "%.*s", (int)(n_base < SHARE_NAME_SIZE ? n_base : SHARE_NAME_SIZE - 1), path + start);
}
