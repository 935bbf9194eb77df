#include "support/guarded.h"

#include <check.h>

#include <sys/mman.h>
#include <unistd.h>

struct guarded guarded_create(size_t page_count)
{
    size_t page_bytes = (size_t)sysconf(_SC_PAGESIZE);
    char *pages =
        mmap(NULL, (page_count + 2) * page_bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ck_assert_ptr_ne(pages, MAP_FAILED);
    ck_assert_int_eq(mprotect(pages + page_bytes, page_count * page_bytes, PROT_READ | PROT_WRITE),
                     0);
    return (struct guarded){pages + page_bytes, page_count * page_bytes};
}

void guarded_drop(struct guarded *guarded)
{
    size_t page_bytes = (size_t)sysconf(_SC_PAGESIZE);
    if (guarded->bytes != NULL)
        ck_assert_int_eq(munmap(guarded->bytes - page_bytes, guarded->size_bytes + 2 * page_bytes),
                         0);
    *guarded = (struct guarded){0};
}
