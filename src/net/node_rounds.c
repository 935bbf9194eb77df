/* Rounds in two levels. What executor s of node A has for d of another node goes to an executor of
 * A, which node_map_via names by d's place, and from there, with what all of A have for d, to d: d
 * hears one message from each other node.
 *
 * The first message, from s to t of its node, is
 *
 *     for each of t's lane, in order:  the bytes that come for it, as uint32_t
 *     what s has for t itself
 *     for each of t's lane, in order:  these bytes
 *
 * without the first and the last part where s has nothing for other nodes, or t's lane is empty;
 * that s and t see by s's total. t receives the middle part where it belongs, and the rest into a
 * slot. The second message is the bytes of the executors of A one behind the other, and d knows by
 * the sizes of the round how many each of them has for it. */
#include "net/node_rounds.h"

#include "base/assertion.h"
#include "base/log.h"
#include "net/mpi_error.h"
#include "net/topology.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum {
    TAG_GATHER = 1,
    TAG_CROSS = 2,
    /* What one executor may send in a phase of two levels, and what of all of its node may pass
     * through it. That much address space is taken at the start, and touched as bytes come. */
    TOTAL_BYTES_MAX = 512 << 10,
    SLOTS_BYTES_MAX = 16 << 20,
    MEAN_BYTES_MAX = 4 << 10, /* of the pieces: larger ones go the straight way */
};

/* Requests: receives from my node by place, receives from other nodes by node, sends to my node by
 * place, sends to my lane. */
static MPI_Request *gather_receive(struct node_rounds *rounds, uint32_t place)
{
    return &rounds->requests[place];
}
static MPI_Request *cross_receive(struct node_rounds *rounds, uint32_t node)
{
    return &rounds->requests[rounds->size + node];
}
static MPI_Request *gather_send(struct node_rounds *rounds, uint32_t place)
{
    return &rounds->requests[rounds->size + rounds->map.node_count + place];
}
static MPI_Request *cross_send(struct node_rounds *rounds, uint32_t i)
{
    return &rounds->requests[2 * rounds->size + rounds->map.node_count + i];
}

static uint32_t lane_size(const struct node_rounds *rounds, uint32_t place)
{
    return rounds->lane_first[place + 1] - rounds->lane_first[place];
}

/* ---- opening ---- */

/* Of this process; in tests the number at its rank of a list, "0,0,1". */
static uint64_t node_id(uint32_t rank)
{
    const char *text = getenv("BARKS_TEST_NODES");
    for (uint32_t i = 0; text != NULL && i < rank; i++) {
        text = strchr(text, ',');
        text += text != NULL;
    }
    return text != NULL ? strtoull(text, NULL, 10) : topology_node_id();
}

