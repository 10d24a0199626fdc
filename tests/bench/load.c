// Makes a machine full of inter-process communication to measure against, and cleans all of it up again.
//
//   load -p PROCESSES -f DESCRIPTORS [-s SYSV] [-t SECONDS] [-T THREADS] [-m MAPS] [-a ACTIVE] [-c CHURNING]
//
// Each process holds about DESCRIPTORS descriptors: pipes, unix and TCP socket pairs, eventfds, files, shared
// memfds; two pipes and two socket pairs cross to its neighbour. SYSV message queues, segments and semaphore sets
// exist beside them. ACTIVE processes write and read a byte ten times a second, CHURNING ones open and close a file.
//
// Prints "ready ..." when all of it stands. Ends after SECONDS, or at SIGTERM, SIGINT or SIGHUP. If it is killed, the
// processes die with it and a janitor child removes the System V objects.

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CROSSING = 2 };  // pipes, and socket pairs, shared with the next neighbour
enum { STANDARD_STREAMS = 3, TICK_US = 100000, SMALL_STACK = 65536 };

static int processes = 200, descriptors = 50, seconds = 60, sysv = 0;
static int threads = 1, extra_maps = 0, active = 0, churning = 0;

static int *queues, *segments, *semaphores;
static volatile sig_atomic_t stopped;

static void die(const char *what) {
    perror(what);
    exit(1);
}

static void must(int failed, const char *what) {
    if (failed) die(what);
}

// ---------------------------------------------------------------------------------------------------- System V

static void remove_sysv(void) {
    for (int i = 0; i < sysv; i++) {
        if (queues[i] >= 0) msgctl(queues[i], IPC_RMID, NULL);
        if (segments[i] >= 0) shmctl(segments[i], IPC_RMID, NULL);
        if (semaphores[i] >= 0) semctl(semaphores[i], 0, IPC_RMID);
    }
}

static void make_sysv(void) {
    queues = malloc(sizeof(int) * (sysv + 1));
    segments = malloc(sizeof(int) * (sysv + 1));
    semaphores = malloc(sizeof(int) * (sysv + 1));
    for (int i = 0; i < sysv; i++) queues[i] = segments[i] = semaphores[i] = -1;
    for (int i = 0; i < sysv; i++) {
        queues[i] = msgget(IPC_PRIVATE, 0600);
        segments[i] = shmget(IPC_PRIVATE, 4096, 0600);
        semaphores[i] = semget(IPC_PRIVATE, 3, 0600);
        if (queues[i] < 0 || segments[i] < 0 || semaphores[i] < 0) {
            perror("System V object (see kernel.msgmni, kernel.shmmni, kernel.sem)");
            remove_sysv();
            exit(1);
        }
        if (i % 4 == 0) {
            struct { long type; char text[32]; } message = {1, {0}};
            msgsnd(queues[i], &message, sizeof message.text, IPC_NOWAIT);
        }
    }
}

// Waits for the end of the generator by the end of a pipe, which a SIGKILL cannot prevent.
static pid_t start_janitor(int alive[2]) {
    must(pipe2(alive, O_CLOEXEC), "pipe");
    pid_t janitor = fork();
    must(janitor < 0, "fork");
    if (janitor > 0) return janitor;
    close(alive[1]);
    signal(SIGTERM, SIG_IGN);
    signal(SIGINT, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    prctl(PR_SET_NAME, "load-janitor");
    char byte;
    while (read(alive[0], &byte, 1) < 0 && errno == EINTR) continue;
    remove_sysv();
    _exit(0);
}

// ------------------------------------------------------------------------------------------------- one process

static void *sleep_for_ever(void *unused) {
    for (;;) pause();
    return unused;
}

static void make_threads(void) {
    pthread_attr_t small;
    pthread_attr_init(&small);
    pthread_attr_setstacksize(&small, SMALL_STACK);
    for (int i = 1; i < threads; i++) {
        pthread_t thread;
        pthread_create(&thread, &small, sleep_for_ever, NULL);
    }
}

static void make_tcp_pairs(int pairs) {
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    must(listener < 0, "socket");
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    must(bind(listener, (void *)&address, sizeof address), "bind");
    must(listen(listener, 128), "listen");
    must(getsockname(listener, (void *)&address, &length), "getsockname");
    for (int i = 0; i < pairs; i++) {
        int client = socket(AF_INET, SOCK_STREAM, 0);
        must(client < 0 || connect(client, (void *)&address, sizeof address), "connect");
        must(accept(listener, NULL, NULL) < 0, "accept");
        if (i % 4 == 0) must(write(client, "hello world", 11) < 0, "write");
    }
}

static void make_pipe(int with_data) {
    static char block[100];
    int ends[2];
    must(pipe(ends), "pipe");
    if (with_data) must(write(ends[1], block, sizeof block) < 0, "write");
}

static void make_socket_pair(int with_data) {
    static char block[100];
    int ends[2];
    must(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), "socketpair");
    if (with_data) must(write(ends[1], block, sizeof block) < 0, "write");
}

static void open_a_file(int which) {
    static const char *names[] = {"/etc/passwd", "/etc/hosts", "/usr/lib/os-release", "/proc/self/stat"};
    must(open(names[which % 4], O_RDONLY) < 0, "open");
}

static void make_shared_memory(void) {
    int memory = memfd_create("load-shared", 0);
    must(memory < 0 || ftruncate(memory, 4096), "memfd_create");
    must(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, memory, 0) == MAP_FAILED, "mmap");
}

