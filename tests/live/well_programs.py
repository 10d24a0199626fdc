"""Small programs that wait and are not stuck, as `stuck_programs` has those that are."""

from __future__ import annotations

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
    "a reader of a terminal that gives up after a time": """
import termios
master, slave = os.openpty(); modes = termios.tcgetattr(slave); modes[3] &= ~termios.ICANON
modes[6][termios.VMIN], modes[6][termios.VTIME] = 0, 255; termios.tcsetattr(slave, termios.TCSANOW, modes)
def again():
    close(master)
    while True: os.read(slave, 1)
fork(again); close(slave); ready(); os.read(master, 1)
""",
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
    "its own write end, one more of which is in flight between two others": """
r, w = os.pipe(); told, tell = os.pipe()
def others():
    a, b = socket.socketpair(); socket.send_fds(a, [b"x"], [w]); close(r, w, told, tell); time.sleep(10**6)
fork(others); close(tell); os.read(told, 1); close(told); ready(); os.read(r, 1)
""",
    "its own write end, one more of which it sent to a server that has not accepted it": """
path = tempfile.mkdtemp() + "/socket"; server = socket.socket(socket.AF_UNIX); server.bind(path); server.listen()
client = socket.socket(socket.AF_UNIX); client.connect(path)
r, w = os.pipe(); socket.send_fds(client, [b"x"], [w]); ready(); os.read(r, 1)
""",
    "its own write end, one more of which is in flight in a datagram": """
r, w = os.pipe(); a, b = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
socket.send_fds(a, [b"x"], [w]); ready(); os.read(r, 1)
""",
    "a robust mutex whose owners die with it": """
memory = mmap.mmap(-1, 4096); lock = ctypes.c_void_p(ctypes.addressof(ctypes.c_char.from_buffer(memory)))
how = ctypes.create_string_buffer(64); LIBC.pthread_mutexattr_init(how); LIBC.pthread_mutexattr_setpshared(how, 1)
LIBC.pthread_mutexattr_setrobust(how, 1); LIBC.pthread_mutex_init(lock, how)
def use():
    if LIBC.pthread_mutex_lock(lock) == 130: LIBC.pthread_mutex_consistent(lock)
    time.sleep(0.05)
for _ in range(4): fork(use)
ready()
while True: os.wait(); fork(use)
""",
    "POSIX locks in the wrong order, of which the kernel refuses one": """
files = [tempfile.NamedTemporaryFile() for _ in "ab"]
def take(number):
    try: fcntl.lockf(os.open(files[number].name, os.O_RDWR), fcntl.LOCK_EX)
    except OSError: time.sleep(10**6)
crossed([lambda: take(0), lambda: take(1)], [lambda: take(1), lambda: take(0)])
""",
    "a lock that a child has inherited and will give back": """
files = [tempfile.NamedTemporaryFile() for _ in "ab"]
take = lambda number: fcntl.flock(os.open(files[number].name, os.O_RDWR), fcntl.LOCK_EX)
def lend():
    take(0); fork(lambda: time.sleep(10**6))
crossed([lend, lambda: take(1)], [lambda: take(1), lambda: take(0)])
""",
    "an event loop that waits for a signal and a timer among others": """
signal.pthread_sigmask(signal.SIG_BLOCK, [10]); signals = LIBC.signalfd(-1, struct.pack("Q", 1 << 9), 0)
timer = LIBC.timerfd_create(1, 0); LIBC.timerfd_settime(timer, 0, struct.pack("4q", 0, 0, 10**6, 0), None)
r, w = os.pipe(); epoll = select.epoll()
for fd in (signals, timer, r): epoll.register(fd, select.EPOLLIN)
ready(); epoll.poll()
""",
    "a partner that waits for a timer": """
timer = LIBC.timerfd_create(1, 0); LIBC.timerfd_settime(timer, 0, struct.pack("4q", 0, 0, 10**6, 0), None)
a, b = socket.socketpair()
fork(lambda: (a.close(), os.read(timer, 8), b.send(b"x")))
b.close(); ready(); a.recv(1)
""",
    "a partner that is traced and stopped": """
a, b = socket.socketpair()
def other(): a.close(); LIBC.ptrace(0, 0, 0, 0); os.kill(os.getpid(), signal.SIGSTOP); b.recv(1)
pid = fork(other)
b.close(); os.waitpid(pid, os.WUNTRACED); ready(); a.recv(1)
""",
    "a partner with a third who has its end too": """
a, b = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
fork(lambda: (a.close(), b.recv(1))); fork(lambda: (a.close(), time.sleep(10**6)))
b.close(); ready(); a.recv(1)
""",
    "servers of which one alone waits for clients, and has the lock": """
memory = mmap.mmap(-1, 4096); lock = ctypes.c_void_p(ctypes.addressof(ctypes.c_char.from_buffer(memory)))
how = ctypes.create_string_buffer(64); LIBC.pthread_mutexattr_init(how); LIBC.pthread_mutexattr_setpshared(how, 1)
LIBC.pthread_mutex_init(lock, how); server = socket.create_server(("127.0.0.1", 0))
for _ in range(3): fork(lambda: (LIBC.pthread_mutex_lock(lock), server.accept()))
ready(); os.wait()
""",
    "an idle executor of one process": """
import multiprocessing
from concurrent.futures import ProcessPoolExecutor
pool = ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("fork")); pool.submit(int).result()
ready(); threading.Event().wait()
""",
    "a queue whose taker is joined while a thread will put": """
import multiprocessing
context = multiprocessing.get_context("fork"); queue = context.SimpleQueue()
process = context.Process(target=queue.get); process.start()
threading.Thread(target=lambda: (sys.stdin.read(), queue.put(1)), daemon=True).start(); ready(); process.join()
""",
    "a log that is followed": """
path = tempfile.mkdtemp() + "/log"; open(path, "w").close(); ready()
os.execvp("sh", ["sh", "-c", f"tail -f {path} | cat | cat"])
""",
}