BARKS_CHECKED static barks_status *find_nodes(struct node_rounds *rounds, MPI_Comm executors,
                                              uint32_t executor_count)
{
    uint64_t mine = node_id(rounds->me + 1), *ids = calloc(executor_count, sizeof *ids);
    if (ids == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for the nodes of %u executors", executor_count);
    barks_status *status = mpi_status_of(
        MPI_Allgather(&mine, 1, MPI_UINT64_T, ids, 1, MPI_UINT64_T, executors), "tell nodes");
    if (status == NULL)
        status = node_map_init(&rounds->map, ids, executor_count);
    free(ids);
    return status;
}

/* Whether a third of the messages is saved: less is not worth that rounds wait for who passes them
 * on. The same on all executors. */
static bool can_pay(const struct node_rounds *rounds)
{
    const struct node_map *map = &rounds->map;
    if (map->node_count < 2 || node_map_largest(map) < 2)
        return false;
    return rounds->levels == NET_LEVELS_TWO ||
           3 * node_map_messages(map, 2) <= 2 * node_map_messages(map, 1);
}

static void fill_lanes(struct node_rounds *rounds)
{
    const struct node_map *map = &rounds->map;
    uint32_t at = 0;
    for (uint32_t place = 0; place < rounds->size; place++) {
        rounds->lane_first[place] = at;
        for (uint32_t i = 0; i < map->executor_count; i++)
            if (map->node_of[i] != rounds->node && map->place_of[i] % rounds->size == place)
                rounds->far[at++] = i;
    }
    rounds->lane_first[rounds->size] = at;
}

BARKS_CHECKED static barks_status *make_room(struct node_rounds *rounds)
{
    const struct node_map *map = &rounds->map;
    uint32_t far_count = map->executor_count - rounds->size;
    uint32_t largest = node_map_largest(map);
    rounds->total_bytes_max = SLOTS_BYTES_MAX / largest;
    if (rounds->total_bytes_max > TOTAL_BYTES_MAX)
        rounds->total_bytes_max = TOTAL_BYTES_MAX;
    rounds->far = calloc(far_count, sizeof *rounds->far);
    rounds->far_bytes = calloc(far_count, sizeof *rounds->far_bytes);
    rounds->lane_first = calloc((size_t)rounds->size + 1, sizeof *rounds->lane_first);
    if (rounds->far == NULL || rounds->far_bytes == NULL || rounds->lane_first == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for rounds of %u executors", map->executor_count);
    fill_lanes(rounds);
    uint32_t lane_count = lane_size(rounds, rounds->place);
    rounds->slot_bytes =
        (lane_count * sizeof *rounds->far_bytes + (size_t)rounds->total_bytes_max + 7) / 8 * 8;
    rounds->request_count = 2 * rounds->size + map->node_count + lane_count;
    rounds->slots = malloc(rounds->size * rounds->slot_bytes);
    rounds->requests = calloc(rounds->request_count, sizeof(MPI_Request));
    rounds->statuses = calloc(rounds->request_count, sizeof *rounds->statuses);
    rounds->passed_bytes = calloc(rounds->size, sizeof *rounds->passed_bytes);
    rounds->crossing_bytes = calloc(map->node_count, sizeof *rounds->crossing_bytes);
    if (rounds->slots == NULL || rounds->requests == NULL || rounds->statuses == NULL ||
        rounds->passed_bytes == NULL || rounds->crossing_bytes == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for rounds of %u executors", map->executor_count);
    for (uint32_t i = 0; i < rounds->request_count; i++)
        rounds->requests[i] = MPI_REQUEST_NULL;
    return mpi_blocks_init(&rounds->blocks, 2 + (far_count > largest ? far_count : largest));
}

barks_status *node_rounds_open(struct node_rounds *rounds, MPI_Comm executors,
                               uint32_t executor_count, uint32_t me, enum net_levels levels)
{
    *rounds = (struct node_rounds){.comm = MPI_COMM_NULL, .me = me, .levels = levels};
    if (levels == NET_LEVELS_ONE)
        return NULL;
    BARKS_TRY(find_nodes(rounds, executors, executor_count));
    if (!can_pay(rounds))
        return NULL;
    rounds->node = rounds->map.node_of[me];
    rounds->size = node_map_size(&rounds->map, rounds->node);
    rounds->place = rounds->map.place_of[me];
    BARKS_TRY(make_room(rounds));
    if (me == 0)
        LOG(LEVEL_INFO, "net", "%u executors on %u nodes: small rounds go in two levels",
            executor_count, rounds->map.node_count);
    return mpi_status_of(MPI_Comm_dup(executors, &rounds->comm), "connect the executors");
}

void node_rounds_close(struct node_rounds *rounds)
{
    BARKS_ASSERT(!node_rounds_is_outstanding(rounds));
    if (rounds->comm != MPI_COMM_NULL)
        (void)MPI_Comm_free(&rounds->comm); /* at the end of all: what could be done? */
    node_map_drop(&rounds->map);
    mpi_blocks_drop(&rounds->blocks);
    free(rounds->far);
    free(rounds->far_bytes);
    free(rounds->lane_first);
    free(rounds->slots);
    free(rounds->requests);
    free(rounds->statuses);
    free(rounds->passed_bytes);
    free(rounds->crossing_bytes);
    *rounds = (struct node_rounds){.comm = MPI_COMM_NULL};
}

bool node_rounds_suit(const struct node_rounds *rounds, const uint64_t *totals)
{
    uint64_t count = rounds->map.executor_count, sum = 0;
    if (rounds->comm == MPI_COMM_NULL)
        return false;
    for (uint32_t i = 0; i < count; i++) {
        if (totals[i] > rounds->total_bytes_max)
            return false;
        sum += totals[i];
    }
    return rounds->levels == NET_LEVELS_TWO || sum <= MEAN_BYTES_MAX * count * (count - 1);
}

/* ---- the first level ---- */

static void add_piece(struct node_rounds *rounds, const uint8_t *bytes,
                      const struct net_piece *piece)
{
    if (piece->bytes > 0) /* else its offset may be anything */
        mpi_blocks_add(&rounds->blocks, bytes + piece->offset_bytes, piece->bytes);
}

/* What s of my node sends to t of my node: how many bytes for t itself, and whether there may be
 * some to pass on. */
struct gathered {
    size_t own_bytes;
    uint64_t other_bytes; /* at most */
    bool has_lane;
};

static struct gathered gathered_of(const struct node_rounds *rounds, uint32_t from, uint32_t to,
                                   size_t own_bytes)
{
    uint64_t other_bytes = rounds->payload.totals[from] - own_bytes;
    return (struct gathered){
        .own_bytes = own_bytes,
        .other_bytes = other_bytes,
        .has_lane = other_bytes > 0 && lane_size(rounds, rounds->map.place_of[to]) > 0,
    };
}

static uint8_t *slot_of(const struct node_rounds *rounds, uint32_t place)
{
    return rounds->slots + place * rounds->slot_bytes;
}

static size_t head_bytes(const struct node_rounds *rounds, uint32_t place)
{
    return lane_size(rounds, place) * sizeof *rounds->far_bytes;
}

BARKS_CHECKED static barks_status *expect_gather(struct node_rounds *rounds, uint32_t place)
{
    struct node_payload *payload = &rounds->payload;
    uint32_t from = node_map_members(&rounds->map, rounds->node)[place];
    const struct net_piece *piece = &payload->receive_pieces[from];
    struct gathered gathered = gathered_of(rounds, from, rounds->me, piece->bytes);
    size_t head = head_bytes(rounds, rounds->place);
    mpi_blocks_clear(&rounds->blocks);
    if (gathered.has_lane)
        mpi_blocks_add(&rounds->blocks, slot_of(rounds, place), head);
    add_piece(rounds, payload->receive, piece);
    if (gathered.has_lane)
        mpi_blocks_add(&rounds->blocks, slot_of(rounds, place) + head, gathered.other_bytes);
    else
        memset(slot_of(rounds, place), 0, head); /* as if it had said so */
    if (rounds->blocks.bytes == 0)
        return NULL;
    return mpi_blocks_receive(&rounds->blocks, (struct mpi_way){rounds->comm, from, TAG_GATHER},
                              gather_receive(rounds, place));
}

BARKS_CHECKED static barks_status *send_gather(struct node_rounds *rounds, uint32_t place)
{
    struct node_payload *payload = &rounds->payload;
    uint32_t to = node_map_members(&rounds->map, rounds->node)[place];
    const struct net_piece *piece = &payload->send_pieces[to];
    struct gathered gathered = gathered_of(rounds, rounds->me, to, piece->bytes);
    uint32_t first = rounds->lane_first[place], end = rounds->lane_first[place + 1];
    mpi_blocks_clear(&rounds->blocks);
    if (gathered.has_lane)
        mpi_blocks_add(&rounds->blocks, &rounds->far_bytes[first], head_bytes(rounds, place));
    add_piece(rounds, payload->send, piece);
    for (uint32_t i = first; i < end && gathered.has_lane; i++)
        add_piece(rounds, payload->send, &payload->send_pieces[rounds->far[i]]);
    if (rounds->blocks.bytes == 0)
        return NULL;
    return mpi_blocks_send(&rounds->blocks, (struct mpi_way){rounds->comm, to, TAG_GATHER},
                           gather_send(rounds, place));
}

/* From the node's executor that passes on what all of it have for me. */
BARKS_CHECKED static barks_status *expect_cross(struct node_rounds *rounds, uint32_t node)
{
    struct node_payload *payload = &rounds->payload;
    const uint32_t *members = node_map_members(&rounds->map, node);
    uint32_t from = node_map_via(&rounds->map, node, rounds->me);
    mpi_blocks_clear(&rounds->blocks);
    for (uint32_t i = 0; i < node_map_size(&rounds->map, node); i++)
        add_piece(rounds, payload->receive, &payload->receive_pieces[members[i]]);
    rounds->crossing_bytes[node] = rounds->blocks.bytes;
    if (rounds->blocks.bytes == 0)
        return NULL;
    return mpi_blocks_receive(&rounds->blocks, (struct mpi_way){rounds->comm, from, TAG_CROSS},
                              cross_receive(rounds, node));
}

barks_status *node_rounds_begin(struct node_rounds *rounds, const struct node_payload *payload)
{
    BARKS_ASSERT(rounds->comm != MPI_COMM_NULL && !node_rounds_is_outstanding(rounds));
    rounds->payload = *payload;
    rounds->phase = NODE_GATHERS;
    for (uint32_t i = 0; i < rounds->lane_first[rounds->size]; i++)
        rounds->far_bytes[i] = (uint32_t)payload->send_pieces[rounds->far[i]].bytes;
    for (uint32_t node = 0; node < rounds->map.node_count; node++)
        if (node != rounds->node)
            BARKS_TRY(expect_cross(rounds, node));
    for (uint32_t place = 0; place < rounds->size; place++)
        if (place != rounds->place)
            BARKS_TRY(expect_gather(rounds, place));
    for (uint32_t i = 1; i < rounds->size; i++) /* not all to the same one first */
        BARKS_TRY(send_gather(rounds, (rounds->place + i) % rounds->size));
    return NULL;
}

/* ---- the second level ---- */

static const uint32_t *head_of(const struct node_rounds *rounds, uint32_t place)
{
    return (const uint32_t *)(const void *)slot_of(rounds, place); /* slots are aligned to 8 */
}

/* What one of my node has sent is as long as its head and the sizes of the round say. */
BARKS_CHECKED static barks_status *check_gathered(const struct node_rounds *rounds, uint32_t place,
                                                  const MPI_Status *message)
{
    uint32_t from = node_map_members(&rounds->map, rounds->node)[place];
    size_t own_bytes = rounds->payload.receive_pieces[from].bytes;
    uint64_t said_bytes = own_bytes;
    int got_bytes = 0;
    BARKS_TRY(
        mpi_status_of(MPI_Get_count(message, MPI_BYTE, &got_bytes), "gather a round in a node"));
    if (gathered_of(rounds, from, rounds->me, own_bytes).has_lane)
        said_bytes += head_bytes(rounds, rounds->place);
    for (uint32_t i = 0; i < lane_size(rounds, rounds->place); i++)
        said_bytes += head_of(rounds, place)[i];
    if (said_bytes != (uint64_t)got_bytes)
        BARKS_FAIL(BARKS_INTERNAL,
                   "executor %u sends %d bytes to executor %u of its node, which should be "
                   "%" PRIu64,
                   from + 1, got_bytes, rounds->me + 1, said_bytes);
    rounds->passed_bytes[place] = head_bytes(rounds, rounds->place);
    return NULL;
}

/* What all of my node have for the i-th of my lane. */
BARKS_CHECKED static barks_status *pass_on(struct node_rounds *rounds, uint32_t i)
{
    uint32_t to = rounds->far[rounds->lane_first[rounds->place] + i];
    const struct net_piece *own = &rounds->payload.send_pieces[to];
    mpi_blocks_clear(&rounds->blocks);
    for (uint32_t place = 0; place < rounds->size; place++) {
        if (place == rounds->place) {
            add_piece(rounds, rounds->payload.send, own);
            continue;
        }
        mpi_blocks_add(&rounds->blocks, slot_of(rounds, place) + rounds->passed_bytes[place],
                       head_of(rounds, place)[i]);
        rounds->passed_bytes[place] += head_of(rounds, place)[i];
    }
    if (rounds->blocks.bytes == 0)
        return NULL;
    return mpi_blocks_send(&rounds->blocks, (struct mpi_way){rounds->comm, to, TAG_CROSS},
                           cross_send(rounds, i));
}

BARKS_CHECKED static barks_status *end_gathering(struct node_rounds *rounds)
{
    for (uint32_t place = 0; place < rounds->size; place++)
        if (place != rounds->place)
            BARKS_TRY(check_gathered(rounds, place, &rounds->statuses[place]));
    for (uint32_t i = 0; i < lane_size(rounds, rounds->place); i++)
        BARKS_TRY(pass_on(rounds, i));
    rounds->phase = NODE_CROSSES;
    return NULL;
}

BARKS_CHECKED static barks_status *check_crossed(const struct node_rounds *rounds, uint32_t node)
{
    int got_bytes = 0;
    BARKS_TRY(
        mpi_status_of(MPI_Get_count(&rounds->statuses[rounds->size + node], MPI_BYTE, &got_bytes),
                      "receive a round from another node"));
    if ((size_t)got_bytes != rounds->crossing_bytes[node])
        BARKS_FAIL(BARKS_INTERNAL,
                   "executor %u sends %d bytes of its node to executor %u, which expects %zu",
                   node_map_via(&rounds->map, node, rounds->me) + 1, got_bytes, rounds->me + 1,
                   rounds->crossing_bytes[node]);
    return NULL;
}

barks_status *node_rounds_test(struct node_rounds *rounds, bool *out_moved, bool *out_done)
{
    int done = 0;
    *out_moved = *out_done = false;
    if (rounds->phase == NODE_GATHERS) {
        BARKS_TRY(
            mpi_status_of(MPI_Testall((int)rounds->size, rounds->requests, &done, rounds->statuses),
                          "gather a round in a node"));
        if (!done)
            return NULL;
        BARKS_TRY(end_gathering(rounds));
        *out_moved = true;
    }
    BARKS_TRY(mpi_status_of(
        MPI_Testall((int)rounds->request_count, rounds->requests, &done, rounds->statuses),
        "exchange a round between nodes"));
    if (!done)
        return NULL;
    for (uint32_t node = 0; node < rounds->map.node_count; node++)
        BARKS_TRY(check_crossed(rounds, node));
    rounds->phase = NODE_IDLE;
    *out_moved = *out_done = true;
    return NULL;
}
