// The floor: what a machine and a link give to a program without Ferry or QEMU in it.
//
//   floor serve ADDRESS              prints its port, serves until it is ended
//   floor measure ADDRESS PORT       prints one line of JSON: a page's round trip over TCP (16 bytes out, 4 KiB back), a whole
//                                    remote fault (a thread touches a page registered with userfaultfd, a pager fetches it
//                                    over TCP, writes it through another mapping and continues), raw TCP throughput
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define PAGE 4096u
#define REQUEST 16u
#define ROUND_TRIPS 20000
#define FAULTS 16384
#define WARM_UP 1000
#define BULK (1u << 18)
#define BULK_SECONDS 2

// The first byte of a connection.
enum { PAGES = 'p', SINK = 's' };

static void check(int ok, const char *what) {
  if (ok) return;
  perror(what);
  exit(1);
}

static uint64_t now_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000000000ull + now.tv_nsec;
}

static int receive(int fd, void *into, size_t length) {
  for (size_t done = 0; done < length;) {
    ssize_t n = read(fd, (char *)into + done, length - done);
    if (n <= 0) return 0;
    done += n;
  }
  return 1;
}

static int transmit(int fd, const void *from, size_t length) {
  for (size_t done = 0; done < length;) {
    ssize_t n = send(fd, (const char *)from + done, length - done, MSG_NOSIGNAL);
    if (n <= 0) return 0;
    done += n;
  }
  return 1;
}

static void no_delay(int fd) {
  int on = 1;
  check(!setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on), "TCP_NODELAY");
}

// --- the server ---

static void *serve_one(void *argument) {
  static const char page[PAGE] = {1};
  int fd = (intptr_t)argument;
  char mode = 0, request[REQUEST];
  no_delay(fd);
  if (receive(fd, &mode, 1) && mode == PAGES)
    while (receive(fd, request, REQUEST) && transmit(fd, page, PAGE)) {}
  if (mode == SINK) {
    char *buffer = malloc(BULK);
    while (buffer && read(fd, buffer, BULK) > 0) {}
    free(buffer);
    transmit(fd, &mode, 1); // everything is here
  }
  close(fd);
  return NULL;
}

static struct sockaddr_in address_of(const char *text, int port) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
  check(inet_pton(AF_INET, text, &address.sin_addr) == 1, text);
  return address;
}

static _Noreturn void serve(const char *text) {
  struct sockaddr_in address = address_of(text, 0);
  socklen_t length = sizeof address;
  int listener = socket(AF_INET, SOCK_STREAM, 0);
  check(listener >= 0 && !bind(listener, (void *)&address, length) && !listen(listener, 8), "listen");
  check(!getsockname(listener, (void *)&address, &length), "getsockname");
  printf("port %d\n", ntohs(address.sin_port));
  fflush(stdout);
  for (;;) {
    int fd = accept(listener, NULL, NULL);
    pthread_t thread;
    check(fd >= 0, "accept");
    check(!pthread_create(&thread, NULL, serve_one, (void *)(intptr_t)fd), "pthread_create");
    pthread_detach(thread);
  }
}

// --- measuring ---

static struct sockaddr_in server;

static int dial(char mode) {
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  check(fd >= 0 && !connect(fd, (void *)&server, sizeof server), "connect");
  no_delay(fd);
  check(transmit(fd, &mode, 1), "send");
  return fd;
}

static int ascending(const void *a, const void *b) {
  uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
  return x < y ? -1 : x > y;
}

static void print_us(const char *name, uint64_t *ns, size_t count) {
  qsort(ns, count, sizeof *ns, ascending);
  printf("\"%s\":{\"p50\":%.2f,\"p99\":%.2f},", name, ns[count / 2] / 1e3, ns[count * 99 / 100] / 1e3);
}

static void fetch(int fd, void *into) {
  static const char request[REQUEST];
  check(transmit(fd, request, REQUEST) && receive(fd, into, PAGE), "page round trip");
}

