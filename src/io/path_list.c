#include "io/path_list.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

BARKS_CHECKED static barks_status *make_room(struct path_list *list)
{
    if (list->count < list->capacity)
        return NULL;
    if (list->count >= PATHS_MAX)
        BARKS_FAIL(BARKS_LIMIT,
                   "more than %d paths: name fewer, or merge small files before the job",
                   PATHS_MAX);
    size_t capacity = list->capacity == 0 ? 64 : 2 * list->capacity;
    struct path_entry *entries = realloc(list->entries, capacity * sizeof *entries);
    if (entries == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for a list of %zu paths", capacity);
    list->entries = entries;
    list->capacity = capacity;
    return NULL;
}

barks_status *path_list_add(struct path_list *list, const char *directory, const char *name,
                            enum path_kind kind)
{
    BARKS_TRY(make_room(list));
    char *path = NULL;
    size_t directory_bytes = strlen(directory);
    bool with_slash =
        directory_bytes > 0 && directory[directory_bytes - 1] != '/' && name[0] != '\0';
    if (asprintf(&path, "%s%s%s", directory, with_slash ? "/" : "", name) < 0)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for the path of '%s'", name);
    list->entries[list->count++] = (struct path_entry){.path = path, .kind = kind};
    return NULL;
}

static int compare_paths(const void *a, const void *b)
{
    return strcmp(((const struct path_entry *)a)->path, ((const struct path_entry *)b)->path);
}

void path_list_sort(struct path_list *list, size_t first)
{
    if (list->count > first + 1)
        qsort(list->entries + first, list->count - first, sizeof *list->entries, compare_paths);
}

void path_list_unique(struct path_list *list, size_t first)
{
    size_t kept = first;
    for (size_t i = first; i < list->count; i++)
        if (kept > first && strcmp(list->entries[kept - 1].path, list->entries[i].path) == 0)
            free(list->entries[i].path);
        else
            list->entries[kept++] = list->entries[i];
    list->count = kept;
}

void path_list_drop(struct path_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        free(list->entries[i].path);
    free(list->entries);
    *list = (struct path_list){0};
}
