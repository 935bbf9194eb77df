#include "conformance.h"

#include "base/random.h"
#include "net/mpi_control.h"

#include <stdlib.h>
#include <string.h>

enum { NAP_NS_MAX = 200000, GAP_BYTE = 0xee, GAP_BYTES = 24 };

static uint64_t mix(uint64_t seed, uint64_t a, uint64_t b, uint64_t c)
{
    uint64_t state = seed;
    uint64_t parts[] = {a, b, c};
    for (size_t i = 0; i < 3; i++)
        state = splitmix64(&state) ^ parts[i];
    return splitmix64(&state);
}

static void fill(uint8_t *bytes, size_t size_bytes, uint64_t key)
{
    size_t at = 0;
    for (; at + 8 <= size_bytes; at += 8) {
        uint64_t word = splitmix64(&key);
        memcpy(bytes + at, &word, 8);
    }
    for (; at < size_bytes; at++)
        bytes[at] = (uint8_t)splitmix64(&key);
}

static bool is_filled(const uint8_t *bytes, size_t size_bytes, uint64_t key)
{
    size_t at = 0;
    for (; at + 8 <= size_bytes; at += 8) {
        uint64_t word = splitmix64(&key);
        if (memcmp(bytes + at, &word, 8) != 0)
            return false;
    }
    for (; at < size_bytes; at++)
        if (bytes[at] != (uint8_t)splitmix64(&key))
            return false;
    return true;
}

/* Sizes of all kinds: none, few, about the limit between the two ways of MPI's channel, any. */
static size_t message_bytes(const struct conformance *c, uint32_t from, uint32_t to, uint32_t index)
{
    const struct conformance_options *options = &c->options;
    uint64_t draw = mix(options->seed, from, to, index);
    if (index == 1 && options->big_message_bytes > 0 &&
        (to == (from + 1) % c->net->size || to == from))
        return options->big_message_bytes;
    size_t limit = options->message_bytes_max;
    size_t bytes = (draw >> 8) % (limit + 1);
    switch (draw % 8) {
    case 0:
        return 0;
    case 1:
    case 2:
    case 3:
        bytes %= 100;
        break;
    case 4:
    case 5:
        bytes = CONTROL_SMALL_BYTES - 2 + bytes % 5;
        break;
    default:
        break;
    }
    return bytes < limit ? bytes : limit;
}

static size_t round_bytes(const struct conformance *c, uint32_t from, uint32_t to, uint32_t round)
{
    uint64_t draw = mix(~c->options.seed, from, to, round);
    if (from == to || draw % 4 == 0)
        return 0;
    size_t limit = c->options.round_bytes_max;
    return draw % 4 == 1 ? limit : (draw >> 8) % (limit + 1);
}

void conformance_early_drop(struct conformance_early *early)
{
    for (size_t i = 0; i < early->count; i++)
        net_message_drop(&early->messages[i]);
    free(early->messages);
    *early = (struct conformance_early){0};
}

BARKS_CHECKED static barks_status *keep_early(struct conformance_early *early,
                                              struct net_message *message)
{
    if (early->count == early->capacity) {
        size_t capacity = 2 * early->capacity + 16;
        struct net_message *messages = realloc(early->messages, capacity * sizeof *early->messages);
        if (messages == NULL)
            BARKS_FAIL(BARKS_NO_MEMORY, "no memory for %zu early messages", capacity);
        early->messages = messages;
        early->capacity = capacity;
    }
    early->messages[early->count++] = *message;
    *message = (struct net_message){0};
    return NULL;
}

/* Empties the message. */
BARKS_CHECKED static barks_status *check_message(struct conformance *c, struct net_message *message)
{
    uint32_t from = message->from, to = c->net->rank;
    if (from >= c->net->size)
        BARKS_FAIL(BARKS_INTERNAL, "rank %u got a message from rank %u", to, from);
    if (c->received_count[from] == c->options.messages_per_pair)
        return keep_early(c->early, message);
    uint32_t index = c->received_count[from]++;
    size_t bytes = message_bytes(c, from, to, index), got_bytes = message->size_bytes;
    bool right = got_bytes == bytes &&
                 is_filled(message->bytes, bytes, mix(c->options.seed, from, to, ~(uint64_t)index));
    net_message_drop(message);
    if (!right)
        BARKS_FAIL(BARKS_INTERNAL,
                   "rank %u: message %u from %u is of %zu bytes, not the %zu right ones", to, index,
                   from, got_bytes, bytes);
    c->left_count--;
    return NULL;
}