static void fill_descriptors(int left) {
    for (int turn = 0; left > 0; turn++) {
        switch (turn % 5) {
            case 0:
                if (left < 2) break;
                make_pipe(turn % 3 == 0);
                left -= 2;
                break;
            case 1:
                if (left < 2) break;
                make_socket_pair(turn % 4 == 0);
                left -= 2;
                break;
            case 2:
                must(eventfd(0, 0) < 0, "eventfd");
                left--;
                break;
            case 3:
                open_a_file(turn);
                left--;
                break;
            case 4:
                make_shared_memory();
                left--;
                break;
        }
    }
}

static void map_private_files(void) {
    for (int i = 0; i < extra_maps; i++) {
        int file = open("/etc/passwd", O_RDONLY);
        mmap(NULL, 4096, (i & 1) ? PROT_READ : PROT_READ | PROT_WRITE, MAP_PRIVATE, file, 0);
        close(file);
    }
}

static void live(int number, int to_self[2]) {
    for (;;) {
        if (number < active) {
            usleep(TICK_US);
            char byte = 'x';
            must(write(to_self[1], &byte, 1) < 0 || read(to_self[0], &byte, 1) < 0, "active");
        } else if (number < active + churning) {
            usleep(TICK_US);
            int file = open("/etc/hosts", O_RDONLY);
            usleep(TICK_US);
            close(file);
        } else {
            pause();
        }
    }
}

static void be_process(int number, int ready) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    char name[16];
    snprintf(name, sizeof name, "load%05d", number);
    prctl(PR_SET_NAME, name);
    signal(SIGTERM, SIG_DFL);
    signal(SIGINT, SIG_DFL);
    signal(SIGHUP, SIG_DFL);

    int left = descriptors - STANDARD_STREAMS - 4 * CROSSING - 1;
    int to_self[2];
    must(pipe(to_self), "pipe");
    left -= 2;
    if (descriptors >= 20) {
        int pairs = left / 9;
        make_tcp_pairs(pairs);
        left -= 2 * pairs + 1;
    }
    fill_descriptors(left);
    map_private_files();
    if (number < sysv) must(shmat(segments[number], NULL, 0) == (void *)-1, "shmat");
    make_threads();
    must(write(ready, "x", 1) < 0, "write");
    close(ready);
    live(number, to_self);
}

// ------------------------------------------------------------------------------------------------------- all of it

typedef int Crossing[2 * CROSSING][2];  // CROSSING pipes, then CROSSING socket pairs

static void make_crossing(Crossing made) {
    for (int i = 0; i < CROSSING; i++) {
        must(pipe(made[i]), "pipe");
        must(socketpair(AF_UNIX, SOCK_STREAM, 0, made[CROSSING + i]), "socketpair");
    }
}

static void start_processes(pid_t *pids, int ready[2], int alive[2]) {
    Crossing before, after;
    make_crossing(before);
    for (int i = 0; i < processes; i++) {
        make_crossing(after);
        pids[i] = fork();
        must(pids[i] < 0, "fork");
        if (pids[i] == 0) {
            close(alive[0]), close(alive[1]), close(ready[0]);
            for (int k = 0; k < 2 * CROSSING; k++) close(before[k][1]), close(after[k][0]);
            be_process(i, ready[1]);
        }
        for (int k = 0; k < 2 * CROSSING; k++) close(before[k][0]), close(before[k][1]);
        memcpy(before, after, sizeof before);
    }
    for (int k = 0; k < 2 * CROSSING; k++) close(before[k][0]), close(before[k][1]);
}

static int count_ready(int ready) {
    char bytes[4096];
    int count = 0;
    for (ssize_t got; (got = read(ready, bytes, sizeof bytes)) > 0;) count += got;
    return count;
}

static void stop(int signal_number) {
    (void)signal_number;
    stopped = 1;
}

static void read_options(int argc, char **argv) {
    for (int option; (option = getopt(argc, argv, "p:f:t:s:T:m:a:c:")) != -1;) {
        int *target = option == 'p' ? &processes : option == 'f' ? &descriptors : option == 't' ? &seconds
                    : option == 's' ? &sysv : option == 'T' ? &threads : option == 'm' ? &extra_maps
                    : option == 'a' ? &active : option == 'c' ? &churning : NULL;
        if (target == NULL) exit(2);
        *target = atoi(optarg);
    }
}

int main(int argc, char **argv) {
    read_options(argc, argv);
    struct rlimit many = {1048576, 1048576};
    setrlimit(RLIMIT_NOFILE, &many);

    int wake[] = {SIGTERM, SIGINT, SIGHUP, SIGALRM};
    for (unsigned i = 0; i < sizeof wake / sizeof *wake; i++) signal(wake[i], stop);

    make_sysv();
    int alive[2], ready[2];
    pid_t janitor = start_janitor(alive);
    must(pipe(ready), "pipe");
    pid_t *pids = calloc(processes, sizeof *pids);
    start_processes(pids, ready, alive);
    close(ready[1]);
    int standing = count_ready(ready[0]);
    printf("ready %d of %d processes, about %d descriptors\n", standing, processes, standing * descriptors);
    fflush(stdout);

    alarm(seconds);
    while (!stopped) pause();
    for (int i = 0; i < processes; i++) kill(pids[i], SIGKILL);
    for (int i = 0; i < processes; i++) waitpid(pids[i], NULL, 0);
    remove_sysv();
    close(alive[1]);
    waitpid(janitor, NULL, 0);
    return standing == processes ? 0 : 1;
}
