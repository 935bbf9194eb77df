#include "runtime/plan_basis.h"

#include "runtime/driver.h"
#include "runtime/kept_state.h"
#include "runtime/resume.h"

#include <inttypes.h>

enum { TRIES_MAX = 4 };

void plan_basis_note(barks_context *context, struct plan_basis *basis)
{
    kept_state_update(context);
    if (basis->tries == 0)
        basis->damages = context->damages;
    basis->tries++;
    basis->kept_changes = context->kept_changes;
    basis->stored_losses = resume_lost_count(context->resume);
    basis->begun_again = context->begun_again;
    basis->inputs_gone = context->inputs_gone;
}

bool plan_basis_has_changed(barks_context *context, struct plan_basis *basis,
                            const barks_status *status)
{
    kept_state_update(context);
    if (status == NULL || barks_status_code(status) != BARKS_LOST || basis->tries == TRIES_MAX ||
        driver_has_ended(context->driver)) /* there is nobody left who could run another plan */
        return false;
    /* Each time one stored stage or one executor less is there. */
    bool is_less = resume_lost_count(context->resume) != basis->stored_losses ||
                   context->begun_again != basis->begun_again;
    basis->tries -= is_less;
    return is_less || context->kept_changes != basis->kept_changes ||
           context->inputs_gone != basis->inputs_gone;
}

barks_status *plan_basis_give_up(const barks_context *context, const struct plan_basis *basis,
                                 barks_status *status)
{
    if (status == NULL || barks_status_code(status) != BARKS_LOST ||
        context->damages == basis->damages)
        return status;
    return barks_status_new(BARKS_IO, status, BARKS_HERE,
                            "rows on disk were damaged, and again when they had been computed anew "
                            "(%" PRIu32 " times): --barks-scratch names other directories",
                            basis->tries);
}
