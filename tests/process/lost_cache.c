/* A disk that forgets what was not synced, for one process under LD_PRELOAD.
 *
 * Writes below LOST_CACHE_DIR go to the real files. What a power cut would leave is kept in
 * LOST_CACHE_SHADOW, by inode:
 *
 *   <inode>      a file's content as of its last fsync or fdatasync
 *   dir-<inode>  a folder's names as of the last fsync of that folder: "<inode> <d|f> <name>"
 *
 * It is strict: a new name without a sync of its folder is gone, a renamed or removed file keeps
 * its old name. LOST_CACHE_WRITEBACK is the percentage of writes that reach the disk by
 * themselves, in any order, as the kernel's write-back does. While a file LOST_CACHE_SHADOW/hang
 * exists no sync of ours comes to its end; the first to wait makes LOST_CACHE_SHADOW/hanging.
 * The sync with the number LOST_CACHE_DIE_AT, counted from 1, kills the process instead.
 *
 * Files stay open here for the life of the process: so their inodes are never used again, and no
 * close() of ours drops the POSIX locks the program holds on them.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define FILES_MAX 4096
#define CHUNK 65536

struct range { off_t from, to; };

struct file {
    ino_t inode;
    int reader, shadow;
    struct range *dirty;
    size_t count, room;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct file files[FILES_MAX];
static size_t known;
static char root[PATH_MAX], shadow[PATH_MAX];
static size_t root_length;
static dev_t device;
static unsigned writeback, die_at, seed;

static void die(const char *what) {
    fprintf(stderr, "lost_cache: %s\n", what);
    abort();
}

static struct file *find(ino_t inode) {
    for (size_t i = known; i > 0; i--)
        if (files[i - 1].inode == inode) return &files[i - 1];
    return NULL;
}

static int inside(int fd) {
    char link[64], path[PATH_MAX];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < (ssize_t)root_length || strncmp(path, root, root_length)) return 0;
    return length == (ssize_t)root_length || path[root_length] == '/';
}

static struct file *keep(ino_t inode, int reader) {
    char path[PATH_MAX + 32];
    if (known == FILES_MAX) die("too many files");
    snprintf(path, sizeof path, "%s/%lu", shadow, (unsigned long)inode);
    int copy = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (reader < 0 || copy < 0) die("cannot open");
    files[known] = (struct file){.inode = inode, .reader = reader, .shadow = copy};
    return &files[known++];
}

static void mark(struct file *file, off_t from, off_t to) {
    struct range *last = file->count ? &file->dirty[file->count - 1] : NULL;
    if (last && last->to == from) {
        last->to = to;
        return;
    }
    if (file->count == file->room) {
        file->room = file->room ? file->room * 2 : 64;
        file->dirty = realloc(file->dirty, file->room * sizeof *file->dirty);
        if (!file->dirty) die("no memory");
    }
    file->dirty[file->count++] = (struct range){from, to};
}

/* What is there at the start is held from the start, so that its inode is not used again. A
 * killed process may have left it unsynced, so the first sync takes all of it. */
static int hold(const char *path, const struct stat *about, int type, struct FTW *place) {
    (void)place;
    if (type != FTW_F || find(about->st_ino)) return 0;
    int reader = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0);
    mark(keep(about->st_ino, reader), 0, about->st_size);
    return 0;
}

__attribute__((constructor)) static void setup(void) {
    const char *dir = getenv("LOST_CACHE_DIR"), *to = getenv("LOST_CACHE_SHADOW");
    const char *percent = getenv("LOST_CACHE_WRITEBACK"), *number = getenv("LOST_CACHE_DIE_AT");
    struct stat about;
    if (!dir || !to) return;
    if (!realpath(dir, root) || !realpath(to, shadow) || stat(root, &about)) die("no such folder");
    root_length = strlen(root);
    device = about.st_dev;
    writeback = percent ? (unsigned)atoi(percent) : 0;
    die_at = number ? (unsigned)atoi(number) : 0;
    if (nftw(root, hold, 16, FTW_PHYS)) die("cannot walk");
    seed = (unsigned)time(NULL) ^ (unsigned)getpid();
}

/* The file behind a descriptor, if it is one of ours. Called with the lock held. */
static struct file *track(int fd) {
    struct stat about;
    char link[64];
    if (fstat(fd, &about) || !S_ISREG(about.st_mode) || about.st_dev != device) return NULL;
    struct file *file = find(about.st_ino);
    if (file) return file;
    if (!inside(fd)) return NULL;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    return keep(about.st_ino, (int)syscall(SYS_openat, AT_FDCWD, link, O_RDONLY | O_CLOEXEC, 0));
}

static void copy(struct file *file, struct range range) {
    char buffer[CHUNK];
    while (range.from < range.to) {
        size_t want = (size_t)(range.to - range.from);
        ssize_t got = syscall(SYS_pread64, file->reader, buffer, want < CHUNK ? want : CHUNK, range.from);
        if (got < 0) die("cannot read");
        if (got == 0) return; /* cut off since */
        if (syscall(SYS_pwrite64, file->shadow, buffer, got, range.from) != got) die("cannot write");
        range.from += got;
    }
}

