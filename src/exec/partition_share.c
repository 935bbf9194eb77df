#include "exec/partition_share.h"

#include <stddef.h>

void partition_share_init(struct partition_share *share)
{
    *share = (struct partition_share){0};
    lock_init(&share->lock, LOCK_OPERATOR, "partitions of a stage");
}

void partition_share_drop(struct partition_share *share) { lock_drop(&share->lock); }

void partition_share_join(struct partition_share *share, struct share_member *member,
                          const struct task_spec *spec)
{
    *member =
        (struct share_member){.share = share, .spec = spec, .first = spec->first, .end = spec->end};
    lock_acquire(&share->lock);
    member->next = share->locked.members;
    share->locked.members = member;
    lock_release(&share->lock);
}

void partition_share_leave(struct share_member *member)
{
    struct partition_share *share = member->share;
    lock_acquire(&share->lock);
    struct share_member **link = &share->locked.members;
    while (*link != member)
        link = &(*link)->next;
    *link = member->next;
    if (share->locked.members == NULL)
        share->locked.has_moved = false;
    lock_release(&share->lock);
}

static struct share_member *most_left_locked(struct partition_share *share)
{
    struct share_member *most = share->locked.members;
    for (struct share_member *member = most; member != NULL; member = member->next)
        if (member->end - member->first > most->end - most->first)
            most = member;
    return most;
}

bool partition_share_take(struct share_member *member, uint32_t *out_partition,
                          const struct task_spec **out_spec)
{
    struct partition_share *share = member->share;
    struct share_member *from = member;
    lock_acquire(&share->lock);
    if (member->first < member->end) {
        *out_partition = member->first++;
    } else {
        from = share->locked.closed ? NULL : most_left_locked(share);
        if (from != NULL && from->first == from->end)
            from = NULL;
        if (from != NULL) {
            *out_partition = from->first++;
            share->locked.has_moved = true;
        }
    }
    lock_release(&share->lock);
    if (from != NULL)
        *out_spec = from->spec;
    return from != NULL;
}

bool partition_share_close(struct partition_share *share)
{
    lock_acquire(&share->lock);
    share->locked.closed = true;
    bool has_moved = share->locked.has_moved;
    lock_release(&share->lock);
    return has_moved;
}

bool partition_share_is_apart(struct partition_share *share)
{
    lock_acquire(&share->lock);
    bool is_apart = share->locked.closed && !share->locked.has_moved;
    lock_release(&share->lock);
    return is_apart;
}

static bool has_begun_too_little_locked(const struct partition_share *share, uint32_t percent)
{
    uint64_t count = 0, left = 0;
    for (const struct share_member *member = share->locked.members; member != NULL;
         member = member->next) {
        count += member->spec->end - member->spec->first;
        left += member->end - member->first;
    }
    return (count - left) * 100 < count * percent;
}

uint32_t partition_share_cut(struct partition_share *share, uint32_t percent,
                             struct run_rest *out_rests, bool *out_is_apart)
{
    uint32_t count = 0;
    lock_acquire(&share->lock);
    bool is_due = !share->locked.closed && has_begun_too_little_locked(share, percent);
    for (struct share_member *member = is_due ? share->locked.members : NULL; member != NULL;
         member = member->next) {
        uint32_t first = member->first > member->spec->first ? member->first : member->first + 1;
        if (first >= member->end)
            continue;
        out_rests[count++] =
            (struct run_rest){.spec = member->spec, .first = first, .end = member->end};
        member->end = first;
    }
    share->locked.closed |= count > 0;
    *out_is_apart = !share->locked.has_moved;
    lock_release(&share->lock);
    return count;
}

bool partition_share_fits(const struct pipeline *pipeline)
{
    return pipeline != NULL && !pipeline->gang.is_gang && terminal_combines(&pipeline->terminal) &&
           pipeline->terminal.step.numbers[2] == 0;
}
