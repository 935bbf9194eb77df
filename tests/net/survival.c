#include "survival.h"

#include "base/random.h"

#include <stdlib.h>
#include <string.h>

enum { GAP_BYTE = 0xee, GAP_BYTES = 16, FLAG_STOP = 1, WORDS_AFTER_LAST = 12 };

/* WORD: to be checked, no more. Every message of a pair has the next index, whatever it is. */
enum kind { KIND_WORD, KIND_GO, KIND_EPOCH, KIND_READY, KIND_DIE, KIND_STOP, KIND_DONE, KIND_END };

struct header {
    uint32_t kind, epoch, index, from;
    uint64_t argument;
    uint32_t
        numbers[SURVIVAL_SIZE_MAX]; /* of EPOCH: who is lost; of DONE and END: counts by rank */
    uint64_t body_bytes;
};

static uint64_t mix(uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
    uint64_t state = a;
    uint64_t parts[] = {b, c, d};
    for (size_t i = 0; i < 3; i++)
        state = splitmix64(&state) ^ parts[i];
    return splitmix64(&state);
}

static void fill(uint8_t *bytes, size_t size_bytes, uint64_t key)
{
    for (size_t at = 0; at < size_bytes; at += 8) {
        uint64_t word = splitmix64(&key);
        memcpy(bytes + at, &word, size_bytes - at < 8 ? size_bytes - at : 8);
    }
}

static bool is_filled(const uint8_t *bytes, size_t size_bytes, uint64_t key)
{
    for (size_t at = 0; at < size_bytes; at += 8) {
        uint64_t word = splitmix64(&key);
        if (memcmp(bytes + at, &word, size_bytes - at < 8 ? size_bytes - at : 8) != 0)
            return false;
    }
    return true;
}

static uint64_t draw(struct survival *l, uint64_t limit) { return splitmix64(&l->random) % limit; }

