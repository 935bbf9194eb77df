/* Numbers as text: what files take millions of. */
#pragma once

#include <stdint.h>

enum { NUMBER_TEXT_MAX = 32 }; /* bytes that each call may write to, beyond its result as well */

/* Each writes to out, without a final zero that counts, and returns the end of what it wrote.
 * Threads: any. */
char *number_put_u64(char *out, uint64_t value);
char *number_put_i64(char *out, int64_t value);

/* The same text as f64_text and f32_text of batch/value_text.h, sooner for numbers of few digits.
 */
char *number_put_f64(char *out, double value);
char *number_put_f32(char *out, float value);
