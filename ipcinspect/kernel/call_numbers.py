"""Numbers of the system calls in which threads sleep, by machine (syscalls(2), the syscall tables of the kernel).

aarch64 has the numbers of include/uapi/asm-generic/unistd.h. A 32-bit task on a 64-bit kernel has those of i386 or of
ARM. A few calls stand here for their names alone, so that a thread that hangs in one can be told by it.
"""

from __future__ import annotations

_COLUMNS = {("x86_64", False): 0, ("aarch64", False): 1, ("x86_64", True): 2, ("aarch64", True): 3}

_TABLE = """
                 x86_64 aarch64 i386 arm
read                 0   63    3    3
write                1   64    4    4
readv               19   65  145  145
writev              20   66  146  146
pread64             17   67  180  180
pwrite64            18   68  181  181
preadv             295   69  333  361
pwritev            296   70  334  362
preadv2            327  286  378  392
pwritev2           328  287  379  393
sendfile            40   71  187  187
sendfile             -    -  239  239
splice             275   76  313  340
tee                276   77  315  342
vmsplice           278   75  316  343
ioctl               16   29   54   54
recv                 -    -    -  291
recvfrom            45  207  371  292
recvmsg             47  212  372  297
recvmmsg           299  243  337  365
recvmmsg             -    -  417  417
send                 -    -    -  289
sendto              44  206  369  290
sendmsg             46  211  370  296
sendmmsg           307  269  345  374
accept              43  202    -  285
accept4            288  242  364  366
connect             42  203  362  283
socketcall           -    -  102    -
open                 2    -    5    5
openat             257   56  295  322
openat2            437  437  437  437
creat               85    -    8    8
close                3   57    6    6
fsync               74   82  118  118
fdatasync           75   83  148  148
flock               73   32  143  143
fcntl               72   25   55   55
fcntl                -    -  221  221
getdents64         217   61  220  217
statx              332  291  383  397
copy_file_range    326  285  377  391
poll                 7    -  168  168
ppoll              271   73  309  336
ppoll                -    -  414  414
select              23    -  142  142
pselect6           270   72  308  335
pselect6             -    -  413  413
epoll_wait         232    -  256  252
epoll_pwait        281   22  319  346
epoll_pwait2       441  441  441  441
futex              202   98  240  240
futex                -    -  422  422
futex_waitv        449  449  449  449
futex_wait         455  455  455  455
semop               65  193    -  298
semtimedop         220  192    -  312
semtimedop           -    -  420  420
msgrcv              70  188  401  302
msgsnd              69  189  400  301
ipc                  -    -  117    -
mq_timedsend       242  182  279  276
mq_timedsend         -    -  418  418
mq_timedreceive    243  183  280  277
mq_timedreceive      -    -  419  419
waitpid              -    -    7    -
wait4               61  260  114  114
waitid             247   95  284  280
vfork               58    -  190  190
clone               56  220  120  120
clone3             435  435  435  435
execve              59  221   11   11
execveat           322  281  358  387
exit                60   93    1    1
exit_group         231   94  252  248
pause               34    -   29   29
sigsuspend           -    -   72   72
rt_sigsuspend      130  133  179  179
rt_sigtimedwait    128  137  177  177
rt_sigtimedwait      -    -  421  421
nanosleep           35  101  162  162
clock_nanosleep    230  115  267  265
clock_nanosleep      -    -  407  407
restart_syscall    219  128    0    0
io_uring_enter     426  426  426  426
io_getevents       208    4  247  245
io_pgetevents      333  292  385  399
io_pgetevents        -    -  416  416
getrandom          318  278  355  384
"""
"""A second row of a name is the variant for 32-bit tasks whose times, offsets or ranges have 64 bits."""

FIRST_OF_64_BIT_TIME = 403
"""From this number on, calls of 32-bit tasks take times of 64 bits (clock_gettime64)."""


def _column(place: int) -> dict[int, str]:
    rows = [line.split() for line in _TABLE.strip().split("\n")[1:]]
    return {int(row[place + 1]): row[0] for row in rows if row[place + 1] != "-"}


_NAMES = {key: _column(place) for key, place in _COLUMNS.items()}


def names(machine: str, is_32_bit: bool) -> dict[int, str]:
    """The calls known of tasks on a machine (uname(2)), by number; none of one that is not known here."""
    return _NAMES.get((machine, is_32_bit), {})
