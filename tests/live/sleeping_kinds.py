"""Ways to sleep in a system call, each as the code of a thread, and what it then waits for.

All of them sleep in one process. The code says what it made (`told(...)`) just before it makes the call that sleeps.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from ipcinspect.kernel.wait_target import Target

ZOO = r"""
import resource
LIBC.pthread_self.restype = ctypes.c_ulong
SYS = dict(x86_64=dict(futex=202), aarch64=dict(futex=98))[os.uname().machine]
DIRECTORY, SEMAPHORES, QUEUE, FULL_QUEUE, KINDS = ARGS
rows, kept = {}, []
def keep(thing):
    kept.append(thing); return thing
def full_pipe():
    r, w = os.pipe(); os.set_blocking(w, False)
    try:
        while True: os.write(w, bytes(65536))
    except BlockingIOError: pass
    os.set_blocking(w, True); return r, w
def zeros(size):
    return keep(ctypes.create_string_buffer(size))
def file(name):
    return os.open(os.path.join(DIRECTORY, name), os.O_RDWR | os.O_CREAT, 0o600)
def tid():
    return threading.get_native_id()
def started(work, *arguments):
    ready, found = threading.Event(), []
    def run():
        found.append(tid()); work(*arguments); ready.set(); signal.pause()
    threading.Thread(target=run, daemon=True).start(); ready.wait(); return found[0]
def lock(call, *arguments):
    number = getattr(LIBC, call)(*arguments)
    if number: raise OSError(number, call)
def mutex(kind=0, protocol=0, robust=0, shared=0, made=None):
    attributes, made = zeros(64), made or zeros(64)
    lock("pthread_mutexattr_init", attributes); lock("pthread_mutexattr_settype", attributes, kind)
    lock("pthread_mutexattr_setprotocol", attributes, protocol)
    lock("pthread_mutexattr_setrobust", attributes, robust)
    lock("pthread_mutexattr_setpshared", attributes, shared)
    lock("pthread_mutex_init", made, attributes); return made
def at(made):
    return ctypes.addressof(made)
def sleeping(code, rows, name):
    def told(*facts):
        rows[name] = [tid(), *facts]
    try: exec(code, dict(globals(), told=told))
    except (OSError, AttributeError) as error: rows[name] = [None, str(error)]
def readable():
    r, w = keep(os.pipe()); os.write(w, b"x"); return r
def timespec(seconds):
    return struct.pack("=qq", seconds, 500000000)
def child():
    pid = os.fork()
    if not pid:
        LIBC.prctl(1, 9, 0, 0, 0)
        fcntl.lockf(file("posix"), fcntl.LOCK_EX)
        while True: signal.pause()
    return pid
holder = child()
ROUTINE = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p)
def joinable():
    found, ready, handle = [], threading.Event(), ctypes.c_ulong()
    def run(_):
        found.append(tid()); ready.set(); signal.pause(); return 0
    LIBC.pthread_create(ctypes.byref(handle), None, keep(ROUTINE(run)), None); ready.wait(); return handle, found[0]
def queue(messages):
    name = b"/ipci-%d-%d" % (os.getpid(), tid())
    mq = checked(LIBC.mq_open(name, os.O_RDWR | os.O_CREAT, 0o600, struct.pack("=8q", 0, messages, 8, 0, 0, 0, 0, 0)))
    LIBC.mq_unlink(name); return mq
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])
for name, code in KINDS.items():
    threading.Thread(target=sleeping, args=(code, rows, name), daemon=True).start()
