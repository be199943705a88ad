/* The barest program that delays what it reads by a number of milliseconds: one poll over the input and an absolute
 * timer, a ring of reads, nothing else. What delay.py compares codelay's lateness to. Linux only. */
#include <poll.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

enum { READS = 1 << 16, SIZE = 64 << 10 };

static struct { int64_t due; ssize_t length; char *bytes; } ring[READS];

static int64_t now(void) {
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    return at.tv_sec * 1000000000LL + at.tv_nsec;
}

int main(int argc, char **argv) {
    int64_t delay = (argc > 1 ? atoll(argv[1]) : 0) * 1000000LL;
    int timer = timerfd_create(CLOCK_MONOTONIC, 0);
    unsigned first = 0, next = 0;
    int open = 1;
    static char buffer[SIZE];
    while (open || first != next) {
        struct pollfd fds[2] = {{.fd = open ? 0 : -1, .events = POLLIN}, {.fd = timer, .events = POLLIN}};
        if (first == next)
            fds[1].fd = -1;
        poll(fds, 2, -1);
        int64_t at = now();
        unsigned before = first;
        while (first != next && ring[first % READS].due <= at) {
            if (write(1, ring[first % READS].bytes, ring[first % READS].length) < 0)
                return 1;
            free(ring[first++ % READS].bytes);
        }
        int was_empty = first == next;
        if (fds[0].revents) {
            ssize_t length = read(0, buffer, SIZE);
            if (length <= 0) {
                open = 0;
            } else {
                ring[next % READS].due = now() + delay;
                ring[next % READS].length = length;
                ring[next % READS].bytes = memcpy(malloc(length), buffer, length);
                next++;
            }
        }
        if (first != next && (was_empty || before != first)) {
            int64_t due = ring[first % READS].due;
            struct itimerspec spec = {.it_value = {due / 1000000000, due % 1000000000}};
            timerfd_settime(timer, TFD_TIMER_ABSTIME, &spec, 0);
        }
    }
    return 0;
}
