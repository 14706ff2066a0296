/* The three documents that are made from the tables. */
#ifndef LSNN_CLI_DOCUMENT_H
#define LSNN_CLI_DOCUMENT_H

/* Each returns the exit code. */
int write_man_pages(const char *folder);
int print_completion(void);
int print_settings(void);

#endif
