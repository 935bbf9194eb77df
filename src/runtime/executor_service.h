/* An executor: its communication thread, which serves the driver until the job ends. */
#pragma once

#include "barks/status.h"

struct config;
struct net;
struct watchdog;

/* Serves on the calling thread, the owner of net, until the driver ends the job, and closes net.
 * watchdog: NULL, or the one that watches the calling thread. Returns the exit status that the
 * driver gave; a failure of its own it reports to the driver first. */
int executor_serve(struct net *net, const struct config *config, struct watchdog *watchdog);