/* After a write of `count` bytes at `from`; -1 stands for the descriptor's own position. */
static void wrote(int fd, ssize_t count, off_t from) {
    if (!device || count <= 0) return;
    pthread_mutex_lock(&lock);
    struct file *file = track(fd);
    if (file) {
        if (from < 0) from = lseek(fd, 0, SEEK_CUR) - count;
        mark(file, from, from + count);
        if (writeback && (unsigned)rand_r(&seed) % 100 < writeback)
            copy(file, (struct range){from, from + count});
    }
    pthread_mutex_unlock(&lock);
}

static void cut(int fd, off_t before, off_t size) {
    if (!device || before <= size) return;
    pthread_mutex_lock(&lock);
    struct file *file = track(fd);
    if (file) mark(file, size, before);
    pthread_mutex_unlock(&lock);
}

static void apply(struct file *file) {
    struct stat about;
    for (size_t i = 0; i < file->count; i++) copy(file, file->dirty[i]);
    if (fstat(file->reader, &about) || syscall(SYS_ftruncate, file->shadow, about.st_size))
        die("cannot set the size");
    file->count = 0;
}

static void note_names(int fd, ino_t folder) {
    char link[64], path[PATH_MAX + 32], fresh[PATH_MAX + 40];
    struct stat about;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    snprintf(path, sizeof path, "%s/dir-%lu", shadow, (unsigned long)folder);
    snprintf(fresh, sizeof fresh, "%s.new", path);
    DIR *names = opendir(link);
    FILE *list = fopen(fresh, "w");
    if (!names || !list) die("cannot list");
    for (struct dirent *entry; (entry = readdir(names));) {
        if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, "..")) continue;
        if (fstatat(fd, entry->d_name, &about, AT_SYMLINK_NOFOLLOW)) continue;
        int regular = S_ISREG(about.st_mode);
        if (!regular && !S_ISDIR(about.st_mode)) continue;
        if (regular && !find(about.st_ino))
            keep(about.st_ino, (int)syscall(SYS_openat, fd, entry->d_name, O_RDONLY | O_CLOEXEC, 0));
        fprintf(list, "%lu %c %s\n", (unsigned long)about.st_ino, regular ? 'f' : 'd', entry->d_name);
    }
    closedir(names);
    if (fclose(list) || rename(fresh, path)) die("cannot note names");
}

static void synced(int fd) {
    struct stat about;
    if (!device || fstat(fd, &about) || about.st_dev != device) return;
    pthread_mutex_lock(&lock);
    if (S_ISDIR(about.st_mode)) {
        if (inside(fd)) note_names(fd, about.st_ino);
    } else {
        struct file *file = track(fd);
        if (file) apply(file);
    }
    pthread_mutex_unlock(&lock);
}

static void before_sync(int fd) {
    char path[PATH_MAX + 32];
    if (!device || !inside(fd)) return;
    if (die_at && __atomic_sub_fetch(&die_at, 1, __ATOMIC_SEQ_CST) == 0) kill(getpid(), SIGKILL);
    snprintf(path, sizeof path, "%s/hang", shadow);
    if (access(path, F_OK)) return;
    snprintf(path, sizeof path, "%s/hanging", shadow);
    close(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    snprintf(path, sizeof path, "%s/hang", shadow);
    while (!access(path, F_OK)) usleep(1000);
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

ssize_t write(int fd, const void *data, size_t size) {
    ssize_t count = syscall(SYS_write, fd, data, size);
    wrote(fd, count, -1);
    return count;
}

ssize_t pwrite(int fd, const void *data, size_t size, off_t at) {
    ssize_t count = syscall(SYS_pwrite64, fd, data, size, at);
    wrote(fd, count, at);
    return count;
}

ssize_t pwrite64(int fd, const void *data, size_t size, off64_t at) {
    return pwrite(fd, data, size, at);
}

ssize_t writev(int fd, const struct iovec *parts, int number) {
    ssize_t count = syscall(SYS_writev, fd, parts, number);
    wrote(fd, count, -1);
    return count;
}

ssize_t pwritev(int fd, const struct iovec *parts, int number, off_t at) {
    ssize_t count = REAL(pwritev)(fd, parts, number, at);
    wrote(fd, count, at);
    return count;
}

ssize_t pwritev64(int fd, const struct iovec *parts, int number, off64_t at) {
    return pwritev(fd, parts, number, at);
}

int ftruncate(int fd, off_t size) {
    struct stat about;
    off_t before = fstat(fd, &about) ? 0 : about.st_size;
    int failed = (int)syscall(SYS_ftruncate, fd, size);
    if (!failed) cut(fd, before, size);
    return failed;
}

int ftruncate64(int fd, off64_t size) {
    return ftruncate(fd, size);
}

int fsync(int fd) {
    before_sync(fd);
    int failed = (int)syscall(SYS_fsync, fd);
    if (!failed) synced(fd);
    return failed;
}

int fdatasync(int fd) {
    before_sync(fd);
    int failed = (int)syscall(SYS_fdatasync, fd);
    if (!failed) synced(fd);
    return failed;
}
