/* Tells AddressSanitizer which bytes of our own allocators are free; nothing in other builds. */
#pragma once

#include <stddef.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define POISON_IS_ON 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__)
#define POISON_IS_ON 1
#endif

#ifdef POISON_IS_ON
#include <sanitizer/asan_interface.h>
#include <sanitizer/lsan_interface.h>
#endif

/* Touching these bytes is an error from now on. */
static inline void poison(const void *memory, size_t bytes)
{
#ifdef POISON_IS_ON
    __asan_poison_memory_region(memory, bytes);
#else
    (void)memory;
    (void)bytes;
#endif
}

static inline void unpoison(const void *memory, size_t bytes)
{
#ifdef POISON_IS_ON
    __asan_unpoison_memory_region(memory, bytes);
#else
    (void)memory;
    (void)bytes;
#endif
}

/* The leak checker looks for pointers into the heap in these bytes too. */
static inline void poison_add_root(const void *memory, size_t bytes)
{
#ifdef POISON_IS_ON
    __lsan_register_root_region(memory, bytes);
#else
    (void)memory;
    (void)bytes;
#endif
}

static inline void poison_remove_root(const void *memory, size_t bytes)
{
#ifdef POISON_IS_ON
    __lsan_unregister_root_region(memory, bytes);
#else
    (void)memory;
    (void)bytes;
#endif
}
