/* Records with fields of every type, and a function of every kind: what a job would write. */
#pragma once

#include "barks/record.h"

BARKS_RECORD(line, (str, text));
BARKS_RECORD(word_count, (str, word), (i64, count));
BARKS_RECORD(point, (f64, x), (optional(f32), y));
BARKS_RECORD(everything, (bool, flag), (i32, small), (i64, big), (f32, single), (f64, real),
             (str, text), (bytes, raw), (list(i64), numbers), (list(str), texts),
             (list(bool), flags), (record(point), place), (optional(bool), maybe_flag),
             (optional(i64), maybe_big), (optional(str), maybe_text),
             (optional(list(i32)), maybe_numbers), (optional(record(point)), maybe_place));
/* The most fields that a record may have. */
BARKS_RECORD(widest, (i32, f1), (i32, f2), (i32, f3), (i32, f4), (i32, f5), (i32, f6), (i32, f7),
             (i32, f8), (i32, f9), (i32, f10), (i32, f11), (i32, f12), (i32, f13), (i32, f14),
             (i32, f15), (i32, f16), (i32, f17), (i32, f18), (i32, f19), (i32, f20), (i32, f21),
             (i32, f22), (i32, f23), (i32, f24), (i32, f25), (i32, f26), (i32, f27), (i32, f28),
             (i32, f29), (i32, f30), (i32, f31), (i64, f32));

struct limits {
    int64_t count_min;
    int64_t fail_at; /* a row whose count is this fails */
};

extern const barks_function *const split_words_handle,
    *const split_tokens_handle, *const add_counts_handle,
                                    *const latest_text_handle,
                                        *const is_frequent_handle,
                                            *const copy_everything_handle,
                                                *const greet_handle,
                                                    *const observe_handle,
                                                        *const sum_batch_handle,
                                                            *const copy_frequent_handle,
                                                                *const total_length_handle,
                                                                    *const repeat_handle;
extern uint64_t observed_count, observed_sum;