BARKS_CHECKED static barks_status *buffers_create(const struct survival *l,
                                                  struct survival_buffers **out)
{
    size_t stride_bytes = l->options.round_bytes_max + GAP_BYTES;
    struct survival_buffers *buffers = calloc(1, sizeof *buffers);
    if (buffers != NULL) {
        buffers->send = malloc(l->net->size * stride_bytes);
        buffers->receive = malloc(l->net->size * stride_bytes);
    }
    if (buffers == NULL || buffers->send == NULL || buffers->receive == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for the buffers of a round");
    *out = buffers;
    return NULL;
}

static void buffers_destroy(struct survival_buffers *buffers)
{
    if (buffers == NULL)
        return;
    free(buffers->send);
    free(buffers->receive);
    free(buffers);
}

barks_status *survival_init(struct survival *l, struct net *net,
                            const struct survival_options *options)
{
    *l = (struct survival){.net = net, .options = *options, .waves_left = options->wave_count};
    l->random = mix(options->seed, net->rank, 1, 2);
    l->words_wanted = (uint32_t)draw(l, WORDS_AFTER_LAST);
    l->has_announced = true;
    for (uint32_t rank = 0; rank < net->size; rank++)
        l->is_ready[rank] = true;
    return net->rank > 0 ? buffers_create(l, &l->buffers) : NULL;
}

void survival_drop(struct survival *l)
{
    buffers_destroy(l->buffers);
    while (l->given_up != NULL) {
        struct survival_buffers *next = l->given_up->next;
        buffers_destroy(l->given_up);
        l->given_up = next;
    }
}

/* ---- messages ---- */

static uint64_t body_key(const struct survival *l, uint32_t from, uint32_t to, uint32_t index)
{
    return mix(l->options.seed, from, to, index);
}

BARKS_CHECKED static barks_status *tell(struct survival *l, uint32_t to, struct header header)
{
    header.epoch = l->epoch;
    header.from = l->net->rank;
    header.index = l->sent_count[to]++;
    size_t size_bytes = sizeof header + header.body_bytes;
    uint8_t *bytes = malloc(size_bytes);
    if (bytes == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for a message");
    memcpy(bytes, &header, sizeof header);
    fill(bytes + sizeof header, header.body_bytes, body_key(l, header.from, to, header.index));
    barks_status *status = net_send(l->net, to, bytes, size_bytes);
    free(bytes);
    return status;
}

BARKS_CHECKED static barks_status *tell_living(struct survival *l, struct header header)
{
    for (uint32_t rank = 1; rank < l->net->size; rank++)
        if (!l->is_lost[rank])
            BARKS_TRY(tell(l, rank, header));
    return NULL;
}

/* Mostly short; a few of the kind that goes in pieces. */
BARKS_CHECKED static barks_status *send_word(struct survival *l, uint32_t to)
{
    size_t limit = draw(l, 4) == 0 ? l->options.message_bytes_max : 100;
    return tell(l, to, (struct header){.kind = KIND_WORD, .body_bytes = draw(l, limit + 1)});
}

/* Whether the next message has come; it is right. Drops the bytes. */
BARKS_CHECKED static barks_status *hear(struct survival *l, struct header *out, bool *out_got)
{
    struct net_message message = {0};
    BARKS_TRY(net_poll(l->net, &message, out_got));
    if (!*out_got)
        return NULL;
    uint32_t from = message.from;
    bool right = from < l->net->size && message.size_bytes >= sizeof *out;
    if (right) {
        memcpy(out, message.bytes, sizeof *out);
        right = out->from == from && out->index == l->received_count[from] &&
                message.size_bytes == sizeof *out + out->body_bytes &&
                is_filled(message.bytes + sizeof *out, out->body_bytes,
                          body_key(l, from, l->net->rank, out->index)) &&
                !l->is_lost[from];
        l->received_count[from]++;
    }
    net_message_drop(&message);
    if (!right)
        BARKS_FAIL(BARKS_INTERNAL,
                   "WRONG: rank %u, message of rank %u after %u: kind %u index %u%s", l->net->rank,
                   from, l->received_count[from], out->kind, out->index,
                   l->is_lost[from] ? ", which is lost" : "");
    return NULL;
}

/* ---- rounds ---- */

static size_t round_bytes(const struct survival *l, uint32_t from, uint32_t to)
{
    uint64_t value = mix(l->options.seed ^ l->epoch, from, to, l->round);
    if (from == to || value % 4 == 0 || l->is_lost[from] || l->is_lost[to])
        return 0;
    size_t limit = l->options.round_bytes_max;
    return (size_t)(value >> 8) % ((value % 4 == 1 || limit < 200 ? limit : 200) + 1);
}

static uint64_t round_key(const struct survival *l, uint32_t from, uint32_t to)
{
    return mix(~l->options.seed - l->epoch, from, to, l->round);
}

BARKS_CHECKED static barks_status *begin_sizes(struct survival *l)
{
    uint32_t me = l->net->rank;
    for (uint32_t to = 1; to < l->net->size; to++)
        l->buffers->send_sizes[to - 1] =
            (struct net_round_size){.bytes = round_bytes(l, me, to),
                                    .credit_bytes = round_key(l, me, to),
                                    .flags = l->stop_wanted ? FLAG_STOP : 0,
                                    .sequence = l->round};
    l->state = SURVIVAL_SIZES;
    return net_sizes_begin(l->net, l->buffers->send_sizes, l->buffers->receive_sizes);
}

BARKS_CHECKED static barks_status *begin_payload(struct survival *l)
{
    uint32_t me = l->net->rank;
    size_t stride_bytes = l->options.round_bytes_max + GAP_BYTES;
    struct survival_buffers *b = l->buffers;
    memset(b->receive, GAP_BYTE, l->net->size * stride_bytes);
    for (uint32_t rank = 1; rank < l->net->size; rank++) {
        const struct net_round_size *got = &b->receive_sizes[rank - 1];
        struct net_round_size none = {0};
        bool right = got->bytes == round_bytes(l, rank, me) &&
                     got->credit_bytes == round_key(l, rank, me) && got->sequence == l->round;
        if (l->is_lost[rank])
            right = memcmp(got, &none, sizeof none) == 0;
        if (!right)
            BARKS_FAIL(BARKS_INTERNAL, "WRONG: rank %u, sizes of rank %u in epoch %u round %u", me,
                       rank, l->epoch, l->round);
        l->stop_wanted = l->stop_wanted || (got->flags & FLAG_STOP) != 0;
        size_t at = (rank - 1) * stride_bytes;
        b->send_pieces[rank - 1] = (struct net_piece){at, b->send_sizes[rank - 1].bytes};
        b->receive_pieces[rank - 1] = (struct net_piece){at, got->bytes};
        fill(b->send + at, b->send_sizes[rank - 1].bytes, round_key(l, me, rank));
    }
    l->state = SURVIVAL_PAYLOAD;
    return net_payload_begin(l->net, b->send, b->send_pieces, b->receive, b->receive_pieces);
}

BARKS_CHECKED static barks_status *check_payload(const struct survival *l)
{
    for (uint32_t rank = 1; rank < l->net->size; rank++) {
        const struct net_piece *piece = &l->buffers->receive_pieces[rank - 1];
        const uint8_t *bytes = l->buffers->receive + piece->offset_bytes;
        bool right = is_filled(bytes, piece->bytes, round_key(l, rank, l->net->rank));
        for (size_t i = 0; i < GAP_BYTES; i++)
            right = right && bytes[piece->bytes + i] == GAP_BYTE;
        if (!right)
            BARKS_FAIL(BARKS_INTERNAL, "WRONG: rank %u, payload of rank %u in epoch %u round %u",
                       l->net->rank, rank, l->epoch, l->round);
    }
    return NULL;
}

/* STOP was seen by all in the same round, since what anybody says all hear. */
BARKS_CHECKED static barks_status *end_round(struct survival *l, bool is_last)
{
    BARKS_TRY(check_payload(l));
    l->round++;
    l->total_rounds++;
    if (is_last) {
        struct header done = {.kind = KIND_DONE};
        memcpy(done.numbers, l->sent_count, sizeof done.numbers);
        l->state = SURVIVAL_STOPPED;
        return tell(l, 0, done);
    }
    BARKS_TRY(send_word(l, (uint32_t)draw(l, 4) == 0 ? 0 : (uint32_t)draw(l, l->net->size)));
    if (l->round % 4 == 0)
        BARKS_TRY(send_word(l, 0));
    return begin_sizes(l);
}

BARKS_CHECKED static barks_status *step_round(struct survival *l, bool *out_moved)
{
    bool done = false;
    if (l->state != SURVIVAL_SIZES && l->state != SURVIVAL_PAYLOAD)
        return NULL;
    BARKS_TRY(net_round_test(l->net, &done));
    *out_moved = *out_moved || done;
    if (!done)
        return NULL;
    if (l->state == SURVIVAL_SIZES)
        return begin_payload(l);
    bool is_last = false;
    for (uint32_t i = 0; i + 1 < l->net->size; i++)
        is_last = is_last || (l->buffers->receive_sizes[i].flags & FLAG_STOP) != 0;
    return end_round(l, is_last);
}

/* ---- an executor ---- */

BARKS_CHECKED static barks_status *begin_epoch(struct survival *l, uint32_t epoch,
                                               const uint32_t *lost)
{
    bool gave_up = false, was_out = l->state == SURVIVAL_SIZES || l->state == SURVIVAL_PAYLOAD;
    for (uint32_t rank = 0; rank < l->net->size; rank++)
        l->is_lost[rank] = lost[rank] != 0;
    BARKS_TRY(net_epoch_begin(l->net, epoch, l->is_lost, &gave_up));
    if (gave_up != was_out)
        BARKS_FAIL(BARKS_INTERNAL, "WRONG: rank %u, a round was%s given up", l->net->rank,
                   gave_up ? "" : " not");
    if (gave_up) {
        l->buffers->next = l->given_up;
        l->given_up = l->buffers;
        BARKS_TRY(buffers_create(l, &l->buffers));
    }
    l->epoch = epoch;
    l->round = 0;
    l->stop_wanted = false;
    l->state = SURVIVAL_RESTING;
    return tell(l, 0, (struct header){.kind = KIND_READY});
}

BARKS_CHECKED static barks_status *obey(struct survival *l, const struct header *header)
{
    switch ((enum kind)header->kind) {
    case KIND_GO:
        return header->epoch == l->epoch ? begin_sizes(l) : NULL;
    case KIND_EPOCH:
        return begin_epoch(l, header->epoch, header->numbers);
    case KIND_DIE:
        l->options.die(l->options.context, l->net->rank, header->argument);
        return NULL;
    case KIND_STOP:
        l->stop_wanted = l->stop_wanted || header->epoch == l->epoch;
        return NULL;
    case KIND_END:
        l->has_end = true;
        memcpy(l->expected_count, header->numbers, sizeof l->expected_count);
        return NULL;
    case KIND_WORD:
    case KIND_READY:
    case KIND_DONE:
        break;
    }
    return NULL;
}

static bool has_all(const struct survival *l)
{
    for (uint32_t rank = 1; rank < l->net->size; rank++)
        if (!l->is_lost[rank] && l->received_count[rank] < l->expected_count[rank])
            return false;
    return l->has_end;
}

/* ---- the driver ---- */

static bool all_living(const struct survival *l, const bool *is_so)
{
    for (uint32_t rank = 1; rank < l->net->size; rank++)
        if (!l->is_lost[rank] && !is_so[rank])
            return false;
    return true;
}

static void note(struct survival *l, const struct header *header)
{
    if (header->epoch != l->epoch)
        return;
    if (header->kind == KIND_READY)
        l->is_ready[header->from] = true;
    l->words[header->from] += header->kind == KIND_WORD;
    if (header->kind != KIND_DONE)
        return;
    l->is_done[header->from] = true;
    memcpy(l->done_sent[header->from], header->numbers, sizeof header->numbers);
}

/* Begins an epoch without those who have died since. */
BARKS_CHECKED static barks_status *look_for_dead(struct survival *l, bool *out_moved)
{
    bool any = false, gave_up = false;
    uint32_t suspect = 0;
    while (net_take_suspect(l->net, &suspect))
        any = l->is_lost[suspect] = true;
    for (uint32_t rank = 1; rank < l->net->size; rank++)
        if (!l->is_lost[rank] && l->options.is_dead(l->options.context, rank))
            any = l->is_lost[rank] = true;
    if (!any)
        return NULL;
    *out_moved = true;
    l->epoch++;
    BARKS_TRY(net_epoch_begin(l->net, l->epoch, l->is_lost, &gave_up));
    struct header header = {.kind = KIND_EPOCH};
    for (uint32_t rank = 0; rank < l->net->size; rank++)
        header.numbers[rank] = l->is_lost[rank];
    l->has_gone = l->has_stopped = false;
    memset(l->is_ready, 0, sizeof l->is_ready);
    memset(l->is_done, 0, sizeof l->is_done);
    memset(l->words, 0, sizeof l->words);
    l->words_wanted = (uint32_t)draw(l, WORDS_AFTER_LAST);
    return tell_living(l, header);
}

/* Lets one living executor die, or several, but never the last. */
BARKS_CHECKED static barks_status *begin_wave(struct survival *l)
{
    uint32_t living[SURVIVAL_SIZE_MAX], count = 0;
    for (uint32_t rank = 1; rank < l->net->size; rank++)
        if (!l->is_lost[rank])
            living[count++] = rank;
    l->waves_left--;
    for (uint32_t victims = 1 + (uint32_t)draw(l, 2); victims > 0 && count > 1; victims--) {
        uint32_t i = (uint32_t)draw(l, count);
        uint64_t after = draw(l, l->options.die_after_max);
        BARKS_TRY(tell(l, living[i], (struct header){.kind = KIND_DIE, .argument = after}));
        l->is_doomed[living[i]] = true;
        living[i] = living[--count];
    }
    return NULL;
}

BARKS_CHECKED static barks_status *drive(struct survival *l, bool *out_moved, bool *out_done)
{
    BARKS_TRY(look_for_dead(l, out_moved));
    if (!l->has_gone && all_living(l, l->is_ready)) {
        l->has_gone = *out_moved = true;
        BARKS_TRY(tell_living(l, (struct header){.kind = KIND_GO}));
    }
    uint32_t living_count = 0, least_words = UINT32_MAX;
    bool any_doomed = false;
    for (uint32_t rank = 1; rank < l->net->size; rank++) {
        if (l->is_lost[rank])
            continue;
        living_count++;
        any_doomed = any_doomed || l->is_doomed[rank];
        least_words = l->words[rank] < least_words ? l->words[rank] : least_words;
    }
    if (l->has_gone && !l->has_stopped && !any_doomed && least_words >= l->words_wanted) {
        if (l->waves_left > 0 && living_count > 1)
            return begin_wave(l);
        l->has_stopped = *out_moved = true;
        return tell_living(l, (struct header){.kind = KIND_STOP});
    }
    if (!l->has_stopped || !all_living(l, l->is_done))
        return NULL;
    for (uint32_t to = 1; to < l->net->size; to++) {
        struct header end = {.kind = KIND_END};
        for (uint32_t from = 1; from < l->net->size; from++)
            end.numbers[from] = l->done_sent[from][to];
        if (!l->is_lost[to])
            BARKS_TRY(tell(l, to, end));
    }
    *out_done = true;
    return NULL;
}

barks_status *survival_step(struct survival *l, bool *out_moved, bool *out_done)
{
    *out_moved = *out_done = false;
    for (bool got = true; got;) {
        struct header header = {0};
        BARKS_TRY(hear(l, &header, &got));
        if (!got)
            break;
        *out_moved = true;
        if (l->net->rank == 0)
            note(l, &header);
        else
            BARKS_TRY(obey(l, &header));
    }
    if (l->net->rank == 0)
        return drive(l, out_moved, out_done);
    BARKS_TRY(step_round(l, out_moved));
    *out_done = has_all(l);
    return NULL;
}
