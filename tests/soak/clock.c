/* Shifts the wall clock of one program: LD_PRELOAD. The file that CHAOS_CLOCK names holds the
 * number of nanoseconds to add, and is read at every call. The monotonic clock does not change. */

#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static const volatile int64_t *shift;

__attribute__((constructor)) static void map_shift(void)
{
    const char *path = getenv("CHAOS_CLOCK");
    int file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (file < 0)
        return;
    void *page = mmap(NULL, sizeof *shift, PROT_READ, MAP_SHARED, file, 0);
    if (page != MAP_FAILED)
        shift = page;
    close(file);
}

int clock_gettime(clockid_t clock, struct timespec *now)
{
    int result = (int)syscall(SYS_clock_gettime, clock, now);
    if (result == 0 && clock == CLOCK_REALTIME && shift) {
        int64_t nanoseconds = now->tv_nsec + *shift % 1000000000;
        int64_t seconds = now->tv_sec + *shift / 1000000000;
        now->tv_sec = seconds + (nanoseconds >= 1000000000) - (nanoseconds < 0);
        now->tv_nsec = nanoseconds - 1000000000 * (nanoseconds >= 1000000000)
                       + 1000000000 * (nanoseconds < 0);
    }
    return result;
}