/* Takes what came during an earlier part; what is for a later one is kept again. */
BARKS_CHECKED static barks_status *replay_early(struct conformance *c)
{
    struct conformance_early old = *c->early;
    barks_status *status = NULL;
    *c->early = (struct conformance_early){0};
    for (size_t i = 0; i < old.count && status == NULL; i++)
        status = check_message(c, &old.messages[i]);
    conformance_early_drop(&old);
    return status;
}

barks_status *conformance_init(struct conformance *c, struct net *net,
                               const struct conformance_options *options,
                               struct conformance_early *early)
{
    uint32_t size = net->size;
    *c = (struct conformance){.net = net, .options = *options, .early = early};
    c->left_count = (uint64_t)size * options->messages_per_pair;
    c->stride_bytes = options->round_bytes_max + GAP_BYTES;
    c->received_count = calloc(size, sizeof *c->received_count);
    c->send_sizes = calloc(size, sizeof *c->send_sizes);
    c->receive_sizes = calloc(size, sizeof *c->receive_sizes);
    c->send_pieces = calloc(size, sizeof *c->send_pieces);
    c->receive_pieces = calloc(size, sizeof *c->receive_pieces);
    c->send = malloc(size * c->stride_bytes);
    c->receive = malloc(size * c->stride_bytes);
    if (c->received_count == NULL || c->send_sizes == NULL || c->receive_sizes == NULL ||
        c->send_pieces == NULL || c->receive_pieces == NULL || c->send == NULL ||
        c->receive == NULL) {
        conformance_drop(c);
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for the test of %u ranks", size);
    }
    return replay_early(c);
}

void conformance_drop(struct conformance *c)
{
    free(c->received_count);
    free(c->send_sizes);
    free(c->receive_sizes);
    free(c->send_pieces);
    free(c->receive_pieces);
    free(c->send);
    free(c->receive);
    *c = (struct conformance){0};
}

/* The next message to each rank. */
BARKS_CHECKED static barks_status *send_some(struct conformance *c)
{
    uint32_t from = c->net->rank, index = c->sent_count;
    for (uint32_t to = 0; to < c->net->size; to++) {
        size_t bytes = message_bytes(c, from, to, index);
        uint8_t *content = malloc(bytes > 0 ? bytes : 1);
        if (content == NULL)
            BARKS_FAIL(BARKS_NO_MEMORY, "no memory for a message of %zu bytes", bytes);
        fill(content, bytes, mix(c->options.seed, from, to, ~(uint64_t)index));
        barks_status *status = net_send(c->net, to, bytes > 0 ? content : NULL, bytes);
        memset(content, 0, bytes); /* the channel has its own copy */
        free(content);
        BARKS_TRY(status);
    }
    c->sent_count++;
    return NULL;
}

static void set_sizes(struct conformance *c)
{
    for (uint32_t i = 0; i + 1 < c->net->size; i++)
        c->send_sizes[i] =
            (struct net_round_size){.bytes = round_bytes(c, c->net->rank, i + 1, c->round),
                                    .credit_bytes = mix(1, c->net->rank, i + 1, c->round),
                                    .flags = (uint32_t)mix(2, c->net->rank, i + 1, c->round),
                                    .sequence = c->round};
}

BARKS_CHECKED static barks_status *check_sizes(const struct conformance *c)
{
    for (uint32_t i = 0; i + 1 < c->net->size; i++) {
        const struct net_round_size *got = &c->receive_sizes[i];
        uint64_t total_bytes = 0;
        for (uint32_t to = 1; to < c->net->size; to++)
            total_bytes += round_bytes(c, i + 1, to, c->round);
        if (got->total_bytes != total_bytes ||
            got->bytes != round_bytes(c, i + 1, c->net->rank, c->round) ||
            got->credit_bytes != mix(1, i + 1, c->net->rank, c->round) ||
            got->flags != (uint32_t)mix(2, i + 1, c->net->rank, c->round))
            BARKS_FAIL(BARKS_INTERNAL, "rank %u: wrong sizes from %u in round %u", c->net->rank,
                       i + 1, c->round);
    }
    return NULL;
}