while len(rows) < len(KINDS): time.sleep(0.001)
say(holder, rows)
for line in sys.stdin: pass
os.kill(holder, 9)
os._exit(0)
"""


class Kind(NamedTuple):
    """One way to sleep."""

    code: str
    call: str
    """What the call may be: glibc has a choice in some places."""
    targets: Callable[..., list[Target]]
    """Of the facts that the code told."""
    has_timeout: bool | None = False
    timeout_s: float | None = None
    is_complete: bool = True


def on(direction: str) -> Callable[..., list[Target]]:
    """The descriptors that were told, for one direction."""
    return lambda *fds: [Target("descriptor", fd, direction) for fd in fds]


def nothing() -> list[Target]:
    """Time alone."""
    return []


DESCRIPTORS = {
    "read of an empty pipe": Kind("r, w = os.pipe(); told(r); os.read(r, 1)", "read", on("in")),
    "readv": Kind("r, w = os.pipe(); told(r); os.readv(r, [bytearray(1)])", "readv", on("in")),
    "write to a full pipe": Kind("r, w = full_pipe(); told(w); os.write(w, b'x')", "write", on("out")),
    "writev": Kind("r, w = full_pipe(); told(w); os.writev(w, [b'x'])", "writev", on("out")),
    "recv": Kind("a, b = socket.socketpair(); told(a.fileno()); a.recv(1)", "recvfrom", on("in")),
    "recvmsg": Kind("a, b = socket.socketpair(); told(a.fileno()); a.recvmsg(1)", "recvmsg", on("in")),
    "send to a full socket": Kind(
        "a, b = socket.socketpair(); told(a.fileno())\nwhile True: a.send(bytes(65536))", "sendto", on("out")
    ),
    "sendmsg": Kind(
        "a, b = socket.socketpair(); told(a.fileno())\nwhile True: a.sendmsg([bytes(65536)])", "sendmsg", on("out")
    ),
    "accept": Kind("a = socket.create_server(('127.0.0.1', 0)); told(a.fileno()); a.accept()", "accept4", on("in")),
    "connect to a full listener": Kind(
        "a = socket.socket(socket.AF_UNIX); a.bind(''); a.listen(0); b = socket.socket(socket.AF_UNIX)\n"
        "b.connect(a.getsockname()); b = socket.socket(socket.AF_UNIX); told(b.fileno()); b.connect(a.getsockname())",
        "connect",
        on("out"),
    ),
    "splice from an empty pipe": Kind(
        "r, w = os.pipe(); r2, w2 = os.pipe(); told(r); os.splice(r, w2, 9)", "splice", on("in")
    ),
    "splice into a full pipe": Kind("r, w = full_pipe(); told(w); os.splice(readable(), w, 9)", "splice", on("out")),
    "tee": Kind("r, w = os.pipe(); r2, w2 = os.pipe(); told(r); LIBC.tee(r, w2, 9, 0)", "tee", on("in")),
    "vmsplice": Kind(
        "r, w = full_pipe(); m = zeros(8); told(w); LIBC.vmsplice(w, struct.pack('=QQ', at(m), 8), 1, 0)",
        "vmsplice",
        on("out"),
    ),
    "sendfile": Kind(
        "r, w = full_pipe(); f = os.memfd_create('x'); os.write(f, b'x'); told(w); os.sendfile(w, f, 0, 1)",
        "sendfile",
        on("out"),
    ),
    "read of an eventfd": Kind("e = os.eventfd(0); told(e); os.eventfd_read(e)", "read", on("in")),
    "write to a full eventfd": Kind(
        "e = os.eventfd(0); os.eventfd_write(e, 2**64 - 2); told(e); os.eventfd_write(e, 1)", "write", on("out")
    ),
    "mq_receive": Kind("q = queue(1); told(q); LIBC.mq_receive(q, zeros(8), 8, None)", "mq_timedreceive", on("in")),
    "mq_send to a full queue": Kind(
        "q = queue(1); LIBC.mq_send(q, b'x', 1, 0); told(q); LIBC.mq_send(q, b'x', 1, 0)", "mq_timedsend", on("out")
    ),
    "flock": Kind(
        "f, g = file('flock'), file('flock'); fcntl.flock(f, 2); told(g); fcntl.flock(g, 2)", "flock", on("lock")
    ),
    "lock of an open file": Kind(
        "f, g = file('ofd'), file('ofd'); lock = struct.pack('=hhqqi4x', 1, 0, 0, 0, 0); fcntl.fcntl(f, 38, lock)\n"
        "told(g); fcntl.fcntl(g, 38, lock)",
        "fcntl",
        on("lock"),
    ),
    "lock of a process": Kind(
        "f = file('posix')\n"
        "while True:\n"
        "    try: fcntl.lockf(f, fcntl.LOCK_EX | fcntl.LOCK_NB); fcntl.lockf(f, fcntl.LOCK_UN)\n"
        "    except BlockingIOError: break\n"
        "told(f); fcntl.lockf(f, fcntl.LOCK_EX)",
        "fcntl",
        on("lock"),
    ),
    "a FIFO without a writer": Kind(
        "path = os.path.join(DIRECTORY, 'r'); os.mkfifo(path); told(path); os.open(path, os.O_RDONLY)",
        "openat",
        lambda path: [Target("path", direction="in", path=path)],
    ),
    "a FIFO without a reader, below a directory": Kind(
        "os.mkfifo(os.path.join(DIRECTORY, 'w')); d = os.open(DIRECTORY, os.O_PATH); told(d)\n"
        "os.open('w', os.O_WRONLY, dir_fd=d)",
        "openat",
        lambda fd: [Target("path", fd, "out", path="w")],
    ),
    "io_uring with requests": Kind(
        "u = checked(LIBC.syscall(425, 4, made := zeros(120))); r, w = os.pipe()\n"
        "places = struct.unpack_from('=10I', made, 40)\n"
        "ring = mmap.mmap(u, 4096, mmap.MAP_SHARED); slots = mmap.mmap(u, 4096, mmap.MAP_SHARED, offset=0x10000000)\n"
        "slots[:32] = struct.pack('=BBHiQQII', 6, 0, 0, r, 0, 0, 0, 1)\n"
        "struct.pack_into('=I', ring, places[6], 0); struct.pack_into('=I', ring, places[1], 1)\n"
        "told(u); LIBC.syscall(426, u, 1, 1, 1, None, 0)",
        "io_uring_enter",
        lambda fd: [Target("descriptor", fd, "in", requests=(("poll_add", 1),))],
        has_timeout=None,
        is_complete=False,
    ),
    "io_uring": Kind(
        "u = checked(LIBC.syscall(425, 4, zeros(120))); told(u); LIBC.syscall(426, u, 0, 1, 1, None, 0)",
        "io_uring_enter",
        on("in"),
        has_timeout=None,
        is_complete=False,
    ),
}

LISTS = {
    "poll": Kind(
        "r, w = os.pipe(); x, y = full_pipe(); a, b = socket.socketpair(); p = select.poll(); p.register(r, 1)\n"
        "p.register(y, 4); p.register(x2 := os.pipe()[1], 0); told(r, y, x2); p.poll()",
        "poll",
        lambda r, w, x: [*on("in")(r), *on("out")(w), *on("hangup")(x)],
    ),
    "poll for some time": Kind(
        "r, w = os.pipe(); p = select.poll(); p.register(r, 1); told(r); p.poll(300500)", "poll", on("in"), True, 300.5
    ),
    "poll of more than is read": Kind(
        "r, w = os.pipe(); resource.setrlimit(resource.RLIMIT_NOFILE, (1100, 1100)); told(r)\n"
        "LIBC.poll(struct.pack('=ihh', r, 1, 0) * 1025, 1025, -1)",
        "poll",
        lambda fd: on("in")(*[fd] * 1024),
        is_complete=False,
    ),
    "ppoll of one for both": Kind(
        "a, b = socket.socketpair(); a.setblocking(False)\n"
        "try:\n"
        "    while True: a.send(bytes(65536))\n"
        "except BlockingIOError: pass\n"
        "polled = struct.pack('=ihhihh', a.fileno(), 5, 0, -1, 1, 0); told(a.fileno())\n"
        "LIBC.ppoll(polled, 2, timespec(300), None)",
        "ppoll",
        on("in|out"),
        True,
        300.5,
    ),
    "select": Kind(
        "r, w = os.pipe(); x, y = full_pipe(); told(*sorted((r, y)), r); select.select([r], [y], [r], 300.5)",
        "select pselect6",
        lambda one, other, r: [Target("descriptor", fd, "in" if fd == r else "out") for fd in (r, one + other - r)],
        True,
        300.5,
    ),
    "epoll": Kind(
        "r, w = os.pipe(); x, y = full_pipe(); e = select.epoll(); e.register(r, 1); e.register(y, 4 | 1 << 31)\n"
        "z = readable(); e.register(z, 1 | 1 << 30); e.poll(); device = os.fstat(r).st_dev\n"
        "told(e.fileno(), r, ino(r), y, ino(y), device); e.poll()",
        "epoll_wait epoll_pwait",
        lambda e, r, r_ino, w, w_ino, device: [
            Target("descriptor", r, "in", e, r_ino, device),
            Target("descriptor", w, "out", e, w_ino, device),
        ],
    ),
    "epoll of nothing for some time": Kind(
        "e = select.epoll(); told(); e.poll(300.5)", "epoll_wait epoll_pwait", nothing, True, 300.5
    ),
    "epoll_pwait2": Kind(
        "e = select.epoll(); checked(LIBC.epoll_pwait2(e.fileno(), zeros(12), 1, bytes(16), None)); told()\n"
        "LIBC.epoll_pwait2(e.fileno(), zeros(12), 1, timespec(300), None)",
        "epoll_pwait2",
        nothing,
        True,
        300.5,
    ),
}

OTHERS = {
    "semop": Kind(
        "told(SEMAPHORES); checked(LIBC.semop(SEMAPHORES, struct.pack('=HhhHhh', 0, -2, 0, 1, 0, 0), 2))",
        "semop semtimedop",
        lambda semid: [
            Target("semaphore", number=semid, sub=0, change=-2),
            Target("semaphore", number=semid, sub=1, change=0),
        ],
    ),
    "semtimedop": Kind(
        "told(SEMAPHORES); LIBC.semtimedop(SEMAPHORES, struct.pack('=Hhh', 0, -1, 0), 1, timespec(300))",
        "semtimedop",
        lambda semid: [Target("semaphore", number=semid, sub=0, change=-1)],
        True,
        300.5,
    ),
    "msgrcv": Kind(
        "told(QUEUE); LIBC.msgrcv(QUEUE, zeros(99), ctypes.c_size_t(90), ctypes.c_long(-5), 0)",
        "msgrcv",
        lambda msqid: [Target("message queue", direction="in", number=msqid, change=-5)],
    ),
    "msgsnd to a full queue": Kind(
        "told(FULL_QUEUE)\nwhile True: LIBC.msgsnd(FULL_QUEUE, struct.pack('=q8192x', 7), ctypes.c_size_t(8192), 0)",
        "msgsnd",
        lambda msqid: [Target("message queue", direction="out", number=msqid, change=7)],
    ),
    "wait for a child": Kind("told(holder); os.waitpid(holder, 0)", "wait4", lambda pid: [Target("child", number=pid)]),
    "wait for any child": Kind("told(); os.wait()", "wait4", lambda: [Target("child")]),
    "wait for a child of the group": Kind("told(); os.waitpid(0, 0)", "wait4", lambda: [Target("child", group=0)]),
    "wait for a child of a group": Kind(
        "told(os.getpgrp()); os.waitid(os.P_PGID, os.getpgrp(), os.WEXITED)",
        "waitid",
        lambda group: [Target("child", group=group)],
    ),
    "waitid": Kind(
        "told(holder); os.waitid(os.P_PID, holder, os.WEXITED)", "waitid", lambda pid: [Target("child", number=pid)]
    ),
    "wait for a child by its pidfd": Kind(
        "f = os.pidfd_open(holder); told(f); os.waitid(os.P_PIDFD, f, os.WEXITED)",
        "waitid",
        lambda fd: [Target("child", fd=fd)],
    ),
    "pause": Kind("told(); LIBC.pause()", "pause ppoll", lambda: [Target("signal")]),
    "sigsuspend": Kind("told(); LIBC.sigsuspend(zeros(128))", "rt_sigsuspend", lambda: [Target("signal")]),
    "sigwait": Kind(
        "told(); signal.sigwait([signal.SIGUSR1])", "rt_sigtimedwait", lambda: [Target("signal", signals=1 << 9)]
    ),
    "sigtimedwait": Kind(
        "told(); LIBC.sigtimedwait(struct.pack('=Q120x', 1 << 9), None, timespec(300))",
        "rt_sigtimedwait",
        lambda: [Target("signal", signals=1 << 9)],
        True,
        300.5,
    ),
    "nanosleep": Kind("told(); LIBC.nanosleep(timespec(300), None)", "nanosleep clock_nanosleep", nothing, True, 300.5),
}
