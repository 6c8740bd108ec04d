/* Preload shim: makes every fsync and fdatasync cost SLOW_SYNC_US microseconds more, as on a
 * cloud volume, and counts them in the 8-byte file SLOW_SYNC_COUNT if that is set.
 * Linux: cc -O2 -shared -fPIC -o slow_sync.so slow_sync.c
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

typedef int (*sync_call)(int);

static sync_call real_fsync;
static sync_call real_fdatasync;
static struct timespec delay;
static _Atomic uint64_t *count;

static void map_counter(const char *path)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (fd < 0)
        return;
    if (ftruncate(fd, sizeof *count) == 0) {
        void *page = mmap(NULL, sizeof *count, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        if (page != MAP_FAILED)
            count = page;
    }
    close(fd);
}

__attribute__((constructor)) static void start(void)
{
    const char *text = getenv("SLOW_SYNC_US");
    const char *path = getenv("SLOW_SYNC_COUNT");
    long us = text ? strtol(text, NULL, 10) : 0;
    delay.tv_sec = us / 1000000;
    delay.tv_nsec = us % 1000000 * 1000;
    real_fsync = (sync_call)dlsym(RTLD_NEXT, "fsync");
    real_fdatasync = (sync_call)dlsym(RTLD_NEXT, "fdatasync");
    if (path)
        map_counter(path);
}

/* The real sync first, so that the wait is added to it and its result and errno are kept. */
static int slowly(sync_call call, int fd)
{
    int result = call(fd);
    int saved = errno;
    struct timespec left = delay;
    while (nanosleep(&left, &left) == -1 && errno == EINTR)
        ;
    if (count)
        atomic_fetch_add(count, 1);
    errno = saved;
    return result;
}

int fsync(int fd)
{
    return slowly(real_fsync, fd);
}

int fdatasync(int fd)
{
    return slowly(real_fdatasync, fd);
}
