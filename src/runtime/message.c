#include "runtime/message.h"

#include "net/net.h"

#include <stdlib.h>

enum { STATUS_CHAIN_MAX = 64 };

void pack_status(struct packer *packer, const barks_status *status)
{
    uint32_t length = 0;
    for (const barks_status *link = status; link != NULL && length < STATUS_CHAIN_MAX;
         link = barks_status_cause(link))
        length++;
    pack_u64(packer, length);
    for (const barks_status *link = status; length > 0; link = barks_status_cause(link), length--) {
        pack_u64(packer, barks_status_code(link));
        pack_text(packer, barks_status_text(link));
    }
}

barks_status *unpack_status(struct unpacker *unpacker)
{
    uint32_t length = unpack_count(unpacker);
    barks_code codes[STATUS_CHAIN_MAX];
    char *texts[STATUS_CHAIN_MAX];
    if (length > STATUS_CHAIN_MAX)
        length = STATUS_CHAIN_MAX;
    for (uint32_t i = 0; i < length; i++) {
        codes[i] = (barks_code)unpack_u32(unpacker);
        texts[i] = unpack_text(unpacker);
    }
    barks_status *status = NULL;
    for (uint32_t i = length; i-- > 0;) {
        status = barks_status_new(codes[i], status, "", "%s", texts[i] != NULL ? texts[i] : "");
        free(texts[i]);
    }
    return status;
}

barks_status *message_send(struct net *net, uint32_t to, struct packer *packer)
{
    barks_status *status = packer_finish(packer);
    if (status == NULL)
        status = net_send(net, to, packer->bytes.data, packer->bytes.size);
    packer_drop(packer);
    return status;
}
