"""Small programs that are stuck for good, and others that only look like it: code for `python -S -c`, by name.

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
path = tempfile.mkdtemp() + "/socket"
server = socket.socket(socket.AF_UNIX); server.bind(path); server.listen()
def client():
    LIBC.unshare(0x40000000); one = socket.socket(socket.AF_UNIX); one.connect(path); server.close(); one.recv(1)
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
}

ALARMED = "two in writes to full pipes of each other, and an alarm"
"""Of `STUCK`: a signal that nobody can see may end it."""
FIFOS = """
one, other = (tempfile.mkdtemp() + "/fifo" for _ in "ab"); os.mkfifo(one); os.mkfifo(other)
fork(lambda: (os.open(other, os.O_RDONLY), os.open(one, os.O_WRONLY)))
ready(); os.open(one, os.O_RDONLY); os.open(other, os.O_WRONLY)
"""
"""Two, each in open(2) of a FIFO that the other would open next."""
CHURN = {
    "a rescuer that is handed on from process to process": """
r, w = os.pipe(); q, s = os.pipe()
def partner(): close(r, s); os.read(q, 1)
def rescuer():
    close(r, q, s)
    over = time.monotonic() + 100
    while time.monotonic() < over:
        if os.fork(): os._exit(0)
    os._exit(0)
fork(partner); first = os.fork() or rescuer()
close(w, q); os.waitpid(first, 0); ready(); os.read(r, 1)
""",
    "a shell loop": """
ready()
while True:
    if fork(lambda: os.execvp("true", ["true"])): os.wait()
""",
}
"""Programs whose processes come and go all the time; none is stuck."""

WELL = {
    "an idle pipeline": """
r, w = os.pipe()
fork(lambda: (close(w), os.read(r, 1)))
close(r); ready(); sys.stdin.read()
""",
    "an idle asyncio server": """
import asyncio
async def main():
    server = await asyncio.start_server(lambda r, w: None, "127.0.0.1", 0); ready(); await server.serve_forever()
asyncio.run(main())
""",
    "an idle asyncio program with an executor": """
import asyncio
async def main():
    await asyncio.get_running_loop().run_in_executor(None, int); ready(); await asyncio.Event().wait()
asyncio.run(main())
""",
    "an idle pool of threads": """
from concurrent.futures import ThreadPoolExecutor
pool = ThreadPoolExecutor(4); both = threading.Barrier(4)
for one in [pool.submit(both.wait) for _ in range(4)]: one.result()
ready(); threading.Event().wait()
""",
    "an idle pool of processes": """
import multiprocessing
pool = multiprocessing.get_context("fork").Pool(2); pool.map(int, [1, 2]); ready(); threading.Event().wait()
""",
    "a partner that polls with a timeout": """
a, b = socket.socketpair()
def wait():
    a.close(); one = select.poll(); one.register(b, select.POLLIN); one.poll(10**6)
fork(wait)
b.close(); ready(); a.recv(1)
""",
    "a partner whose socket has a timeout": """
a, b = socket.socketpair()
b.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("ll", 1000, 0))
fork(lambda: (a.close(), b.recv(1)))
b.close(); ready(); a.recv(1)
""",
    "a thread that will read later": """
r, w = os.pipe()
threading.Thread(target=lambda: (time.sleep(10**6), os.read(r, 1)), daemon=True).start()
ready(); os.write(w, MUCH)
""",
    "ping-pong at full speed": """
a, b = socket.socketpair()
def echo():
    a.close()
    while True: b.send(b.recv(1))
fork(echo)
b.close(); a.send(b"x"); ready()
while True: a.send(a.recv(1))
""",
    "a slow pipeline": """
r, w = os.pipe()
def slowly():
    close(w)
    while os.read(r, 4096): time.sleep(0.02)
fork(slowly)
close(r); ready()
while True: os.write(w, MUCH)
""",
    "a partner that is stopped": """
a, b = socket.socketpair()
pid = fork(lambda: (a.close(), b.recv(1)))
b.close(); os.kill(pid, signal.SIGSTOP); os.waitpid(pid, os.WUNTRACED); ready(); a.recv(1)
""",
    "a write end that is in flight": """