/* Pieces lie with gaps between, from the last executor to the first. */
static void set_payload(struct conformance *c)
{
    uint32_t count = c->net->size - 1;
    memset(c->receive, GAP_BYTE, count * c->stride_bytes);
    for (uint32_t i = 0; i < count; i++) {
        size_t offset_bytes = (count - 1 - i) * c->stride_bytes;
        c->send_pieces[i] = (struct net_piece){offset_bytes, (size_t)c->send_sizes[i].bytes};
        c->receive_pieces[i] = (struct net_piece){offset_bytes, (size_t)c->receive_sizes[i].bytes};
        fill(c->send + offset_bytes, c->send_pieces[i].bytes,
             mix(3, c->net->rank, i + 1, c->round));
    }
}

BARKS_CHECKED static barks_status *check_payload(const struct conformance *c)
{
    for (uint32_t i = 0; i + 1 < c->net->size; i++) {
        const struct net_piece *piece = &c->receive_pieces[i];
        const uint8_t *bytes = c->receive + piece->offset_bytes;
        bool right = is_filled(bytes, piece->bytes, mix(3, i + 1, c->net->rank, c->round));
        for (size_t at = piece->bytes; at < c->stride_bytes; at++)
            right = right && bytes[at] == GAP_BYTE;
        if (!right)
            BARKS_FAIL(BARKS_INTERNAL, "rank %u: wrong payload of %zu bytes from %u in round %u",
                       c->net->rank, piece->bytes, i + 1, c->round);
    }
    return NULL;
}

BARKS_CHECKED static barks_status *step_round(struct conformance *c, bool *out_moved)
{
    if (c->net->rank == 0 || c->round == c->options.round_count)
        return NULL;
    if (c->phase == 0) {
        set_sizes(c);
        BARKS_TRY(net_sizes_begin(c->net, c->send_sizes, c->receive_sizes));
        c->phase = 1;
    }
    bool done = false;
    BARKS_TRY(net_round_test(c->net, &done));
    if (!done)
        return NULL;
    *out_moved = true;
    if (c->phase == 1) {
        BARKS_TRY(check_sizes(c));
        set_payload(c);
        BARKS_TRY(
            net_payload_begin(c->net, c->send, c->send_pieces, c->receive, c->receive_pieces));
        c->phase = 2;
    } else {
        BARKS_TRY(check_payload(c));
        c->phase = 0;
        c->round++;
    }
    return NULL;
}

barks_status *conformance_step(struct conformance *c, bool *out_moved, bool *out_done)
{
    *out_moved = false;
    do {
        if (c->sent_count == c->options.messages_per_pair)
            break;
        BARKS_TRY(send_some(c));
        *out_moved = true;
    } while (c->options.sends_all_at_once);
    for (bool got = true; got;) {
        struct net_message message = {0};
        BARKS_TRY(net_poll(c->net, &message, &got));
        if (!got)
            break;
        *out_moved = true;
        BARKS_TRY(check_message(c, &message));
    }
    BARKS_TRY(step_round(c, out_moved));
    *out_done = c->left_count == 0 && c->sent_count == c->options.messages_per_pair &&
                (c->net->rank == 0 || c->round == c->options.round_count);
    return NULL;
}

barks_status *conformance_run(struct net *net, const struct conformance_options *options,
                              struct conformance_early *early)
{
    struct conformance c;
    barks_status *status = conformance_init(&c, net, options, early);
    for (bool done = false; !done && status == NULL;) {
        bool moved = false;
        status = conformance_step(&c, &moved, &done);
        if (!moved && !done)
            net_wait(net, NAP_NS_MAX);
    }
    conformance_drop(&c);
    return status;
}
