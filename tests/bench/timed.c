// Runs a command and prints what it took: wall ms, user ms, system ms, peak resident KiB, exit code.
//
//   timed RESULT_FILE COMMAND [ARGUMENT...]
//
// A small program of its own because a child inherits the peak memory of the process that started it.

#define _GNU_SOURCE
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double ms_of(struct timeval t) { return t.tv_sec * 1e3 + t.tv_usec / 1e3; }

static double now_ms(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1e3 + t.tv_nsec / 1e6;
}

int main(int argc, char **argv) {
    if (argc < 3) return 2;
    double start = now_ms();
    pid_t pid = fork();
    if (pid < 0) return 1;
    if (pid == 0) {
        execvp(argv[2], argv + 2);
        _exit(127);
    }
    int status;
    struct rusage used;
    if (wait4(pid, &status, 0, &used) < 0) return 1;
    double wall = now_ms() - start;
    FILE *result = fopen(argv[1], "w");
    if (result == NULL) return 1;
    int code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    fprintf(result, "%f %f %f %ld %d\n", wall, ms_of(used.ru_utime), ms_of(used.ru_stime), used.ru_maxrss, code);
    return fclose(result) != 0;
}
