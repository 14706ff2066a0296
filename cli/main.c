/* lsnn: the command-line tool. It sees the public header alone, as any other program would. */
#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "command.h"
#include "report.h"

/* A file that is opened later must not get the number of a closed stdout or stderr. A stdout that was closed stays one that can't be written. */
static void keep_standard_streams(void) {
    for (int number = 0; number <= STDERR_FILENO; number++) {
        if (fcntl(number, F_GETFD) < 0) {
            int opened = open("/dev/null", number == STDERR_FILENO ? O_WRONLY : O_RDONLY);
            (void)opened; /* the lowest free number is this one */
        }
    }
}

/* A result that did not reach the disk or the pipe is a failure, whatever the command thought. */
static int close_stdout(int code) {
    bool has_failed = ferror(stdout) != 0;
    errno = 0;
    if (fclose(stdout) == 0 && !has_failed) {
        return code;
    }
    const char *reason = errno != 0 ? strerror(errno) : "write error";
    int io_code = complain(LSNN_ERR_IO, "can't write to standard output: %s", reason);
    return code != 0 ? code : io_code;
}

static int run(const struct arguments *arguments) {
    if (arguments->help || arguments->command == NULL) {
        if (arguments->version) {
            return command_version(arguments);
        }
        bool is_asked = arguments->help;
        help_print(is_asked ? stdout : stderr, arguments->command);
        return is_asked ? 0 : lsnn_status_exit_code(LSNN_ERR_USAGE);
    }
    return arguments->command->run(arguments);
}

int main(int argc, char **argv) {
    keep_standard_streams();
    setlocale(LC_CTYPE, ""); /* only to know whether the terminal takes UTF-8: numbers keep their point */
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* a write past a limit then fails like one to a full disk */
    struct arguments arguments;
    int code = arguments_parse(&arguments, argc, argv);
    if (code == 0) {
        code = run(&arguments);
    }
    arguments_release(&arguments);
    return close_stdout(code);
}