r, w = os.pipe(); a, b = socket.socketpair()
socket.send_fds(a, [b"x"], [w]); close(w); ready(); os.read(r, 1)
""",
    "a sleep": "ready(); time.sleep(10**6)",
    "a wait for a signal": "signal.pthread_sigmask(signal.SIG_BLOCK, [10]); ready(); signal.sigwait([10])",
    "a shell at its prompt": """
import pty
pid, master = pty.fork()
if pid == 0:
    LIBC.prctl(1, 9); os.execvp("sh", ["sh", "-i"])
while not {b"$", b"#"} & {bytes([byte]) for byte in os.read(master, 4096)}: pass
ready()
while True: select.select([master, 0], [], []); os.read(master, 4096)
""",
    "a FIFO that its reader keeps open for clients yet to come": """
path = tempfile.mkdtemp() + "/fifo"; os.mkfifo(path); one = os.open(path, os.O_RDWR)
fork(lambda: os.read(one, 1))
ready(); os.wait()
""",
    "a partner whose read has the time limit of its socket": """
a, b = socket.socketpair()
b.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("ll", 1000, 0))
fork(lambda: (a.close(), os.read(b.fileno(), 1)))
b.close(); ready(); os.read(a.fileno(), 1)
""",
    "a writer whose connection has a TCP_USER_TIMEOUT": """
server = socket.create_server(("127.0.0.1", 0))
def client():
    one = socket.create_connection(server.getsockname()); server.close(); one.setsockopt(6, 18, 10**8)
    one.sendall(MUCH * 16)
fork(client)
one, _ = server.accept(); server.close(); ready(); one.sendall(MUCH * 16)
""",
    "a pipe into which a signal handler writes": """
r, w = os.pipe(); signal.signal(signal.SIGTERM, lambda *_: os.write(w, b"x")); ready(); os.read(r, 1)
""",
    "a pipe into which an interpreter writes at a signal": """
r, w = os.pipe(); os.set_blocking(w, False); signal.set_wakeup_fd(w); ready(); os.read(r, 1)
""",
    "a pipe of its own and an alarm": """
r, w = os.pipe(); signal.signal(signal.SIGALRM, lambda *_: None); signal.alarm(10**6); ready(); os.read(r, 1)
""",
    "workers that a master orders about by signals": """
r, w = os.pipe(); signal.signal(signal.SIGUSR1, lambda *_: os.write(w, b"x"))
for _ in range(2): fork(lambda: (close(w), os.read(r, 1)))
ready(); os.wait()
""",
    "a make below another one": """
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGCHLD]); signal.signal(signal.SIGCHLD, lambda *_: None)
r, w = os.pipe()
def below():
    fork(lambda: time.sleep(10**6))
    LIBC.pselect(r + 1, (ctypes.c_ulong * 16)(1 << r), None, None, None, (ctypes.c_ulong * 16)())
fork(below); ready(); os.wait()
""",
    "an eventfd that the kernel may raise": "event = LIBC.eventfd(0, 0); ready(); os.read(event, 8)",
    "its own write end, one more of which is in flight": """
r, w = os.pipe(); a, b = socket.socketpair()
socket.send_fds(a, [b"x"], [w]); ready(); os.read(r, 1)
""",
    "a lock that one after the other takes and dies": """
memory = mmap.mmap(-1, 4096)
lock = ctypes.c_void_p(ctypes.addressof(ctypes.c_char.from_buffer(memory)))
how = ctypes.create_string_buffer(64)
LIBC.pthread_mutexattr_init(how); LIBC.pthread_mutexattr_setpshared(how, 1); LIBC.pthread_mutex_init(lock, how)
def use(): LIBC.pthread_mutex_lock(lock); time.sleep(0.05); LIBC.pthread_mutex_unlock(lock)
for _ in range(8): fork(use)
ready()
while True: os.wait(); fork(use)
""",
    "an asyncio program with a child at rest": """
import asyncio
async def main():
    await asyncio.create_subprocess_exec("cat", stdin=-1, stdout=-1); ready(); await asyncio.Event().wait()
asyncio.run(main())
""",
}
