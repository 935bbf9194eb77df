/* Some rows of a dataset. */
#include "exec/sample_operator.h"
#include "rdd/dataset.h"

#include <math.h>

static barks_rdd *sample_rows(barks_rdd *input, enum sample_kind kind, double low, double high,
                              uint64_t seed, const char *where)
{
    barks_rdd *rdd = dataset_create(input->context, STEP_SAMPLE, &input, 1, where);
    if (rdd->context == NULL)
        return rdd;
    rdd->node.record = input->node.record;
    rdd->node.partition_count = input->node.partition_count;
    rdd->node.step.numbers[0] = (int64_t)seed;
    rdd->node.step.numbers[1] = kind;
    rdd->node.step.reals[0] = low;
    rdd->node.step.reals[1] = high;
    return rdd;
}

barks_rdd *barks_sample_at(barks_rdd *input, const barks_fraction_options *options,
                           const char *where)
{
    double fraction = options->fraction;
    bool is_right =
        fraction >= 0 && isfinite(fraction) && (options->with_replacement || fraction <= 1);
    barks_rdd *rdd =
        sample_rows(input, options->with_replacement ? SAMPLE_POISSON : SAMPLE_RANGE,
                    options->with_replacement ? fraction : 0, fraction, options->seed, where);
    if (is_right)
        return rdd;
    return dataset_fail(rdd,
                        barks_status_new(BARKS_INVALID, NULL, BARKS_HERE,
                                         "%s: sample: a fraction of %g is not in [0, %s", where,
                                         fraction, options->with_replacement ? "inf)" : "1]"));
}

bool barks_random_split_at(barks_rdd *input, const double *weights, uint32_t count, uint64_t seed,
                           barks_rdd **out_rdds, const char *where)
{
    double sum = 0, before = 0;
    bool is_right = count > 0;
    for (uint32_t i = 0; i < count; i++) {
        is_right &= weights[i] >= 0 && isfinite(weights[i]);
        sum += weights[i];
    }
    is_right &= sum > 0 && isfinite(sum);
    for (uint32_t i = 0; i < count; i++) {
        double low = is_right ? before / sum : 0;
        before += weights[i];
        double high = !is_right ? 0 : i + 1 == count ? 1 : before / sum;
        out_rdds[i] = sample_rows(input, SAMPLE_RANGE, low, high, seed, where);
        if (!is_right)
            dataset_fail(out_rdds[i],
                         barks_status_new(BARKS_INVALID, NULL, BARKS_HERE,
                                          "%s: random_split: weights must be finite, not "
                                          "negative, and not all 0",
                                          where));
    }
    return is_right;
}
