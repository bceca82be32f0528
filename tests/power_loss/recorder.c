/* Preloaded into a process: records what it writes below ANCHORHOLD_RECORDED, and what it makes durable, in the order of
 * the calls, into ANCHORHOLD_RECORD. Each record is: one letter (w write, s sync, t truncate), the length of the path,
 * the offset, the length of the data (each 8 octets, of this machine's order), the path, the data. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

static int record = -1;

static int path_of(int file, char *path) {
    char link[64];
    const char *folder = getenv("ANCHORHOLD_RECORDED");
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t length = readlink(link, path, PATH_MAX - 1);
    if (length < 0 || folder == NULL)
        return 0;
    path[length] = 0;
    return strncmp(path, folder, strlen(folder)) == 0;
}

static void note(char what, int file, uint64_t offset, const void *data, uint64_t size) {
    char path[PATH_MAX];
    if (!path_of(file, path))
        return;
    if (record < 0)
        record = syscall(SYS_openat, AT_FDCWD, getenv("ANCHORHOLD_RECORD"), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    uint64_t numbers[3] = {strlen(path), offset, size};
    struct iovec parts[4] = {{&what, 1}, {numbers, sizeof numbers}, {path, numbers[0]}, {(void *)data, size}};
    syscall(SYS_writev, record, parts, 4);
}

#define REAL(type, name, ...) ((type(*)(__VA_ARGS__))dlsym(RTLD_NEXT, #name))

ssize_t pwrite64(int file, const void *data, size_t size, off64_t offset) {
    ssize_t written = REAL(ssize_t, pwrite64, int, const void *, size_t, off64_t)(file, data, size, offset);
    if (written > 0)
        note('w', file, offset, data, written);
    return written;
}

ssize_t pwrite(int file, const void *data, size_t size, off_t offset) { return pwrite64(file, data, size, offset); }

ssize_t write(int file, const void *data, size_t size) {
    ssize_t written = syscall(SYS_write, file, data, size);
    if (written > 0)
        note('w', file, UINT64_MAX, data, written);
    return written;
}

int ftruncate64(int file, off64_t size) {
    int outcome = REAL(int, ftruncate64, int, off64_t)(file, size);
    if (outcome == 0)
        note('t', file, size, "", 0);
    return outcome;
}

int ftruncate(int file, off_t size) { return ftruncate64(file, size); }

int fdatasync(int file) {
    int outcome = REAL(int, fdatasync, int)(file);
    if (outcome == 0)
        note('s', file, 0, "", 0);
    return outcome;
}

int fsync(int file) {
    int outcome = REAL(int, fsync, int)(file);
    if (outcome == 0)
        note('s', file, 0, "", 0);
    return outcome;
}
