"""Small programs that are stuck for good: code for `python -S -c`, by name.

Each says `ready` just before it goes where it stays. All of its processes are in one session, and die with the first.
"""

from __future__ import annotations

PRELUDE = """
import ctypes, fcntl, mmap, os, select, signal, socket, struct, subprocess, sys, tempfile, threading, time
LIBC = ctypes.CDLL(None, use_errno=True)
MUCH = bytes(1 << 20)
def fork(act):
    parent = os.getpid()
    pid = os.fork()
    if pid == 0:
        LIBC.prctl(1, 9)
        if os.getppid() != parent: os._exit(0)
        try: act()
        finally: os._exit(0)
    return pid
def close(*fds):
    for fd in fds: os.close(fd)
def ready():
    sys.stdout.write("ready\\n"); sys.stdout.flush()
def crossed(first, second):
    # each takes a lock of its own, tells the other, waits for it, and then wants the other's
    (told, tell), (asked, ask) = os.pipe(), os.pipe()
    def other():
        close(told, ask); second[0](); os.write(tell, b"x"); os.read(asked, 1); close(tell, asked); second[1]()
    fork(other)
    close(tell, asked); first[0](); os.read(told, 1); os.write(ask, b"x"); close(told, ask)
    ready(); first[1]()
"""

STUCK = {
    "a parent waits before it reads its child's output": """
p = subprocess.Popen(["head", "-c", "300000", "/dev/zero"], stdout=subprocess.PIPE)
ready(); p.wait()
""",
    "a parent in waitid of a child that writes to it": """
r, w = os.pipe()
pid = fork(lambda: (close(r), os.write(w, MUCH)))
close(w); ready(); os.waitid(os.P_PID, pid, os.WEXITED)
""",
    "two in writes to full pipes of each other": """
r1, w1 = os.pipe(); r2, w2 = os.pipe()
fork(lambda: (close(w1, r2), os.write(w2, MUCH)))
close(r1, w2); ready(); os.write(w1, MUCH)
""",
    "a reader that holds the only write end": """
r, w = os.pipe(); ready(); os.read(r, 1)
""",
    "three that read from one another": """
r1, w1 = os.pipe(); r2, w2 = os.pipe(); r3, w3 = os.pipe()
fork(lambda: (close(r1, w2, r3, w3), os.read(r2, 1)))
fork(lambda: (close(r1, w1, r2, w3), os.read(r3, 1)))
close(w1, r2, w2, r3); ready(); os.read(r1, 1)
""",
    "four that write to one another": """
P = [os.pipe() for _ in range(4)]
def part(i):
    for j, (r, w) in enumerate(P):
        if j != i: close(w)
        if j != (i - 1) % 4: close(r)
    os.write(P[i][1], MUCH)
for i in (1, 2, 3): fork(lambda i=i: part(i))
ready(); part(0)
""",
    "System V semaphores in the wrong order": """
semid = LIBC.semget(0, 2, 0o1600)
def operate(number, change):
    if LIBC.semop(semid, struct.pack("Hhh", number, change, 0), 1): os._exit(1)
operate(0, 1); operate(1, 1)
crossed([lambda: operate(0, -1), lambda: operate(1, -1)], [lambda: operate(1, -1), lambda: operate(0, -1)])
""",
    "shared mutexes in the wrong order": """
memory = mmap.mmap(-1, 4096)
start = ctypes.addressof(ctypes.c_char.from_buffer(memory))
how = ctypes.create_string_buffer(64)
LIBC.pthread_mutexattr_init(how); LIBC.pthread_mutexattr_setpshared(how, 1)
locks = [ctypes.c_void_p(start), ctypes.c_void_p(start + 64)]
for lock in locks: LIBC.pthread_mutex_init(lock, how)
take = lambda number: lambda: LIBC.pthread_mutex_lock(locks[number])
crossed([take(0), take(1)], [take(1), take(0)])
""",
    "flock in the wrong order": """
files = [tempfile.NamedTemporaryFile() for _ in "ab"]
take = lambda number: lambda: fcntl.flock(os.open(files[number].name, os.O_RDWR), fcntl.LOCK_EX)
crossed([take(0), take(1)], [take(1), take(0)])
""",
    "open file description locks in the wrong order": """
files = [tempfile.NamedTemporaryFile() for _ in "ab"]
whole = struct.pack("hhlli4x", fcntl.F_WRLCK, 0, 0, 0, 0)
take = lambda number: lambda: fcntl.fcntl(os.open(files[number].name, os.O_RDWR), 38, whole)
crossed([take(0), take(1)], [take(1), take(0)])
""",
    "both ends of a unix connection wait for the other": """
a, b = socket.socketpair()
fork(lambda: (a.close(), b.recv(1)))
b.close(); ready(); a.recv(1)
""",
    "both ends of a TCP connection wait for the other": """
server = socket.create_server(("127.0.0.1", 0))
def client():
    one = socket.create_connection(server.getsockname()); server.close(); one.recv(1)
fork(client)
one, _ = server.accept(); server.close(); ready(); one.recv(1)
""",
    "both ends in epoll_wait for the other": """
a, b = socket.socketpair()
def wait(end):
    epoll = select.epoll(); epoll.register(end, select.EPOLLIN); epoll.poll()
fork(lambda: (a.close(), wait(b)))
b.close(); ready(); wait(a)
""",
    "a sibling that has kept the write end": """
r, w = os.pipe(); q, s = os.pipe()
fork(lambda: (close(w, q), os.read(r, 1)))
close(r, s); ready(); os.read(q, 1)
""",
    "a parent that polls the pidfd of a child that writes to it": """
r, w = os.pipe()
pid = fork(lambda: (close(r), os.write(w, MUCH)))
close(w); ends = select.poll(); ends.register(os.pidfd_open(pid), select.POLLIN); ready(); ends.poll()
""",
    "a parent in waitid of the pidfd of a child that writes to it": """
r, w = os.pipe()
pid = fork(lambda: (close(r), os.write(w, MUCH)))
close(w); ready(); os.waitid(3, os.pidfd_open(pid), os.WEXITED)
""",
    "a POSIX lock and a flock in the wrong order": """
files = [tempfile.NamedTemporaryFile() for _ in "ab"]
posix = lambda: fcntl.lockf(os.open(files[0].name, os.O_RDWR), fcntl.LOCK_EX)
whole = lambda: fcntl.flock(os.open(files[1].name, os.O_RDWR), fcntl.LOCK_EX)
crossed([posix, whole], [whole, posix])
""",
    "a robust mutex and one that inherits priority in the wrong order": """
memory = mmap.mmap(-1, 4096)
start = ctypes.addressof(ctypes.c_char.from_buffer(memory))
def made(place, robust, protocol):
    how = ctypes.create_string_buffer(64); lock = ctypes.c_void_p(start + place)
    LIBC.pthread_mutexattr_init(how); LIBC.pthread_mutexattr_setpshared(how, 1)
    LIBC.pthread_mutexattr_setrobust(how, robust); LIBC.pthread_mutexattr_setprotocol(how, protocol)
    LIBC.pthread_mutex_init(lock, how); return lambda: LIBC.pthread_mutex_lock(lock)
robust, inheriting = made(0, 1, 0), made(64, 0, 1)
crossed([robust, inheriting], [inheriting, robust])
""",
    "rwlocks held to write in the wrong order": """
memory = mmap.mmap(-1, 4096)
start = ctypes.addressof(ctypes.c_char.from_buffer(memory))
how = ctypes.create_string_buffer(64)
LIBC.pthread_rwlockattr_init(how); LIBC.pthread_rwlockattr_setpshared(how, 1)
locks = [ctypes.c_void_p(start), ctypes.c_void_p(start + 64)]
for lock in locks: LIBC.pthread_rwlock_init(lock, how)
take = lambda number: lambda: LIBC.pthread_rwlock_wrlock(locks[number])
crossed([take(0), take(1)], [take(1), take(0)])
""",
    "two in two network namespaces that wait for each other": """
def in_own_network():
    if LIBC.unshare(0x40000000) and os.geteuid() == 0: os._exit(1)
path = tempfile.mkdtemp() + "/socket"
server = socket.socket(socket.AF_UNIX); server.bind(path); server.listen()
def client():
    in_own_network(); one = socket.socket(socket.AF_UNIX); one.connect(path); server.close(); one.recv(1)
fork(client)
one, _ = server.accept(); server.close(); ready(); one.recv(1)
""",
    "two in writes to full pipes of each other, and an alarm": """
r1, w1 = os.pipe(); r2, w2 = os.pipe()
fork(lambda: (close(w1, r2), os.write(w2, MUCH)))
close(r1, w2); signal.signal(signal.SIGALRM, lambda *_: None); signal.alarm(10**6); ready(); os.write(w1, MUCH)
""",
    "a thread that is joined writes to a full pipe of its own": """
r, w = os.pipe()
thread = threading.Thread(target=lambda: os.write(w, MUCH)); thread.start()
ready(); thread.join()
""",
    "two in writes to full pipes of each other, and an interval timer": """
r1, w1 = os.pipe(); r2, w2 = os.pipe()
fork(lambda: (close(w1, r2), os.write(w2, MUCH)))
close(r1, w2); signal.signal(signal.SIGALRM, lambda *_: None); signal.setitimer(signal.ITIMER_REAL, 10**6)
ready(); os.write(w1, MUCH)
""",
    "two in writes to full pipes of each other, and a POSIX timer": """
r1, w1 = os.pipe(); r2, w2 = os.pipe()
fork(lambda: (close(w1, r2), os.write(w2, MUCH)))
close(r1, w2); signal.signal(signal.SIGUSR2, lambda *_: None); timer = ctypes.c_void_p()
if LIBC.timer_create(1, struct.pack("Qii48x", 0, signal.SIGUSR2, 0), ctypes.byref(timer)): os._exit(1)
if LIBC.timer_settime(timer, 0, struct.pack("4q", 0, 0, 10**6, 0), None): os._exit(1)
ready(); os.write(w1, MUCH)
""",
    "a parent in wait4 of any child, one of which writes to it": """
r, w = os.pipe()
fork(lambda: (close(r), os.write(w, MUCH)))
close(w); ready(); os.wait4(-1, 0)
""",
    "a parent waits before it reads its child's terminal": """
import pty
pid, master = pty.fork()
if pid == 0:
    LIBC.prctl(1, 9)
    while True: os.write(1, MUCH)
ready(); os.waitpid(pid, 0)
""",
    "both sides of a terminal wait for the other": """
master, slave = os.openpty()
fork(lambda: (close(master), os.read(slave, 1)))
close(slave); ready(); os.read(master, 1)
""",
    "an asyncio program that waits for a child whose output it does not read": """
import asyncio
async def main():
    child = await asyncio.create_subprocess_exec("cat", "/dev/zero", stdout=-1); ready(); await child.wait()
asyncio.run(main())
""",
    "a queue is joined before what it has for the parent is taken": """
import multiprocessing
context = multiprocessing.get_context("fork"); queue = context.Queue()
process = context.Process(target=lambda: queue.put(MUCH)); process.start(); ready(); process.join()
""",
    "sixteen who take POSIX locks in a circle, where the kernel looks at ten": """
files = [tempfile.NamedTemporaryFile() for _ in range(16)]
(told, tell), (asked, ask) = os.pipe(), os.pipe()
def part(number, go):
    fds = [os.open(file.name, os.O_RDWR) for file in files]
    fcntl.lockf(fds[number], fcntl.LOCK_EX); go(); close(told, tell, asked, ask)
    fcntl.lockf(fds[(number + 1) % 16], fcntl.LOCK_EX)
def all_go():
    for _ in range(15): os.read(told, 1)
    os.write(ask, bytes(15)); ready()
for number in range(1, 16): fork(lambda number=number: part(number, lambda: (os.write(tell, b"x"), os.read(asked, 1))))
part(0, all_go)
""",
    "two threads that take mutexes in the wrong order": """
locks = [ctypes.create_string_buffer(64) for _ in "ab"]; both = threading.Barrier(2)
for lock in locks: LIBC.pthread_mutex_init(lock, None)
def take(one, other):
    LIBC.pthread_mutex_lock(one); both.wait(); LIBC.pthread_mutex_lock(other)
threading.Thread(target=take, args=locks[::-1]).start(); threading.Thread(target=take, args=locks).start()
ready()
""",
    "both ends of a TCP connection send and neither receives": """
server = socket.create_server(("127.0.0.1", 0))
def client():
    one = socket.create_connection(server.getsockname()); server.close(); one.sendall(MUCH * 16)
fork(client)
one, _ = server.accept(); server.close(); ready(); one.sendall(MUCH * 16)
""",
    "both ends of a unix connection send and neither receives": """
a, b = socket.socketpair()
fork(lambda: (a.close(), b.sendall(MUCH * 4)))
b.close(); ready(); a.sendall(MUCH * 4)
""",
    "both ends in select for the other": """
a, b = socket.socketpair()
fork(lambda: (a.close(), select.select([b], [], [])))
b.close(); ready(); select.select([a], [], [])
""",
}

