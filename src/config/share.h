/* What ships with lsnn: experiments/, reproduce/, models/, data/, in the folder LSNN_SHARE if that variable is set, else where lsnn was installed, else in its
 * sources; the folder counts if it has experiments/ in it. */
#ifndef LSNN_CONFIG_SHARE_H
#define LSNN_CONFIG_SHARE_H

#include "base/error.h"

enum { SHARE_NAME_SIZE = 65 }; /* of names: up to 63 bytes; what is longer is cut to 64, so that it is seen to be too long */

/* The path of something that ships ("models/digits.safetensors", which need not exist). Errors: IO (names the places searched). */
lsnn_status share_path(char *out, size_t size, const char *relative);
/* FOLDER/NAMEENDING; *found is false (nothing failed) if there is no such file. Errors: IO. */
lsnn_status share_find(char *out, size_t size, const char *folder, const char *name, const char *ending, bool *found);
/* Every file of a folder that has the ending, in the order of names, until `each` fails. Errors: IO, those of `each`. */
lsnn_status share_each(const char *folder, const char *ending, lsnn_status (*each)(void *user, const char *name, const char *path),
                       void *user);
/* The name among those of share_each that resembles `wanted` most; "" if there are none. */
lsnn_status share_nearest(const char *folder, const char *ending, const char *wanted, char nearest[SHARE_NAME_SIZE]);

/* Is it a file's path, not the name of something that ships? */
bool share_is_path(const char *text);
/* The last part of a path, without its ending. */
void share_base_name(char out[SHARE_NAME_SIZE], const char *path);

#endif
