// Adds an offset to the wall clock of the process into which it is preloaded. The offset, in
// milliseconds, is the 64-bit integer in the file that METASTORE_TEST_CLOCK names; a change takes
// effect at once. The monotonic clock is left alone, as when the time of a machine is set.
//
// It calls the kernel itself: a library that first looks up the real functions can deadlock in a
// server whose allocator reads the clock while it is initialized, as jemalloc does.

#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define NANOS 1000000000L

static volatile const int64_t *offset;

__attribute__((constructor)) static void map_offset(void) {
    const char *path = getenv("METASTORE_TEST_CLOCK");
    int file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (file < 0) abort();
    void *map = mmap(NULL, sizeof *offset, PROT_READ, MAP_SHARED, file, 0);
    if (map == MAP_FAILED) abort();
    offset = map;
    close(file);
}

int clock_gettime(clockid_t clock, struct timespec *now) {
    int failed = (int)syscall(SYS_clock_gettime, clock, now);
    // Other constructors may read the clock before the file is mapped.
    if (failed || !offset || (clock != CLOCK_REALTIME && clock != CLOCK_REALTIME_COARSE)) {
        return failed;
    }
    int64_t millis = *offset;
    now->tv_sec += millis / 1000;
    now->tv_nsec += millis % 1000 * 1000000;
    if (now->tv_nsec < 0) {
        now->tv_nsec += NANOS;
        now->tv_sec -= 1;
    } else if (now->tv_nsec >= NANOS) {
        now->tv_nsec -= NANOS;
        now->tv_sec += 1;
    }
    return 0;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone) {
    (void)zone;
    struct timespec precise;
    int failed = clock_gettime(CLOCK_REALTIME, &precise);
    if (!failed && now) {
        now->tv_sec = precise.tv_sec;
        now->tv_usec = precise.tv_nsec / 1000;
    }
    return failed;
}

time_t time(time_t *now) {
    struct timespec precise;
    clock_gettime(CLOCK_REALTIME, &precise);
    if (now) *now = precise.tv_sec;
    return precise.tv_sec;
}
