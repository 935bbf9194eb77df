/* Of this library; meson.build says the same. */
#pragma once

#define LIBRARY_VERSION "0.1.0"
