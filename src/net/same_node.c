#include "net/same_node.h"

#include "base/fault.h"
#include "net/mpi_error.h"
#include "net/single_copy.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

enum { BOOT_BYTES = 36, SECRET_BYTES = 16 };

/* Where a rank lives, and what whoever can read its memory finds there. */
struct address {
    uint8_t boot[BOOT_BYTES]; /* of the node's kernel: no two are the same */
    uint8_t secret[SECRET_BYTES];
    uint8_t may_be_read;
    uint64_t secret_at;
    uint64_t process_space, network_space;
    int64_t pid;
};

/* False: it cannot be told where this is. */
static bool find_place(struct address *out)
{
    struct stat processes, network;
    int boot = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
    if (boot < 0)
        return false;
    bool is_read = read(boot, out->boot, BOOT_BYTES) == BOOT_BYTES;
    (void)close(boot); /* was only read */
    if (!is_read || stat("/proc/self/ns/pid", &processes) != 0 ||
        stat("/proc/self/ns/net", &network) != 0 ||
        getrandom(out->secret, SECRET_BYTES, GRND_NONBLOCK) != SECRET_BYTES)
        return false;
    out->process_space = processes.st_ino;
    out->network_space = network.st_ino;
    out->pid = getpid();
    return true;
}

static bool is_near(const struct address *a, const struct address *b)
{
    return a->may_be_read && b->may_be_read && memcmp(a->boot, b->boot, BOOT_BYTES) == 0 &&
           a->process_space == b->process_space && a->network_space == b->network_space;
}

/* Is the memory of that process the one that it said it is? */
static bool can_read(const struct address *peer)
{
    uint8_t found[SECRET_BYTES] = {0};
    struct iovec into = {.iov_base = found, .iov_len = sizeof found};
    struct iovec from = {.iov_base = (void *)(uintptr_t)peer->secret_at, .iov_len = sizeof found};
    return process_vm_readv((pid_t)peer->pid, &into, 1, &from, 1, 0) == (ssize_t)sizeof found &&
           memcmp(found, peer->secret, sizeof found) == 0;
}

/* What three arrays of one entry a rank are good for. */
struct meeting {
    struct address *places;
    uint8_t *read, *are_read;
};

static void meeting_drop(struct meeting *meeting)
{
    free(meeting->places);
    free(meeting->read);
    free(meeting->are_read);
}

BARKS_CHECKED static barks_status *meet(struct same_node *node, MPI_Comm comm, uint32_t rank,
                                        const struct meeting *meeting)
{
    static struct address mine;
    mine.secret_at = (uint64_t)(uintptr_t)mine.secret;
    mine.may_be_read = find_place(&mine) && single_copy_is_allowed();
    BARKS_TRY(mpi_status_of(
        MPI_Allgather(&mine, sizeof mine, MPI_BYTE, meeting->places, sizeof mine, MPI_BYTE, comm),
        "tell where ranks are"));
    for (uint32_t i = 0; i < node->size; i++)
        meeting->read[i] =
            i != rank && is_near(&mine, &meeting->places[i]) && can_read(&meeting->places[i]);
    BARKS_TRY(mpi_status_of(
        MPI_Alltoall(meeting->read, 1, MPI_BYTE, meeting->are_read, 1, MPI_BYTE, comm),
        "tell whose memory can be read"));
    for (uint32_t i = 0; i < node->size; i++)
        if (meeting->read[i] && meeting->are_read[i])
            node->readable[i] = (pid_t)meeting->places[i].pid;
    return NULL;
}

barks_status *same_node_meet(struct same_node *node, MPI_Comm comm, uint32_t rank, uint32_t size)
{
    struct meeting meeting = {
        .places = calloc(size, sizeof *meeting.places),
        .read = calloc(size, sizeof *meeting.read),
        .are_read = calloc(size, sizeof *meeting.are_read),
    };
    *node = (struct same_node){.size = size, .readable = calloc(size, sizeof *node->readable)};
    barks_status *status = NULL;
    if (meeting.places == NULL || meeting.read == NULL || meeting.are_read == NULL ||
        node->readable == NULL)
        status = barks_status_new(BARKS_NO_MEMORY, NULL, BARKS_HERE,
                                  "no memory for the places of %u ranks", size);
    else
        status = meet(node, comm, rank, &meeting);
    meeting_drop(&meeting);
    if (status != NULL)
        same_node_drop(node);
    return status;
}

void same_node_drop(struct same_node *node)
{
    free(node->readable);
    *node = (struct same_node){0};
}

barks_status *same_node_read(const struct same_node *node, uint32_t rank, uint64_t address,
                             void *into, size_t size_bytes, bool *out_is_gone)
{
    uint8_t *at = into;
    *out_is_gone = false;
    while (size_bytes > 0) {
        struct iovec local = {.iov_base = at, .iov_len = size_bytes};
        struct iovec remote = {.iov_base = (void *)(uintptr_t)address, .iov_len = size_bytes};
        errno = 0;
        ssize_t got = process_vm_readv(node->readable[rank], &local, 1, &remote, 1, 0);
        if (got <= 0) {
            *out_is_gone = errno == ESRCH;
            if (*out_is_gone)
                return NULL;
            BARKS_FAIL(BARKS_IO, "cannot read %zu bytes of rank %u's memory: %s", size_bytes, rank,
                       got == 0 ? "there is nothing" : strerror(errno));
        }
        at += got;
        address += (uint64_t)got;
        size_bytes -= (size_t)got;
    }
    return NULL;
}
