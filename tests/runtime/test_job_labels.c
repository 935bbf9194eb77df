#include "runtime/job_labels.h"
#include "support/property.h"

#include <check.h>

#include <pthread.h>
#include <string.h>

START_TEST(tags_are_a_set)
{
    struct job_labels labels = {.pool = 0};
    ck_assert(job_labels_add_tag(&labels, "one") && job_labels_add_tag(&labels, "two"));
    ck_assert(job_labels_add_tag(&labels, "one") && job_labels_add_tag(&labels, "three"));
    ck_assert_str_eq(labels.tags, "one,two,three");
    ck_assert(job_labels_has_tag(&labels, "two") && !job_labels_has_tag(&labels, "tw"));
    ck_assert(!job_labels_has_tag(&labels, "twox") && !job_labels_has_tag(&labels, ""));
    job_labels_remove_tag(&labels, "two");
    ck_assert_str_eq(labels.tags, "one,three");
    job_labels_remove_tag(&labels, "two");
    job_labels_remove_tag(&labels, "three");
    ck_assert_str_eq(labels.tags, "one");
    job_labels_remove_tag(&labels, "one");
    ck_assert_str_eq(labels.tags, "");
}
END_TEST

START_TEST(what_is_no_tag_or_has_no_room_changes_nothing)
{
    struct job_labels labels = {.pool = 0};
    char longest[LABEL_TAGS_BYTES + 1];
    memset(longest, 'x', sizeof longest);
    longest[LABEL_TAGS_BYTES] = '\0';
    ck_assert(!job_labels_add_tag(&labels, "") && !job_labels_add_tag(&labels, "a,b"));
    ck_assert(!job_labels_add_tag(&labels, longest));
    longest[LABEL_TAGS_BYTES - 3] = '\0';
    ck_assert(job_labels_add_tag(&labels, longest));
    ck_assert(!job_labels_add_tag(&labels, "no"));
    ck_assert(job_labels_add_tag(&labels, "y"));
    ck_assert_uint_eq(strlen(labels.tags), LABEL_TAGS_BYTES - 1);
    ck_assert(job_labels_has_tag(&labels, "y") && job_labels_has_tag(&labels, longest));
}
END_TEST

static int is_no_news;

static void *look(void *argument)
{
    (void)argument;
    return job_labels_mine()->priority == 0 && job_labels_mine()->pool == UINT32_MAX ? NULL
                                                                                     : &is_no_news;
}

START_TEST(each_thread_has_its_own)
{
    pthread_t thread;
    void *is_wrong = NULL;
    job_labels_mine()->priority = 7;
    job_labels_mine()->pool = 3;
    ck_assert_int_eq(pthread_create(&thread, NULL, look, NULL), 0);
    ck_assert_int_eq(pthread_join(thread, &is_wrong), 0);
    ck_assert_ptr_null(is_wrong);
    ck_assert_int_eq(job_labels_mine()->priority, 7);
}
END_TEST

SUITE_MAIN("runtime/job_labels", tags_are_a_set, what_is_no_tag_or_has_no_room_changes_nothing,
           each_thread_has_its_own)