ALARMED = tuple(name for name in STUCK if name.startswith("two in writes to full pipes of each other, and "))
"""Of `STUCK`: a signal that nobody can see may end it."""
_SHARED = """
memory = mmap.mmap(-1, 4096); how = ctypes.create_string_buffer(64)
lock = ctypes.c_void_p(ctypes.addressof(ctypes.c_char.from_buffer(memory)))
"""
_DIES = """
os.waitpid(fork(lambda: take(lock)), 0); ready(); take(lock)
"""
_MUTEX = """
LIBC.pthread_mutexattr_init(how); LIBC.pthread_mutexattr_setpshared(how, 1); LIBC.pthread_mutexattr_settype(how, {kind})
LIBC.pthread_mutex_init(lock, how); take = LIBC.pthread_mutex_lock
"""
OWNER_DIED = {
    "a mutex": _SHARED + _MUTEX.format(kind=0) + _DIES,
    "a mutex that its owner may take twice": _SHARED + _MUTEX.format(kind=1) + _DIES,
    "a mutex that looks for errors": _SHARED + _MUTEX.format(kind=2) + _DIES,
    "an rwlock held to write": _SHARED
    + """
LIBC.pthread_rwlockattr_init(how); LIBC.pthread_rwlockattr_setpshared(how, 1)
LIBC.pthread_rwlock_init(lock, how); take = LIBC.pthread_rwlock_wrlock
"""
    + _DIES,
}
"""A lock in shared memory that somebody wants, and whose owner has died with it."""
FIFOS = """
one, other = (tempfile.mkdtemp() + "/fifo" for _ in "ab"); os.mkfifo(one); os.mkfifo(other)
fork(lambda: (os.open(other, os.O_RDONLY), os.open(one, os.O_WRONLY)))
ready(); os.open(one, os.O_RDONLY); os.open(other, os.O_WRONLY)
"""
"""Two, each in open(2) of a FIFO that the other would open next."""
