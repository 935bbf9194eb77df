/* A scope that drops what it opens: BARKS_AUTO(buffer) scratch = {0}; ends with
 * buffer_drop(&scratch). */
#pragma once

/* struct noun, dropped by noun_drop at the end of its scope, on every way out of it. To hand one
 * out, copy it to *out and zero it: a drop takes a zeroed object. */
#define BARKS_AUTO(noun) __attribute__((cleanup(noun##_drop))) struct noun
