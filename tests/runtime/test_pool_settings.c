#include "base/config.h"
#include "runtime/pool_settings.h"
#include "support/must.h"
#include "support/property.h"

#include <check.h>

#include <stdio.h>
#include <string.h>

/* "name:policy,weight,minimum " of each, or the error. */
static void read_text(const char *text, char *out, size_t out_bytes)
{
    struct config config = {0};
    struct pool_settings settings = {0};
    size_t used = 0;
    must(config_init(&config));
    must(config_set(&config, CONFIG_POOLS, text, "here"));
    barks_status *status = pool_settings_read(&config, &settings);
    out[0] = '\0';
    if (status != NULL)
        snprintf(out, out_bytes, "%s", barks_status_text(status));
    for (uint32_t i = 0; i < settings.count; i++)
        used += (size_t)snprintf(out + used, out_bytes - used, "%s:%s,%u,%u ", settings.names[i],
                                 settings.specs[i].policy == POOL_FAIR ? "fair" : "fifo",
                                 settings.specs[i].weight, settings.specs[i].workers_min);
    barks_status_free(status);
    pool_settings_drop(&settings);
    config_drop(&config);
}

START_TEST(pools_are_read_and_sorted_by_name)
{
    static const char *const pairs[][2] = {
        {"none", "default:fifo,1,0 "},
        {"", "default:fifo,1,0 "},
        {"reports:fair,weight=3,min=4 batch", "batch:fifo,1,0 default:fifo,1,0 reports:fair,3,4 "},
        {" ; x-1.y:min=65535;a_b:weight=65535,fifo ;", "a_b:fifo,65535,0 default:fifo,1,0 "
                                                       "x-1.y:fifo,1,65535 "},
        {"default:fair", "default:fair,1,0 "},
    };
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        char text[1000];
        read_text(pairs[i][0], text, sizeof text);
        ck_assert_str_eq(text, pairs[i][1]);
    }
}
END_TEST

START_TEST(what_is_wrong_is_told_with_its_place_and_the_remedy)
{
    static const char *const pairs[][2] = {
        {"a:fiar", "here: 'a:fiar' has an unknown word or number: a pool is NAME"},
        {"a b a:fair", "here: 'a:fair' is there twice"},
        {"a:", "here: 'a:' has an unknown word"},
        {"a:fair,", "here: 'a:fair,' has an unknown word"},
        {"a:weight=0", "here: 'a:weight=0' has an unknown word"},
        {"a:weight=", "here: 'a:weight=' has an unknown word"},
        {"a:weight=-1", "here: 'a:weight=-1' has an unknown word"},
        {"a:weight=1x", "here: 'a:weight=1x' has an unknown word"},
        {"a:min=65536", "here: 'a:min=65536' has an unknown word"},
        {"a:min=99999999999999999999", "here: 'a:min=9999"},
        {":fair", "here: ':fair' has no name"},
        {"a/b", "here: 'a/b' has no name"},
    };
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        char text[1000];
        read_text(pairs[i][0], text, sizeof text);
        ck_assert_msg(strncmp(text, pairs[i][1], strlen(pairs[i][1])) == 0, "'%s' gives '%s'",
                      pairs[i][0], text);
    }
}
END_TEST

START_TEST(a_pool_is_found_by_its_name)
{
    struct config config = {0};
    struct pool_settings settings = {0};
    uint32_t index = 99;
    must(config_init(&config));
    must(config_set(&config, CONFIG_POOLS, "z a", "here"));
    must(pool_settings_read(&config, &settings));
    must(pool_settings_find(&settings, "z", &index));
    ck_assert_uint_eq(index, 2);
    must(pool_settings_find(&settings, NULL, &index));
    ck_assert_uint_eq(index, 1);
    barks_status *status = pool_settings_find(&settings, "b", &index);
    ck_assert_ptr_nonnull(status);
    ck_assert_str_eq(barks_status_text(status),
                     "there is no pool 'b', only a, default, z; --barks-pools makes pools");
    ck_assert_uint_eq(index, 1);
    barks_status_free(status);
    pool_settings_drop(&settings);
    config_drop(&config);
}
END_TEST

SUITE_MAIN("runtime/pool_settings", pools_are_read_and_sorted_by_name,
           what_is_wrong_is_told_with_its_place_and_the_remedy, a_pool_is_found_by_its_name)
