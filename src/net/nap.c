#include "net/nap.h"

#include "base/clock.h"

#include <sys/prctl.h>

/* Answers come within microseconds where the peer's thread is awake; spinning longer takes the core
 * from the workers. */
enum { NAP_SPIN_COUNT = 10 };

void nap_init(struct nap *nap)
{
    *nap = (struct nap){.next_ns = NS_PER_US};
    lock_init(&nap->lock, LOCK_NET, "nap");
    condition_init(&nap->happened);
    (void)prctl(PR_SET_TIMERSLACK, NS_PER_US); /* naps are longer where it is refused, no more */
}

void nap_drop(struct nap *nap)
{
    condition_drop(&nap->happened);
    lock_drop(&nap->lock);
}

void nap_note_traffic(struct nap *nap)
{
    nap->idle_count = 0;
    nap->next_ns = NS_PER_US;
}

void nap_wake(struct nap *nap)
{
    lock_acquire(&nap->lock);
    nap->locked.woken = true;
    condition_signal(&nap->happened);
    lock_release(&nap->lock);
}

void nap_take(struct nap *nap, uint64_t nap_ns_max)
{
    if (nap->idle_count < NAP_SPIN_COUNT) {
        nap->idle_count++;
        return;
    }
    uint64_t nap_ns = nap->next_ns < nap_ns_max ? nap->next_ns : nap_ns_max;
    nap->next_ns = 2 * nap_ns;
    uint64_t deadline_ns = monotonic_ns() + nap_ns;
    lock_acquire(&nap->lock);
    while (!nap->locked.woken && condition_wait_until(&nap->happened, &nap->lock, deadline_ns))
        ;
    bool woken = nap->locked.woken;
    nap->locked.woken = false;
    lock_release(&nap->lock);
    if (woken)
        nap_note_traffic(nap); /* what woke it often makes traffic */
}
