#include "base/scope.h"
#include "batch/batch.h"
#include "batch/model.h"
#include "batch/row_window.h"
#include "support/must.h"
#include "support/property.h"

#include <stdlib.h>

/* Rows of any type, from any place that may be shown, are those of the batch. */
START_TEST(shown_rows_are_those_from_the_place_on)
{
    struct model_world world;
    model_world_begin(&world);
    for (int run = 0; run < 40; run++) {
        const barks_schema *schema = model_schema(&world, 3);
        struct model model = model_empty(schema);
        uint32_t row_count = (uint32_t)model_below(&world, 300), columns[4] = {0, 1, 2, 3};
        struct batch *batch = NULL;
        BARKS_AUTO(row_window) window = {0};
        model_add_random(&world, &model, row_count);
        must(batch_create(world.pool, schema, 1, &batch));
        must(model_write(&model, 0, row_count, batch));
        must(row_window_init(&window, schema, schema, "test", "here"));
        for (uint32_t first = 0; first <= row_count; first += ROW_WINDOW_ALIGNMENT) {
            row_window_show(&window, &batch->base, first);
            barks_batch shown = {
                .schema = schema, .row_count = row_count - first, .columns = window.shown};
            for (uint32_t row = 0; row < shown.row_count; row++)
                ck_assert(batch_rows_equal(&shown, row, columns, &batch->base, first + row, columns,
                                           schema->field_count));
        }
        batch_destroy(batch);
    }
    model_world_end(&world);
}
END_TEST

START_TEST(a_field_that_is_missing_is_an_error)
{
    struct model_world world;
    model_world_begin(&world);
    const barks_schema *wanted = model_schema(&world, 3);
    const barks_schema none = {0};
    struct row_window window = {0};
    barks_status *status = row_window_init(&window, &none, wanted, "test", "here");
    ck_assert_int_eq(barks_status_code(status), BARKS_INVALID);
    barks_status_free(status);
    row_window_drop(&window);
    model_world_end(&world);
}
END_TEST

SUITE_MAIN("batch/row_window", shown_rows_are_those_from_the_place_on,
           a_field_that_is_missing_is_an_error)
