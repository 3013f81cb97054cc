/*
 * For LD_PRELOAD: while the file FAILING_SYNC_TRIGGER is there, syncing a file whose path contains FAILING_SYNC_UNDER and
 * ends in FAILING_SYNC_SUFFIX fails with EIO, and what was written to it since its last sync is gone, as when the kernel
 * drops pages that it could not write. The first failure leaves FAILING_SYNC_TRIGGER.met behind.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILES 64
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct { ino_t inode; off_t synced; } files[FILES];

static int chosen(int fd) {
  const char *under = getenv("FAILING_SYNC_UNDER"), *suffix = getenv("FAILING_SYNC_SUFFIX");
  char link[64], path[4096];
  if (under == NULL || suffix == NULL) return 0;
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, path, sizeof path - 1);
  if (length < 0) return 0;
  path[length] = 0;
  size_t tail = strlen(suffix);
  return strstr(path, under) != NULL && (size_t)length >= tail && strcmp(path + length - tail, suffix) == 0;
}

/* The synced length of a file; beyond FILES files the oldest places are used again, which loses more and never less. */
static off_t *synced(ino_t inode) {
  static int next = 0;
  for (int at = 0; at < FILES; at += 1) if (files[at].inode == inode) return &files[at].synced;
  int place = next++ % FILES;
  files[place].inode = inode;
  files[place].synced = 0;
  return &files[place].synced;
}

static int sync_of(int fd, const char *name) {
  int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, name);
  const char *trigger = getenv("FAILING_SYNC_TRIGGER");
  struct stat about;
  if (trigger == NULL || !chosen(fd) || fstat(fd, &about) != 0) return real(fd);
  pthread_mutex_lock(&lock);
  off_t *length = synced(about.st_ino);
  int result;
  if (access(trigger, F_OK) == 0) {
    char met[4096];
    snprintf(met, sizeof met, "%s.met", trigger);
    int mark = open(met, O_CREAT | O_WRONLY, 0600);
    if (mark >= 0) close(mark);
    if (ftruncate(fd, *length) != 0) abort();
    errno = EIO;
    result = -1;
  } else {
    result = real(fd);
    if (result == 0) *length = about.st_size;
  }
  pthread_mutex_unlock(&lock);
  return result;
}

int fsync(int fd) { return sync_of(fd, "fsync"); }
int fdatasync(int fd) { return sync_of(fd, "fdatasync"); }
