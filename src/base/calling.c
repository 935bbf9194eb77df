#include "base/calling.h"

_Thread_local struct calling calling_now __attribute__((tls_model("initial-exec")));
