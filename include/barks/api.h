/* What libbarks.so exports: everything else in it is hidden. */
#pragma once

#define BARKS_API __attribute__((visibility("default")))
