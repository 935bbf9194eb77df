/* The reader of event logs: any bytes give records that can be written again, or an error with a
 * text. What is written again reads as the same. */
#include "base/scope.h"
#include "history/history_reader.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition)
{
    if (!condition)
        abort();
}

/* Passes mutations of bodies by the checksum that a true log would have: so the fields are reached
 * too. */
static void read_as_body(const uint8_t *data, size_t size)
{
    struct history_record record;
    bool is_known = false;
    barks_status *status = history_record_unpack(data[0], data + 1, size - 1, &record, &is_known);
    if (status != NULL) {
        require(barks_status_text(status)[0] != '\0');
        barks_status_free(status);
    } else
        history_record_drop(&record);
}

/* Packs all records that can be read. */
static void pack_again(const void *bytes, size_t size, struct packer *out)
{
    BARKS_AUTO(history_reader) reader = {0};
    BARKS_AUTO(packer) body = {0};
    require(history_open_bytes("fuzz", bytes, size, &reader) == NULL);
    for (bool more = true; more;) {
        struct history_record record;
        barks_status *status = history_next(&reader, &record, &more);
        if (status != NULL)
            require(barks_status_text(status)[0] != '\0' && !more);
        barks_status_free(status);
        if (more)
            history_record_pack(&record, &body, out);
        history_record_drop(&record);
    }
    require(packer_finish(out) == NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    BARKS_AUTO(packer) once = {0};
    BARKS_AUTO(packer) twice = {0};
    if (size > 0)
        read_as_body(data, size);
    pack_again(data, size, &once);
    pack_again(once.bytes.data, once.bytes.size, &twice);
    require(once.bytes.size == twice.bytes.size);
    require(once.bytes.size == 0 ||
            memcmp(once.bytes.data, twice.bytes.data, once.bytes.size) == 0);
    return 0;
}
