#include "machine/processor.h"

#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

void processor_name(char *out, size_t size) {
    static const char key[] = "model name";
    char line[512];
    struct utsname machine;
    snprintf(out, size, "%s", uname(&machine) == 0 ? machine.machine : "unknown");
    FILE *file = fopen("/proc/cpuinfo", "re");
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        char *name = strchr(line, ':');
        if (strncmp(line, key, sizeof key - 1) == 0 && name != NULL) {
            name += 1 + strspn(name + 1, " ");
            name[strcspn(name, "\n")] = '\0';
            snprintf(out, size, "%s", name);
            break;
        }
    }
    if (file != NULL) {
        fclose(file);
    }
}