static void measure_round_trips(void) {
  static uint64_t ns[ROUND_TRIPS];
  char page[PAGE];
  int fd = dial(PAGES);
  for (int i = -WARM_UP; i < ROUND_TRIPS; i++) {
    uint64_t start = now_ns();
    fetch(fd, page);
    if (i >= 0) ns[i] = now_ns() - start;
  }
  close(fd);
  print_us("pageRoundTripUs", ns, ROUND_TRIPS);
}

struct pager {
  int uffd, connection;
  char *memory, *alias;
};

static void *pager_run(void *argument) {
  struct pager *pager = argument;
  struct uffd_msg message;
  while (read(pager->uffd, &message, sizeof message) == sizeof message) {
    uintptr_t page = message.arg.pagefault.address & ~(uintptr_t)(PAGE - 1);
    fetch(pager->connection, pager->alias + (page - (uintptr_t)pager->memory));
    struct uffdio_continue go = {.range = {page, PAGE}};
    check(!ioctl(pager->uffd, UFFDIO_CONTINUE, &go), "UFFDIO_CONTINUE");
  }
  return NULL;
}

static void *map(int fd, size_t length) {
  void *at = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  check(at != MAP_FAILED, "mmap");
  return at;
}

static void measure_faults(void) {
  static uint64_t ns[FAULTS];
  size_t length = (size_t)FAULTS * PAGE;
  int file = memfd_create("floor", MFD_CLOEXEC), device = open("/dev/userfaultfd", O_RDWR | O_CLOEXEC);
  check(file >= 0 && !ftruncate(file, length), "memfd_create");
  check(device >= 0, "/dev/userfaultfd");
  struct pager pager = {ioctl(device, USERFAULTFD_IOC_NEW, O_CLOEXEC), dial(PAGES), map(file, length), map(file, length)};
  struct uffdio_api api = {.api = UFFD_API, .features = UFFD_FEATURE_MISSING_SHMEM | UFFD_FEATURE_MINOR_SHMEM};
  check(pager.uffd >= 0 && !ioctl(pager.uffd, UFFDIO_API, &api), "UFFDIO_API");
  struct uffdio_register range = {
      .range = {(uintptr_t)pager.memory, length}, .mode = UFFDIO_REGISTER_MODE_MISSING | UFFDIO_REGISTER_MODE_MINOR};
  check(!ioctl(pager.uffd, UFFDIO_REGISTER, &range), "UFFDIO_REGISTER");
  pthread_t thread;
  check(!pthread_create(&thread, NULL, pager_run, &pager), "pthread_create");
  for (size_t i = 0; i < FAULTS; i++) {
    // Every page once, none beside the one before.
    const volatile char *page = pager.memory + i * 5209 % FAULTS * PAGE;
    uint64_t start = now_ns();
    (void)*page;
    ns[i] = now_ns() - start;
  }
  print_us("remoteFaultUs", ns, FAULTS);
}

static void measure_throughput(void) {
  char *buffer = calloc(1, BULK), end;
  check(buffer != NULL, "calloc");
  int fd = dial(SINK);
  uint64_t start = now_ns(), bytes = 0;
  for (; now_ns() - start < BULK_SECONDS * 1000000000ull; bytes += BULK) check(transmit(fd, buffer, BULK), "send");
  check(!shutdown(fd, SHUT_WR) && receive(fd, &end, 1), "end of the stream");
  printf("\"tcpBytesPerSecond\":%.0f", bytes * 1e9 / (now_ns() - start));
  close(fd);
  free(buffer);
}

int main(int count, char **arguments) {
  if (count == 3 && !strcmp(arguments[1], "serve")) serve(arguments[2]);
  if (count != 4 || strcmp(arguments[1], "measure")) {
    fprintf(stderr, "usage: floor serve ADDRESS | floor measure ADDRESS PORT\n");
    return 2;
  }
  server = address_of(arguments[2], atoi(arguments[3]));
  printf("{");
  measure_round_trips();
  measure_faults();
  measure_throughput();
  printf("}\n");
  return 0;
}
