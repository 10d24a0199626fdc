// The least that a scanner has to ask of the kernel, in C: what no program that looks through /proc can beat.
//
//   floors WHAT [THREADS]
//
//   list       getdents of every /proc/PID/fd
//   link       and readlinkat of every descriptor: the floor that the benchmark compares with
//   fdinfo     and a read of its fdinfo
//   maps stat status   one such file of each process
//   unix inet  the sock_diag dumps of unix sockets; of TCP and UDP over IPv4 and IPv6
//
// Prints how many things it saw.

#define _GNU_SOURCE
#include <ctype.h>
#include <fcntl.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

struct entry {
    unsigned long long inode;
    long long offset;
    unsigned short length;
    unsigned char type;
    char name[];
};

enum { MOST_PROCESSES = 1 << 22, SHARE = 8 };

static int proc, processes, next_process, *pids;
static long seen;
static int want_link, want_fdinfo;
static const char *file_of_each;

static void list_processes(void) {
    static char buffer[1 << 16];
    pids = malloc(sizeof *pids * MOST_PROCESSES);
    for (long got; (got = syscall(SYS_getdents64, proc, buffer, sizeof buffer)) > 0;)
        for (long at = 0; at < got;) {
            struct entry *entry = (void *)(buffer + at);
            if (isdigit((unsigned char)entry->name[0]) && processes < MOST_PROCESSES)
                pids[processes++] = atoi(entry->name);
            at += entry->length;
        }
}

static long read_whole(int directory, const char *name) {
    char buffer[1 << 16];
    int file = openat(directory, name, O_RDONLY | O_CLOEXEC);
    if (file < 0) return 0;
    long total = 0;
    for (ssize_t got; (got = read(file, buffer, sizeof buffer)) > 0;) total += got;
    close(file);
    return total > 0;
}

static int open_directory(int pid, const char *name) {
    char path[64];
    snprintf(path, sizeof path, "%d/%s", pid, name);
    return openat(proc, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static long scan_descriptors(int pid) {
    char entries[1 << 15], link[4096];
    int fds = open_directory(pid, "fd");
    if (fds < 0) return 0;
    int infos = want_fdinfo ? open_directory(pid, "fdinfo") : -1;
    long count = 0;
    for (long got; (got = syscall(SYS_getdents64, fds, entries, sizeof entries)) > 0;)
        for (long at = 0; at < got;) {
            struct entry *entry = (void *)(entries + at);
            at += entry->length;
            if (entry->name[0] == '.') continue;
            count++;
            if (want_link && readlinkat(fds, entry->name, link, sizeof link) < 0) continue;
            if (infos >= 0) read_whole(infos, entry->name);
        }
    close(fds);
    if (infos >= 0) close(infos);
    return count;
}

static long scan_process(int pid) {
    if (file_of_each == NULL) return scan_descriptors(pid);
    char path[64];
    snprintf(path, sizeof path, "%d/%s", pid, file_of_each);
    return read_whole(proc, path);
}

static void *scan_share(void *unused) {
    long count = 0;
    for (;;) {
        int first = __atomic_fetch_add(&next_process, SHARE, __ATOMIC_RELAXED);
        if (first >= processes) break;
        for (int i = first; i < first + SHARE && i < processes; i++) count += scan_process(pids[i]);
    }
    __atomic_fetch_add(&seen, count, __ATOMIC_RELAXED);
    return unused;
}

static void scan(int threads) {
    pthread_t workers[64];
    list_processes();
    for (int i = 0; i < threads; i++) pthread_create(&workers[i], NULL, scan_share, NULL);
    for (int i = 0; i < threads; i++) pthread_join(workers[i], NULL);
}

static void dump(struct nlmsghdr *request) {
    static char buffer[1 << 20];
    int diag = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
    request->nlmsg_type = SOCK_DIAG_BY_FAMILY;
    request->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
    if (diag < 0 || send(diag, request, request->nlmsg_len, 0) < 0) return;
    for (ssize_t got; (got = recv(diag, buffer, sizeof buffer, 0)) > 0;)
        for (struct nlmsghdr *message = (void *)buffer; NLMSG_OK(message, got); message = NLMSG_NEXT(message, got)) {
            if (message->nlmsg_type == NLMSG_DONE || message->nlmsg_type == NLMSG_ERROR) {
                close(diag);
                return;
            }
            seen++;
        }
}

static void dump_unix(void) {
    struct { struct nlmsghdr header; struct unix_diag_req body; } request = {
        .header = {.nlmsg_len = NLMSG_LENGTH(sizeof request.body)},
        .body = {.sdiag_family = AF_UNIX, .udiag_states = -1,
                 .udiag_show = UDIAG_SHOW_NAME | UDIAG_SHOW_PEER | UDIAG_SHOW_RQLEN},
    };
    dump(&request.header);
}

static void dump_inet(int family, int protocol) {
    struct { struct nlmsghdr header; struct inet_diag_req_v2 body; } request = {
        .header = {.nlmsg_len = NLMSG_LENGTH(sizeof request.body)},
        .body = {.sdiag_family = family, .sdiag_protocol = protocol, .idiag_states = -1},
    };
    dump(&request.header);
}

static int is(const char *word, const char *other) { return strcmp(word, other) == 0; }

int main(int argc, char **argv) {
    const char *what = argc > 1 ? argv[1] : "";
    int threads = argc > 2 ? atoi(argv[2]) : 1;
    proc = open("/proc", O_RDONLY | O_DIRECTORY);
    if (threads < 1 || threads > 64) return 2;
    if (is(what, "unix")) {
        dump_unix();
    } else if (is(what, "inet")) {
        dump_inet(AF_INET, IPPROTO_TCP);
        dump_inet(AF_INET6, IPPROTO_TCP);
        dump_inet(AF_INET, IPPROTO_UDP);
        dump_inet(AF_INET6, IPPROTO_UDP);
    } else if (is(what, "maps") || is(what, "stat") || is(what, "status")) {
        file_of_each = what;
        scan(threads);
    } else if (is(what, "list") || is(what, "link") || is(what, "fdinfo")) {
        want_link = !is(what, "list");
        want_fdinfo = is(what, "fdinfo");
        scan(threads);
    } else {
        return 2;
    }
    printf("%ld\n", seen);
    return 0;
}
