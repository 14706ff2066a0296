/* The data sets that the program knows, and where they live (lsnn_data_list and lsnn_data_get of the public header are here too). */
#ifndef LSNN_DATA_DOWNLOAD_H
#define LSNN_DATA_DOWNLOAD_H

#include "base/error.h"

/* The folder of one data set to out [size]: `folder` if not NULL, else the variable LSNN_DATA, else $XDG_DATA_HOME/lsnn, else
 * $HOME/.local/share/lsnn, and in there `set`. A variable that is empty counts as not set. It need not exist. Errors: IO (too long, no HOME). */
lsnn_status data_folder(char *out, size_t size, const char *folder, const char *set);

#endif
