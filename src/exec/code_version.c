/* What stands for the code of functions: the hash of the files that it is in, or what its author
 * says.
 */
#include "base/hash.h"
#include "exec/registry.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- declared ---- */

/* A list, since constructors must not fail; few functions have one. Without memory the function
 * counts by the hash of the binary, which is right, too. */
struct declared_version {
    const char *name, *version; /* literals */
    struct declared_version *next;
};
static struct declared_version *versions; /* written by constructors alone */

void barks_declare_version(const barks_function *function, const char *version)
{
    struct declared_version *declared = malloc(sizeof *declared);
    if (declared == NULL)
        return;
    *declared =
        (struct declared_version){.name = function->name, .version = version, .next = versions};
    versions = declared;
}

static __attribute__((destructor)) void forget_versions(void)
{
    while (versions != NULL) {
        struct declared_version *next = versions->next;
        free(versions);
        versions = next;
    }
}

const char *registry_version(const barks_function *function)
{
    const struct declared_version *at = versions;
    while (at != NULL && strcmp(at->name, function->name) != 0)
        at = at->next;
    return at != NULL ? at->version : NULL;
}

/* ---- hashed ---- */

enum { READ_BYTES = 64 << 10 };

/* Nothing is locked or waited for while it is held but reads of a file, so it needs no rank. */
static pthread_mutex_t hash_mutex = PTHREAD_MUTEX_INITIALIZER;

BARKS_CHECKED static barks_status *hash_file(const char *path, const char *what, uint64_t *out_hash)
{
    static char bytes[READ_BYTES]; /* guarded by hash_mutex */
    XXH3_state_t state;
    XXH3_64bits_reset(&state);
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0)
        BARKS_FAIL(BARKS_IO, "cannot open '%s' to hash %s: %s", path, what, strerror(errno));
    ssize_t count = 0;
    do {
        count = read(file, bytes, sizeof bytes);
        if (count > 0)
            XXH3_64bits_update(&state, bytes, (size_t)count);
    } while (count > 0 || (count < 0 && errno == EINTR));
    int error = errno;
    close(file); /* it was only read */
    if (count < 0)
        BARKS_FAIL(BARKS_IO, "cannot read '%s' to hash %s: %s", path, what, strerror(error));
    *out_hash = XXH3_64bits_digest(&state);
    return NULL;
}

/* A file's hash, once it was asked for. */
struct known_hash {
    bool is_known;
    uint64_t hash;
};

BARKS_CHECKED static barks_status *hash_once(struct known_hash *known, const char *path,
                                             const char *what, uint64_t *out_hash)
{
    barks_status *status = NULL;
    pthread_mutex_lock(&hash_mutex);
    if (!known->is_known)
        status = hash_file(path, what, &known->hash);
    known->is_known |= status == NULL;
    if (status == NULL)
        *out_hash = known->hash;
    pthread_mutex_unlock(&hash_mutex);
    return status;
}

barks_status *registry_binary_hash(uint64_t *out_hash)
{
    static struct known_hash known;
    return hash_once(&known, "/proc/self/exe", "the job's binary", out_hash);
}

barks_status *registry_library_hash(uint64_t *out_hash)
{
    static struct known_hash known;
    Dl_info info = {0};
    if (dladdr((const void *)(uintptr_t)&registry_library_hash, &info) == 0 ||
        info.dli_fname == NULL || info.dli_fname[0] != '/')
        return registry_binary_hash(out_hash); /* barks is linked into the job */
    return hash_once(&known, info.dli_fname, "the library of barks", out_hash);
}
