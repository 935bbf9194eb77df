#include "runtime/store_reports.h"

#include "base/pack.h"
#include "runtime/message.h"
#include "scheduler/scheduler.h"

#include <stdlib.h>

void store_reports_destroy(struct store_reports *reports)
{
    if (reports == NULL)
        return;
    for (uint32_t i = 0; i < reports->count; i++)
        stored_pieces_drop(&reports->all[i].pieces);
    free(reports->all);
    barks_status_free(reports->failure);
    free(reports);
}

void store_report_pack_none(struct packer *out) { pack_bool(out, false); }

void store_report_pack(struct packer *out, const barks_status *status,
                       const struct stored_pieces *pieces, uint64_t took_ns)
{
    pack_bool(out, true);
    pack_status(out, status);
    pack_u64(out, took_ns);
    pack_u64(out, pieces->count);
    for (uint32_t i = 0; i < pieces->count; i++) {
        const struct stored_piece *piece = &pieces->all[i];
        pack_u64(out, piece->partition);
        pack_u64(out, piece->offset);
        pack_u64(out, piece->size_bytes);
        pack_u64(out, piece->frame_count);
        pack_u64(out, piece->row_count);
        pack_u64(out, piece->encoded_bytes);
    }
}

BARKS_CHECKED static barks_status *read_pieces(struct unpacker *in, struct stored_pieces *out)
{
    uint32_t count = unpack_count(in);
    for (uint32_t i = 0; i < count; i++) {
        struct stored_piece piece = {.partition = unpack_u32(in)};
        piece.offset = unpack_u64(in);
        piece.size_bytes = unpack_u64(in);
        piece.frame_count = unpack_u64(in);
        piece.row_count = unpack_u64(in);
        piece.encoded_bytes = unpack_u64(in);
        BARKS_TRY(stored_pieces_add(out, &piece));
    }
    return NULL;
}

BARKS_CHECKED static barks_status *make_room(struct store_reports **reports)
{
    if (*reports == NULL)
        *reports = calloc(1, sizeof **reports);
    if (*reports == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for where a stage is stored");
    if ((*reports)->count < (*reports)->capacity)
        return NULL;
    uint32_t capacity = 2 * (*reports)->capacity + 16;
    struct store_report *all = realloc((*reports)->all, capacity * sizeof *all);
    if (all == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for where a stage is stored");
    (*reports)->all = all;
    (*reports)->capacity = capacity;
    return NULL;
}

BARKS_CHECKED static barks_status *add_report(struct store_reports **reports,
                                              const struct owner_range *range, struct unpacker *in)
{
    BARKS_TRY(make_room(reports));
    struct store_report *report = &(*reports)->all[(*reports)->count++];
    *report = (struct store_report){.slot = range->slot, .executor = range->executor};
    barks_status *failure = unpack_status(in);
    if ((*reports)->failure == NULL) {
        (*reports)->failure = failure;
        (*reports)->failed_executor = range->executor;
    } else {
        barks_status_free(failure);
    }
    report->took_ns = unpack_u64(in);
    BARKS_TRY(read_pieces(in, &report->pieces));
    (*reports)->piece_count += report->pieces.count;
    return NULL;
}

barks_status *store_reports_add(struct store_reports **reports, const struct owner_range *range,
                                struct unpacker *in)
{
    struct store_reports *unwanted = NULL;
    if (!unpack_bool(in))
        return NULL;
    if (reports == NULL) { /* read for what comes after it */
        barks_status *status = add_report(&unwanted, range, in);
        store_reports_destroy(unwanted);
        return status;
    }
    return add_report(reports, range, in);
}
