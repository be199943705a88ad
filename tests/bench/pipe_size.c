/* Loaded before a program (LD_PRELOAD), makes its pipes and reads as large as pipes.py wants them:
 * PIPE_SIZE takes the place of the size that F_SETPIPE_SZ asks for (0: nothing is asked for), READ_SIZE bounds a read. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/uio.h>

static long wanted(const char *name, long otherwise)
{
    const char *value = getenv(name);
    return value ? atol(value) : otherwise;
}

int fcntl(int fd, int command, ...)
{
    static int (*real)(int, int, ...);
    va_list arguments;
    long argument;

    if (!real)
        real = (int (*)(int, int, ...))dlsym(RTLD_NEXT, "fcntl");
    va_start(arguments, command);
    argument = va_arg(arguments, long);
    va_end(arguments);
    if (command == F_SETPIPE_SZ) {
        argument = wanted("PIPE_SIZE", argument);
        if (argument == 0)
            return fcntl(fd, F_GETPIPE_SZ);
    }
    return real(fd, command, argument);
}

ssize_t preadv2(int fd, const struct iovec *vectors, int count, off_t offset, int flags)
{
    static ssize_t (*real)(int, const struct iovec *, int, off_t, int);
    struct iovec first = vectors[0];
    size_t most = wanted("READ_SIZE", (long)first.iov_len);

    if (!real)
        real = (ssize_t (*)(int, const struct iovec *, int, off_t, int))dlsym(RTLD_NEXT, "preadv2");
    if (count == 1 && first.iov_len > most) {
        first.iov_len = most;
        vectors = &first;
    }
    return real(fd, vectors, count, offset, flags);
}
